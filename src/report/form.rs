//! The forms in which a report is written.

/// A form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Form {
    /// One page that needs nothing else.
    Html,
    /// Markdown, with its figures beside it.
    Md,
    /// Pages of A4.
    Pdf,
    /// Slides.
    Pptx,
}

impl Form {
    /// The name of the file.
    pub fn file(self) -> &'static str {
        match self {
            Self::Html => "report.html",
            Self::Md => "report.md",
            Self::Pdf => "report.pdf",
            Self::Pptx => "report.pptx",
        }
    }
}
