//! Import and export: takes in runs that other programs executed, and writes sweeps for other tools.

mod error;
mod export;
mod import;

pub use error::ExchangeError;
pub use export::{To, export};
pub use import::{From, ImportRequest, Imported, import};
