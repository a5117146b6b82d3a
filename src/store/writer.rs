//! The one writer of an agent's journal and segments.
//!
//! The order is what makes it safe: `started` lines are on the disk before rows of their attempts, rows before the
//! `checkpoint`, `finished` … lines that vouch for them.

use super::files::{list, write_whole};
use super::pending::{PendingArrays, PendingHistory};
use super::rows_file::{Footer, RowsFile, Span, write};
use super::{Journal, StoreError};
use crate::agent::{Array, Sink, SinkError};
use crate::record::Layout;
use crate::record::{Fact, Rows, RunId};
use polars::prelude::DataFrame;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// Rows that no fact waits for are kept so long, so that a long run does not leave a file a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// … or until they are so many.
const MANY_ROWS: usize = 200_000;

/// … or, of arrays, until they hold so many values.
const MANY_VALUES: usize = 16 << 20;

/// Row groups of histories hold at most so many rows …
pub(super) const ROWS_A_GROUP: usize = 1 << 17;

/// … and in segments no more than these of several runs: compaction reads them run by run.
const ROWS_TOGETHER: usize = 1 << 11;

/// Row groups of arrays hold about so many values.
const VALUES_A_GROUP: usize = 8 << 20;

/// Writes what one agent's runs produce.
pub struct Writer {
    layout: Layout,
    sweep: String,
    agent: String,
    journal: Journal,
    history: PendingHistory,
    arrays: PendingArrays,
    facts: Vec<Fact>,
    outbox: VecDeque<Segment>,
    next: u64,
    /// Where rows lie that no line of the journal vouches for yet, of the attempts that began here.
    places: HashMap<(RunId, u32), Places>,
    oldest: Option<Instant>,
}

impl Writer {
    /// Opens the journal of an agent (a plain file name, the only writer of that name) for a sweep.
    ///
    /// # Errors
    /// Where the folder cannot be written or the journal is not one.
    pub fn open(results: &Path, sweep: &str, agent: &str) -> Result<Self, StoreError> {
        let layout = Layout::new(results, sweep);
        let mut named = 0;
        let journal = Journal::open(&layout.journal(agent), sweep, agent, |fact| {
            if let Fact::Kept { history, arrays, .. } = fact {
                named = history.into_iter().chain(arrays).map(|(_, to)| to).fold(named, u64::max);
            }
        })?;
        let next = next_segment(&layout, agent, named)?;
        Ok(Self {
            layout,
            sweep: sweep.to_owned(),
            agent: agent.to_owned(),
            journal,
            history: PendingHistory::default(),
            arrays: PendingArrays::default(),
            facts: Vec::new(),
            outbox: VecDeque::new(),
            next,
            places: HashMap::new(),
            oldest: None,
        })
    }

