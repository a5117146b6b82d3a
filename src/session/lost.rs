//! The fact about an attempt whose agent is gone.

use crate::process::host;
use crate::record::{Fact, Failure};
use crate::store::RunState;

/// What the journal says of a run's newest attempt where nobody is left who could say how it ended.
pub fn lost_fact(state: &RunState, message: String) -> Fact {
    Fact::Failed {
        time: host::unix_time(),
        run: state.run.clone(),
        attempt: state.attempt,
        seconds: 0.0,
        failure: Failure::Lost,
        message,
    }
}
