//! Values in sentences: the texts of a report with what the stored sweeps say in their places, and its claims with
//! whether they hold. The language is minijinja's, strict; the values come from what `table` and `compare` are made of.

mod amount;
mod asked;
mod claims;
mod functions;
mod methods;
mod mistake;
mod sources;
mod texts;

pub use claims::{Holds, Verdict};
pub use sources::Sources;
pub use texts::{Told, tell, tell_figures};
