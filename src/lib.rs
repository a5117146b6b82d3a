//! Tessera: one YAML file into a finished comparison.
//!
//! The tree is the way that data takes, and arrows run from left to right only:
//!
//! ```text
//! spec → plan → record → schedule → run → store → analyse → figures → report
//! ```
//!
//! A stage imports only from stages to its left (`tests/architecture.rs` reads the sources and fails otherwise);
//! `commands` is where stages are joined, and `error` is the one place that renders errors and chooses exit codes.
//! The lab's science is another module tree (`src/lab`, binary `tessera-lab`) that imports `record` alone.

pub mod analyse;
pub mod commands;
pub mod error;
pub mod figures;
pub mod plan;
pub mod record;
pub mod report;
pub mod run;
pub mod schedule;
pub mod spec;
pub mod store;
