//! Whether more or less of a metric is better.

use serde::{Deserialize, Serialize};

/// Whether more or less of a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// More
    Max,
    /// Less
    Min,
}

impl Goal {
    /// The goal of a metric that is maximised or not.
    pub fn of(maximize: bool) -> Self {
        if maximize { Self::Max } else { Self::Min }
    }
}
