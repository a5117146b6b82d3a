//! The live page: takes stored sweeps, serves them to a browser on this machine. It reads only, whoever executes the
//! sweeps. What is true is computed by `analyse`; the page in the browser draws and computes no statistics.

mod answer;
mod assets;
mod columns;
mod compared;
mod connection;
mod curves;
mod error;
mod events;
mod failures;
mod guard;
mod home;
mod log;
mod machine;
mod map;
mod overview;
mod question;
mod routes;
mod rows;
mod run;
mod server;
mod shelf;

pub use error::PageError;
pub use server::{Address, serve};