    /// Keeps a version of the spec as `spec-<hash>.yaml`.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write_spec(&self, folded: &str, hash: &str) -> Result<(), StoreError> {
        write_spec(&self.layout, folded, hash)
    }

    /// Makes everything safe: facts, and all rows but the last of attempts that go on.
    ///
    /// # Errors
    /// Where it cannot be written (no room left, say); then what was not written is kept for the next try.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        self.journal.sync()?;
        let over: BTreeSet<(RunId, u32)> = self.facts.iter().filter_map(vouches).collect();
        let history = self.history.take(&self.sweep, |run, attempt| !over.contains(&(run.clone(), attempt)));
        let arrays = self.arrays.take(&self.sweep);
        for (table, taken) in [("history", history), ("arrays", arrays)] {
            let (rows, spans) = taken.map_err(StoreError::table(&self.layout.segments()))?;
            if rows.height() > 0 {
                self.outbox.push_back(Segment { table, rows, spans });
            }
        }
        while let Some(segment) = self.outbox.front() {
            self.write_segment(segment)?;
            for span in &segment.spans {
                if let Some(places) = self.places.get_mut(&(span.run.clone(), span.attempt)) {
                    places.add(segment.table, self.next);
                }
            }
            self.next += 1;
            self.outbox.pop_front();
        }
        self.oldest = None;
        let is_end = |fact: &&Fact| !matches!(fact, Fact::Checkpoint { .. });
        let ended: HashSet<(RunId, u32)> = self.facts.iter().filter(is_end).filter_map(vouches).collect();
        let mut facts: Vec<Fact> =
            over.iter().filter_map(|attempt| self.kept(attempt, ended.contains(attempt))).collect();
        facts.append(&mut self.facts);
        let outcome = self.journal.append(&facts);
        // Where it could not be written the whole is tried again; the places are made anew then.
        facts.retain(|fact| !matches!(fact, Fact::Kept { .. }));
        self.facts = facts;
        outcome?;
        for attempt in &over {
            if let Some(places) = self.places.get_mut(attempt) {
                *places = Places::default();
            }
        }
        self.facts.clear();
        self.places.retain(|attempt, _| !ended.contains(attempt));
        self.journal.sync()
    }

    fn write_segment(&self, segment: &Segment) -> Result<(), StoreError> {
        let Segment { table, rows, spans } = segment;
        let name = format!("{}-{}.{table}.parquet", self.agent, self.next);
        let footer = Footer::new(table, &self.sweep, Vec::new(), spans.clone());
        let groups = match *table {
            "arrays" => row_groups(rows, table),
            _ => groups_of_runs(rows, spans.iter().map(|span| span.rows as usize), ROWS_TOGETHER),
        };
        write(&self.layout.segments().join(name), rows.schema(), &footer, |append| groups.iter().try_for_each(append))
    }

    /// The line that says where the rows of an attempt lie that began here; none where there are none and it goes on.
    fn kept(&self, attempt: &(RunId, u32), ended: bool) -> Option<Fact> {
        let Places { history, arrays } = self.places.get(attempt)?.clone();
        if history.is_empty() && arrays.is_empty() && !ended {
            return None;
        }
        let (run, attempt) = attempt.clone();
        Some(Fact::Kept { run, attempt, agent: self.agent.clone(), history, arrays })
    }

    fn hold(&mut self) {
        self.oldest.get_or_insert_with(Instant::now);
    }
}

impl Sink for Writer {
    fn fact(&mut self, fact: Fact) -> Result<(), SinkError> {
        if let Fact::Started { run, attempt, .. } = &fact {
            self.places.insert((run.clone(), *attempt), Places::default());
        }
        if matches!(fact, Fact::Started { .. } | Fact::Planned { .. } | Fact::Probe { .. }) {
            return self.journal.append([&fact]).map_err(sink_error);
        }
        self.facts.push(fact);
        Ok(())
    }

    fn history(&mut self, run: &RunId, attempt: u32, rows: &Rows) -> Result<(), SinkError> {
        self.hold();
        self.history.push(run, attempt, rows);
        Ok(())
    }

    fn arrays(&mut self, run: &RunId, attempt: u32, step: u64, arrays: Vec<Array>) -> Result<(), SinkError> {
        self.hold();
        self.arrays.push(run, attempt, step, arrays);
        Ok(())
    }

