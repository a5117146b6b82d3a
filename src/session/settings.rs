//! Settings of the agent, as far as the spec gives them.

use super::trainer::commit;
use crate::agent::{Settings, Trainer};
use crate::presence::reservation::reservations_of_user;
use crate::record::Layout;
use crate::spec::Sweep;
use std::time::Duration;

/// How long a worker that is told to end may take before it is killed.
pub const GRACE: Duration = Duration::from_secs(10);

/// How an agent executes runs of a sweep; what is the command line's, a scheduler's or a probe's to say is left open.
pub fn settings(sweep: &Sweep, trainer: Trainer, layout: Layout, agent: String) -> Settings {
    Settings {
        sweep: sweep.name.clone(),
        trainer,
        probe: None,
        resources: sweep.resources.clone(),
        on_failure: sweep.on_failure.clone(),
        metric: sweep.metric.as_ref().map(|metric| metric.name.clone()),
        common: Default::default(),
        axes: Vec::new(),
        slots: None,
        gpus: Vec::new(),
        share_busy: false,
        reservations: reservations_of_user(),
        folders: layout,
        agent,
        git: commit(&sweep.folder),
        spec: sweep.hash.clone(),
        done_before: (0, 0),
        grace: GRACE,
        allotted: None,
    }
}
