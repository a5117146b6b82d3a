//! Takes a report as a spec asks for it and the stored sweeps, writes a folder with `report.md` and its figures,
//! `report.html`, one page that needs nothing else, and where they are asked for `report.pdf` and `report.pptx`. The
//! same store, spec and `since` give the same bytes: no clock enters them.

mod block;
mod changes;
mod edition;
mod error;
mod file;
mod form;
mod gather;
mod html;
mod markdown;
mod pdf;
mod pptx;
mod suggested;
mod table;
mod text;
mod told;
mod write;

pub use edition::{edition_name, keep};
pub use error::ReportError;
pub use form::Form;
pub use gather::{Body, Part, gather};
pub use html::page;
pub use markdown::markdown;
pub use suggested::suggestions;
pub use table::Table;
pub use text::to_html;
pub use told::{Holds, Verdict};
pub use write::{Drawn, Kind, Written, check, draw_figures, write, write_as};
