//! TensorBoard's event files under a folder, read as they grow.
//!
//! Tags of files in sub-folders get the folder as prefix. Several files in one folder are what a program leaves that
//! was started again: a later file wins, for each metric that it has, from that metric's first step in it on; a session that starts with
//! `purge_step` makes void what came before it from that step on, as in TensorBoard. Where values that are now void
//! were already handed out, reading begins again ([`EventFiles::poll`] says so).

use super::collector::{Collector, Tag};
use super::event;
use super::event::{Event, EventError};
use super::framing::{Framed, after, frame};
use super::window::Window;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Folders below this depth are not searched.
const DEEPEST: usize = 8;

/// All event files under a folder.
pub struct EventFiles {
    root: PathBuf,
    /// Files that were read, and were replaced or deleted while others stand.
    void: BTreeSet<PathBuf>,
    /// Files by folder (relative, `/` between names), each folder's in the order they were begun.
    folders: BTreeMap<String, Vec<EventFile>>,
    /// Scratch.
    event: Event,
}

struct EventFile {
    path: PathBuf,
    /// Time of its first event.
    begun: f64,
    /// How far values were handed out.
    taken: Position,
    /// How far it was looked at for what it makes void in earlier files.
    surveyed: Position,
    /// What it was when it was read last.
    mark: Option<Mark>,
    /// The smallest step at which a session starts.
    purge: Option<u64>,
    tags: HashMap<Vec<u8>, FileTag>,
    damaged: u64,
    /// Values at steps below 0.
    negative: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Position {
    at: u64,
    lost: bool,
}

/// Bytes before the end of what was read that are compared: they hold times and checksums of their own.
const COMPARED: u64 = 1 << 10;

/// A file as it was read: another one in its place has another number, is shorter, or has other bytes there.
#[derive(Clone, Debug, PartialEq)]
struct Mark {
    device: u64,
    number: u64,
    length: u64,
    modified: Option<SystemTime>,
    at: u64,
    last: Vec<u8>,
}

impl Mark {
    /// Of a file that was read up to a position; none if it is gone or shorter.
    fn of(path: &Path, at: u64) -> io::Result<Option<Self>> {
        let read = || -> io::Result<Self> {
            let file = File::open(path)?;
            let about = file.metadata()?;
            let compared = at.min(COMPARED);
            let mut last = vec![0; compared as usize];
            file.read_exact_at(&mut last, at - compared)?;
            let (device, number, length, modified) = (about.dev(), about.ino(), about.len(), about.modified().ok());
            Ok(Self { device, number, length, modified, at, last })
        };
        match read() {
            Ok(mark) => Ok(Some(mark)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the file still begins with what was read of it. Where nothing says that it was written to, it is looked
    /// into only if `closely`.
    fn holds(&self, path: &Path, closely: bool) -> io::Result<bool> {
        let unchanged = |about: fs::Metadata| {
            (about.dev(), about.ino(), about.len(), about.modified().ok())
                == (self.device, self.number, self.length, self.modified)
        };
        if !closely && fs::metadata(path).is_ok_and(unchanged) {
            return Ok(true);
        }
        let now = Self::of(path, self.at)?;
        Ok(now.is_some_and(|now| (now.device, now.number, &now.last) == (self.device, self.number, &self.last)))
    }
}

/// A tag in one file.
#[derive(Clone, Copy, Debug, Default)]
struct FileTag {
    /// Its number; none: not wanted, or known to be no scalar.
    tag: Option<Tag>,
    /// Its first step in this file.
    first: Option<u64>,
    /// The largest step handed out.
    handed: Option<u64>,
}

/// What a poll came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// There is more to read now.
    pub more: bool,
    /// What was handed out before is void; the history follows again from its beginning.
    pub restarted: bool,
}

impl EventFiles {
    /// Looks for event files under a folder, which may not exist yet.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), void: BTreeSet::new(), folders: BTreeMap::new(), event: Event::default() }
    }

    /// Whether there is any event file.
    pub fn exist(&self) -> bool {
        !self.folders.is_empty()
    }

    /// Hands new values to the collector, until it holds `budget` of them. `last`: nothing writes any more.
    pub fn poll(&mut self, collector: &mut Collector, budget: usize, last: bool) -> io::Result<Progress> {
        let mut restarted = self.let_go(last)?;
        self.discover()?;
        for (folder, files) in &mut self.folders {
            if files.len() > 1 {
                restarted |= survey(folder, files, collector, &mut self.event)?;
            }
        }
        if restarted {
            collector.restart();
            for file in self.folders.values_mut().flatten() {
                file.taken = Position::default();
                (file.damaged, file.negative) = (0, 0);
                file.tags.values_mut().for_each(|tag| tag.handed = None);
            }
        }
        let mut more = false;
        for (folder, files) in &mut self.folders {
            for index in 0..files.len() {
                more |= take(folder, files, index, collector, &mut self.event, budget)?;
                files[index].remember()?;
                if collector.size >= budget {
                    return Ok(Progress { more: true, restarted });
                }
            }
        }
        Ok(Progress { more, restarted })
    }

    /// What could not be read, in words.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for path in &self.void {
            let name = path.strip_prefix(&self.root).unwrap_or(path).display();
            notes.push(format!("{name} was written anew or deleted: what it held before is left out"));
        }
        for file in self.folders.values().flatten() {
            let name = file.path.strip_prefix(&self.root).unwrap_or(&file.path).display();
            if file.damaged > 0 {
                notes.push(format!("{name}: {} damaged records were left out", file.damaged));
            }
            if file.negative > 0 {
                notes.push(format!("{name}: {} values left out: a step below 0", file.negative));
            }
            // Of several files nothing is taken beyond what was surveyed.
            if let Some(lost) = [file.taken, file.surveyed].into_iter().find(|position| position.lost) {
                notes.push(format!("{name}: damaged at byte {}; what follows cannot be read", lost.at));
            }
        }
        notes
    }