    fn commit(&mut self) -> Result<(), SinkError> {
        let waited = self.oldest.is_some_and(|oldest| oldest.elapsed() > PATIENCE);
        let many = self.history.rows() > MANY_ROWS || self.arrays.values() > MANY_VALUES;
        if !self.facts.is_empty() || !self.outbox.is_empty() || waited || many {
            self.flush().map_err(sink_error)
        } else {
            self.journal.sync().map_err(sink_error)
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Rows that no fact waits for: whoever wants to know whether they were written calls `flush`.
        let _ = self.flush();
    }
}

/// A table that is to be written.
struct Segment {
    table: &'static str,
    rows: DataFrame,
    spans: Vec<Span>,
}

/// Segments by their numbers: from, to.
#[derive(Clone, Default)]
struct Places {
    history: Vec<(u64, u64)>,
    arrays: Vec<(u64, u64)>,
}

impl Places {
    fn add(&mut self, table: &str, number: u64) {
        let ranges = if table == "arrays" { &mut self.arrays } else { &mut self.history };
        match ranges.last_mut() {
            Some((_, to)) if *to + 1 == number => *to = number,
            _ => ranges.push((number, number)),
        }
    }
}

/// The attempt whose rows a fact vouches for.
fn vouches(fact: &Fact) -> Option<(RunId, u32)> {
    match fact {
        Fact::Checkpoint { run, attempt, .. }
        | Fact::Finished { run, attempt, .. }
        | Fact::Failed { run, attempt, .. }
        | Fact::Stopped { run, attempt, .. } => Some((run.clone(), *attempt)),
        Fact::Planned { .. }
        | Fact::Probe { .. }
        | Fact::Started { .. }
        | Fact::Read { .. }
        | Fact::Kept { .. }
        | Fact::Void { .. } => None,
    }
}

/// A table cut into row groups: histories by rows, arrays by values.
pub(super) fn row_groups(rows: &DataFrame, table: &str) -> Vec<DataFrame> {
    let height = rows.height();
    let values = rows.column("values").ok().and_then(|values| values.list().ok().map(|list| list.inner_length()));
    let groups = match values {
        Some(values) if table == "arrays" => values.div_ceil(VALUES_A_GROUP),
        _ => height.div_ceil(ROWS_A_GROUP),
    };
    let size = height.div_ceil(groups.max(1)).max(1);
    (0..height).step_by(size).map(|start| rows.slice(start as i64, size)).collect()
}

/// Histories of so many rows each, cut into row groups that end where a run ends: one run's rows are read without those
/// of others, unless together they are few.
pub(super) fn groups_of_runs(rows: &DataFrame, counts: impl IntoIterator<Item = usize>, few: usize) -> Vec<DataFrame> {
    let mut groups = Vec::new();
    let (mut from, mut to) = (0, 0);
    let mut close = |from: usize, to: usize| groups.extend(row_groups(&rows.slice(from as i64, to - from), "history"));
    for count in counts {
        if to > from && to - from + count > few {
            close(from, to);
            from = to;
        }
        to += count;
    }
    close(from, to);
    groups
}

/// Keeps a version of the spec as `spec-<hash>.yaml`.
///
/// # Errors
/// Where it cannot be written.
pub fn write_spec(layout: &Layout, folded: &str, hash: &str) -> Result<(), StoreError> {
    let path = layout.spec(hash);
    if path.exists() {
        return Ok(());
    }
    write_whole(&path, |file| file.write_all(folded.as_bytes()).map_err(StoreError::file("write", &path)))
}

/// The number of an agent's next segment: a name is never used twice, since a part may name it. `named`: the newest that
/// the journal names.
fn next_segment(layout: &Layout, agent: &str, named: u64) -> Result<u64, StoreError> {
    let mut names: Vec<String> = Vec::new();
    for path in list(&layout.segments(), ".parquet")? {
        names.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
    }
    for table in ["history", "arrays"] {
        for path in list(&layout.parts(table), ".parquet")? {
            names.extend(RowsFile::open(&path)?.footer.takes);
        }
    }
    // Those that a repair set aside may be put back one day.
    for path in list(&layout.damaged_segments(), "")? {
        names.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
    }
    let own = names.iter().filter_map(|name| segment_of(name)).filter(|(of, _)| *of == agent);
    Ok(own.map(|(_, number)| number).fold(named, u64::max) + 1)
}

/// The agent and the number that a segment's name tells.
pub(super) fn segment_of(name: &str) -> Option<(&str, u64)> {
    let (agent, rest) = name.rsplit_once('-')?;
    Some((agent, rest.split('.').next()?.parse().ok()?))
}

fn sink_error(error: StoreError) -> SinkError {
    SinkError(match error.help() {
        Some(help) => format!("{error}; {help}"),
        None => error.to_string(),
    })
}
