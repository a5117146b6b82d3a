//! Tessera: one YAML file into a finished comparison.
//!
//! The tree is the way that data takes, and arrows run from left to right only:
//!
//! ```text
//! record → spec → plan → schedule → process, device, presence, pickup → slurm → agent → store → analyse
//!        → exchange → figures → report → page → session → commands
//! ```
//!
//! A room imports only from rooms to its left (`tests/architecture.rs` reads the sources and fails otherwise).
//! `session` is where stages are joined, `commands` turns arguments into one call of them, and `error` is the one place
//! that renders errors and chooses exit codes. The lab's science is another module tree (`src/lab`, binary
//! `tessera-lab`) that imports `record` alone.

pub mod agent;
pub mod analyse;
pub mod commands;
pub mod device;
pub mod error;
pub mod exchange;
pub mod figures;
pub mod output;
pub mod page;
pub mod pickup;
pub mod plan;
pub mod presence;
pub mod process;
pub mod record;
pub mod report;
pub mod schedule;
pub mod session;
pub mod slurm;
pub mod spec;
pub mod store;