    /// Forgets files that are not those that were read any more; true if there were any. What was read of files that are
    /// gone stays while no other stands in their place.
    fn let_go(&mut self, closely: bool) -> io::Result<bool> {
        let mut replaced = Vec::new();
        let mut gone = Vec::new();
        for file in self.folders.values().flatten() {
            let Some(mark) = file.mark.as_ref().filter(|mark| mark.at > 0) else { continue };
            if !mark.holds(&file.path, closely)? {
                if file.path.exists() { &mut replaced } else { &mut gone }.push(file.path.clone());
            }
        }
        if replaced.is_empty() && !gone.is_empty() {
            let mut standing = Vec::new();
            find(&self.root, &self.root, 0, &mut standing)?;
            if standing.is_empty() {
                return Ok(false);
            }
        }
        let void = !replaced.is_empty() || !gone.is_empty();
        for path in replaced.into_iter().chain(gone) {
            self.folders.values_mut().for_each(|files| files.retain(|file| file.path != path));
            self.void.insert(path);
        }
        if void {
            // What they made void in others counts again.
            for file in self.folders.values_mut().flatten() {
                (file.surveyed, file.purge) = (Position::default(), None);
                file.tags.clear();
            }
            self.folders.retain(|_, files| !files.is_empty());
        }
        Ok(void)
    }

    fn discover(&mut self) -> io::Result<()> {
        let mut found = Vec::new();
        find(&self.root, &self.root, 0, &mut found)?;
        for (folder, path) in found {
            if self.folders.get(&folder).is_some_and(|files| files.iter().any(|file| file.path == path)) {
                continue;
            }
            let Some(begun) = begun(&path, &mut self.event)? else { continue };
            let files = self.folders.entry(folder).or_default();
            let place = files.partition_point(|f| (f.begun, &f.path) < (begun, &path));
            let (taken, surveyed) = (Position::default(), Position::default());
            let (mark, purge, tags, damaged, negative) = (None, None, HashMap::new(), 0, 0);
            files.insert(place, EventFile { path, begun, taken, surveyed, mark, purge, tags, damaged, negative });
        }
        Ok(())
    }
}

impl EventFile {
    /// Remembers what was read of it.
    fn remember(&mut self) -> io::Result<()> {
        let at = self.taken.at.max(self.surveyed.at);
        if self.mark.as_ref().is_none_or(|mark| mark.at != at) {
            self.mark = Mark::of(&self.path, at)?;
        }
        Ok(())
    }
}

/// Event files under a folder with their own folders' relative names, each folder's in the order of their names.
pub fn find(root: &Path, folder: &Path, depth: usize, found: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() && depth < DEEPEST {
            find(root, &path, depth + 1, found)?;
        } else if entry.file_name().to_string_lossy().contains("tfevents") && path.is_file() {
            let relative = folder.strip_prefix(root).unwrap_or(folder);
            let names: Vec<_> = relative.iter().map(|name| name.to_string_lossy()).collect();
            found.push((names.join("/"), path));
        }
    }
    Ok(())
}

/// The time of a file's first event; none while it has none that can be read.
fn begun(path: &Path, event: &mut Event) -> io::Result<Option<f64>> {
    let mut window = match Window::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        window => window?,
    };
    match frame(&mut window, 0)? {
        Framed::Record(from, to) => match event::read(&mut window, from, to, false, event) {
            Ok(()) => Ok(Some(event.wall)),
            Err(EventError::Malformed) => Ok(Some(f64::MAX)),
            Err(EventError::Io(error)) => Err(error),
        },
        Framed::Damaged(_) | Framed::Lost => Ok(Some(f64::MAX)),
        Framed::End => Ok(None),
    }
}

/// What a visit to a record asks for.
#[derive(PartialEq, Eq)]
enum Go {
    On,
    Stop,
}

