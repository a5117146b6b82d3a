//! What is better of a metric, as arguments say it.

/// What is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Goal {
    /// More
    Max,
    /// Less
    Min,
}
