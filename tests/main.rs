//! One test binary: one file a stage.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod account;
mod analyse;
mod architecture;
mod browser;
mod cases;
mod command;
mod end_to_end;
mod figures;
mod import;
mod killed;
mod package;
mod pickup;
mod plan;
mod probe;
mod query;
mod release;
mod report;
mod resume;
mod run;
mod run_command;
mod slurm;
mod slurm_cluster;
mod slurm_ends;
mod slurm_fake;
mod slurm_tasks;
mod spec;
mod stage;
mod store;
mod store_compact;
mod store_damage;
mod stored;
mod suggest;
mod sweeps;
mod values;