/// Visits the whole records from a position on; gives how many were damaged. `lost` is set where the file cannot be
/// followed further, and tried again by the next call, since a file may be seen half written.
fn visit(
    path: &Path,
    position: &mut Position,
    end: Option<u64>,
    texts: bool,
    event: &mut Event,
    mut each: impl FnMut(&Event) -> Go,
) -> io::Result<u64> {
    // A length that did not change costs one look at the folder's entry, no read.
    let window = fs::metadata(path)
        .and_then(|about| if about.len() <= position.at { Ok(None) } else { Window::open(path).map(Some) });
    let mut window = match window {
        Ok(Some(window)) => window,
        Ok(None) => return Ok(0),
        // Deleted since it was found.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut damaged = 0;
    while end.is_none_or(|end| position.at < end) {
        position.lost = false;
        position.at = match frame(&mut window, position.at)? {
            Framed::End => break,
            Framed::Lost => {
                position.lost = true;
                break;
            }
            Framed::Damaged(next) => {
                damaged += 1;
                next
            }
            Framed::Record(from, to) => {
                let go = match event::read(&mut window, from, to, texts, event) {
                    Ok(()) => each(event),
                    Err(EventError::Malformed) => {
                        damaged += 1;
                        Go::On
                    }
                    Err(EventError::Io(error)) => return Err(error),
                };
                if go == Go::Stop {
                    position.at = after(to);
                    break;
                }
                after(to)
            }
        };
    }
    Ok(damaged)
}

/// Texts and hyperparameters of a file, in order: (tag, plugin, text, content).
pub fn texts(path: &Path, mut each: impl FnMut(&event::Value)) -> io::Result<()> {
    let mut event = Event::default();
    visit(path, &mut Position::default(), None, true, &mut event, |event| {
        event.values.iter().for_each(&mut each);
        Go::On
    })?;
    Ok(())
}

/// The step, where it is one.
fn step(event: &Event) -> Option<u64> {
    u64::try_from(event.step).ok()
}

/// The tag's number; none if it is not wanted or no scalar.
fn tag(
    folder: &str,
    value: &event::Value,
    tags: &mut HashMap<Vec<u8>, FileTag>,
    collector: &mut Collector,
) -> Option<Tag> {
    if let Some(known) = tags.get(&value.tag) {
        return known.tag;
    }
    let name = String::from_utf8_lossy(&value.tag);
    let name = if folder.is_empty() { name.into_owned() } else { format!("{folder}/{name}") };
    // The plugin stands in a tag's first event only.
    let scalar = matches!(value.plugin.as_str(), "" | "scalars");
    let tag = if scalar { collector.tag(&name) } else { None };
    if value.number.is_some() || !scalar {
        tags.insert(value.tag.clone(), FileTag { tag, ..FileTag::default() });
    }
    tag
}

/// Looks at what files have in their new parts; true if that makes void what was handed out of earlier ones.
fn survey(folder: &str, files: &mut [EventFile], collector: &mut Collector, event: &mut Event) -> io::Result<bool> {
    let mut void = false;
    for index in 0..files.len() {
        let (earlier, rest) = files.split_at_mut(index);
        let Some(file) = rest.first_mut() else { continue };
        let (tags, purge) = (&mut file.tags, &mut file.purge);
        visit(&file.path, &mut file.surveyed, None, false, event, |event| {
            let Some(step) = step(event) else { return Go::On };
            if event.session_start && purge.is_none_or(|p| step < p) {
                *purge = Some(step);
                void |= earlier.iter().flat_map(|f| f.tags.values()).any(|tag| tag.handed >= Some(step));
            }
            for value in event.values.iter().filter(|value| value.number.is_some()) {
                if tag(folder, value, tags, collector).is_none() {
                    continue;
                }
                let Some(known) = tags.get_mut(&value.tag).filter(|known| known.first.is_none()) else { continue };
                known.first = Some(step);
                void |= earlier.iter().any(|f| f.tags.get(&value.tag).is_some_and(|t| t.handed >= Some(step)));
            }
            Go::On
        })?;
    }
    Ok(void)
}

/// Hands a file's new values to the collector; true if there are more.
fn take(
    folder: &str,
    files: &mut [EventFile],
    index: usize,
    collector: &mut Collector,
    event: &mut Event,
    budget: usize,
) -> io::Result<bool> {
    let Some((file, later)) = files.get_mut(index..).and_then(|files| files.split_first_mut()) else {
        return Ok(false);
    };
    // Of several files nothing is handed out that was not surveyed.
    let end = (index > 0 || !later.is_empty()).then_some(file.surveyed.at);
    let (tags, negative, mut more) = (&mut file.tags, &mut file.negative, false);
    let damaged = visit(&file.path, &mut file.taken, end, false, event, |event| {
        let Some(step) = step(event) else {
            *negative += event.values.iter().filter(|value| value.number.is_some()).count() as u64;
            return Go::On;
        };
        for value in &event.values {
            let Some(number) = value.number else { continue };
            let Some(tag) = tag(folder, value, tags, collector) else { continue };
            let void = later.iter().any(|file| {
                let first = file.tags.get(&value.tag).and_then(|known| known.first);
                let restarted = first.is_some_and(|first| first <= step);
                restarted || file.purge.is_some_and(|purge| purge <= step)
            });
            if !void {
                collector.push(tag, step, number, event.wall);
                if let Some(known) = tags.get_mut(&value.tag) {
                    known.handed = known.handed.max(Some(step));
                }
            }
        }
        more = collector.size >= budget;
        if more { Go::Stop } else { Go::On }
    })?;
    file.damaged += damaged;
    Ok(more)
}
