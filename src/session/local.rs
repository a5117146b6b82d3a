//! A session on this machine: claim, recover, record, execute, finish. `run` and `retry` call it.

use super::closing::close;
use super::error::outside;
use super::estimate::{ask_for_room, estimate_of};
use super::execution::Execution;
use super::journal::Journal;
use super::on_finish::{Counts, tell};
use super::planned::planned;
use super::record::{is_recorded, planned_fact};
use super::recovery::{agent_name, claim, end_leftovers};
use super::settings::settings;
use super::slurm::{Tasks, was_submitted};
use super::todo::Todo;
use super::trainer::{trainer, version};
use crate::agent::{Settings, Summary, Trainer};
use crate::error::{Error, ExitCode};
use crate::plan::Plan;
use crate::record::Layout;
use crate::slurm::attempts;
use crate::slurm::cluster::Cluster;
use crate::spec::Sweep;
use crate::store;
use std::path::Path;

/// Executes what is missing of a sweep on this machine.
///
/// # Errors
/// Where the spec is wrong, another process executes the sweep, or the results cannot be written.
pub fn execute_here(execution: &Execution, results: &Path) -> Result<ExitCode, Error> {
    execution.here(results)
}

impl Execution {
    fn here(&self, results: &Path) -> Result<ExitCode, Error> {
        let (sweep, plan) = planned(&self.spec, &self.sets, results)?;
        let trainer = trainer(&sweep)?;
        let read = Layout::new(results, &sweep.name).journal_bytes();
        let stored = store::Sweep::open_if_any(results, &sweep.name)?;
        let mut todo = Todo::of(&plan, stored.as_ref(), &version(&sweep)?, self.stale);
        eprintln!("{}: {}", sweep.name, todo.words());
        todo.keep(self.only.as_deref(), self.limit);
        if self.dry_run {
            crate::output::answer(&todo.list())?;
            return Ok(ExitCode::Success);
        }
        if !self.yes {
            ask_for_room(&estimate_of(&sweep, &plan, &todo, stored.as_ref()), results)?;
        }
        let mut summary = None;
        let outcome = self.session(results, &sweep, &plan, (&todo, read), trainer, &mut summary);
        // Where nothing was to be done there is nothing to tell.
        if let Some(summary) = summary.or_else(|| outcome.is_err().then(Summary::default)) {
            let counts = Counts {
                runs: plan.runs.len(),
                done: todo.done + summary.done,
                diverged: todo.diverged + summary.diverged,
                failed: summary.failed.len(),
                stopped: summary.stopped,
                left: summary.left,
                seconds: summary.seconds,
            };
            tell(&sweep, results, &counts, outcome.as_ref().copied());
        }
        outcome
    }

    /// From the claim to the figures. `todo` was made from so many bytes of the journals; `summary` is what was executed,
    /// if anything was.
    fn session(
        &self,
        results: &Path,
        sweep: &Sweep,
        plan: &Plan,
        (todo, read): (&Todo<'_>, u64),
        trainer: Trainer,
        summary: &mut Option<Summary>,
    ) -> Result<ExitCode, Error> {
        let layout = Layout::absolute(results, &sweep.name).map_err(outside)?;
        let claim = claim(&layout, &sweep.name, self.lost)?;
        if layout.journal_bytes() != read {
            let what = format!("another tessera executed `{}` while this one planned it", sweep.name);
            return Err(Error::failure(what).with_help("the same command plans it anew"));
        }
        let tasks = self.beside_slurm(&layout, &sweep.name)?;
        let agent = agent_name();
        let mut journal = Journal::new(results, &sweep.name, &agent, Some(claim));
        let elsewhere = end_leftovers(todo.stored(), tasks.as_ref(), self.lost, &mut journal)?;
        store::write_spec(&layout, &sweep.folded, &sweep.hash)?;
        if !is_recorded(todo.stored(), sweep, plan) {
            journal.record([planned_fact(sweep, plan)])?;
        }
        let mut runs = todo.runs()?;
        runs.retain(|queued| !elsewhere.contains(queued.id()));
        // Numbers that agents on Slurm claimed are not given again.
        let claimed = attempts::newest(&layout).map_err(outside)?;
        for queued in &mut runs {
            let next = claimed.get(queued.id()).map_or(0, |attempt| attempt + 1);
            queued.attempt = queued.attempt.max(next);
        }
        let mut code = ExitCode::Success;
        if runs.is_empty() {
            eprintln!("nothing to do: {} done", todo.done);
        } else {
            let settings = Settings {
                common: plan.common().clone(),
                axes: plan.axes.clone(),
                slots: self.slots,
                gpus: self.gpus.clone(),
                share_busy: self.share_busy,
                done_before: (todo.done, todo.diverged),
                ..settings(sweep, trainer, layout, agent)
            };
            let outcome = journal.execute(settings, runs)?;
            code = close(&outcome, sweep);
            *summary = Some(outcome);
        }
        let _claim = journal.close()?;
        if !elsewhere.is_empty() {
            eprintln!("{} runs were begun elsewhere, and nothing is known here of how they go on", elsewhere.len());
            eprintln!("  help: where that machine is gone: tessera retry {} --lost", sweep.name);
        }
        super::finish::finish(results, sweep.clone(), &self.spec, !self.without_page)?;
        Ok(code)
    }

    /// Refuses while tasks on Slurm have runs of the sweep.
    fn beside_slurm(&self, layout: &Layout, sweep: &str) -> Result<Option<Tasks>, Error> {
        if !was_submitted(layout) {
            return Ok(None);
        }
        let mut tasks = Tasks::look(layout, &Cluster::default())?;
        if self.lost {
            tasks.give_up()?;
        }
        if tasks.is_busy() {
            return Err(Error::failure(format!("`{sweep}` is executed on Slurm: {}", tasks.words()))
                .with_help(format!("`tessera run … --on slurm` goes on with it, `tessera stop {sweep}` cancels it")));
        }
        Ok(Some(tasks))
    }
}
