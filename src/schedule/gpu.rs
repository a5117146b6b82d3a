//! A GPU as the decision sees it.

/// What is known of a GPU at the moment of a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Gpu {
    /// `gpu 0`, for people.
    pub name: String,
    /// What `CUDA_VISIBLE_DEVICES` of a worker is set to.
    pub uuid: String,
    /// Bytes.
    pub total: u64,
    /// Bytes.
    pub free: u64,
    /// Why nothing may start here.
    pub obstacle: Option<Obstacle>,
    /// Until when (seconds) the memory of the last start is still growing; sooner when it has settled.
    pub settling_until: Option<f64>,
}

/// Why a GPU is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Somebody else works on it; in words: `4.2 GiB of user bob's python (pid 1234)`.
    Foreign(String),
    /// It answers no longer.
    Gone,
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Foreign(who) => write!(f, "somebody else works on it: {who} (`--share-busy` uses it anyway)"),
            Self::Gone => f.write_str("it answers no longer; the driver's log (`dmesg`) says why"),
        }
    }
}
