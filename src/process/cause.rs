//! Why an attempt has no result: the class of a failure and the line that tells it, from how its process ended and what
//! its log says last.
//!
//! The line is the exception that ended the program. It is looked for by the form that each language gives it; what
//! launchers and loggers print below it is passed over. The class `oom` comes from that exception alone: a log that
//! mentions memory, or recovered from having none, says nothing about the end. `cause/texts.txt` is the table of texts
//! that holds this to it.

use super::group::Ended;
use crate::record::Failure;
use regex::Regex;
use std::sync::LazyLock;

/// Characters of the line that are shown at most.
const LONGEST: usize = 240;
/// Lines of a log that a failure's message carries.
const LINES: usize = 12;
/// Lines that an exception's own message has at most.
const LONGEST_MESSAGE: usize = 40;
/// So many lines from the end a line that only looks like an error is taken for the cause.
const NEAR: usize = 12;
/// So many lines from the end it is the cause for certain: nothing went on after it.
const LAST: usize = 4;

/// What programs say when there is no memory left, in small letters.
const OUT_OF_MEMORY: [&str; 46] = [
    "cuda out of memory",
    "hip out of memory",
    "xpu out of memory",
    "npu out of memory",
    "mps backend out of memory",
    "error: out of memory",
    "failure 'out of memory'",
    "failure 2 'out of memory'",
    "out of memory while trying to allocate",
    "out of memory allocating",
    "out of memory trying to allocate",
    "out of gpu memory",
    "out of memory on device",
    "outofmemoryerror",
    "cuda_error_out_of_memory",
    "cudaerrormemoryallocation",
    "hiperroroutofmemory",
    "hiperrormemoryallocation",
    "out_of_device_memory",
    "out_of_host_memory",
    "mem_object_allocation_failure",
    "cudnn_status_alloc_failed",
    "cublas_status_alloc_failed",
    "cusparse_status_alloc_failed",
    "cusolver_status_alloc_failed",
    "cusparse_status_insufficient_resources",
    "cufft_alloc_failed",
    "hipblas_status_alloc_failed",
    "rocblas_status_memory_error",
    "miopenstatusallocfailed",
    "oom when allocating",
    "std::bad_alloc",
    "unable to allocate",
    "cannot allocate memory",
    "can't allocate memory",
    "could not allocate memory",
    "failed to allocate memory",
    "not enough memory",
    "insufficient memory",
    "virtual memory exhausted",
    "cannot allocate vector of size",
    "heap out of memory",
    "runtime: out of memory",
    "mmap failed: out of memory",
    "out of memory error",
    "array exceeds maximum array size preference",
];

/// What has these words and is no want of memory.
const NOT_MEMORY: [&str; 4] =
    ["static tls block", "out of shared memory", "out of resource: shared memory", "unable to allocate a port"];

/// Exceptions that are mistakes of a program, whatever words their text quotes.
const MISTAKES: [&str; 16] = [
    "KeyError",
    "TypeError",
    "AttributeError",
    "NameError",
    "UnboundLocalError",
    "ImportError",
    "ModuleNotFoundError",
    "IndexError",
    "AssertionError",
    "FileNotFoundError",
    "PermissionError",
    "NotImplementedError",
    "ZeroDivisionError",
    "SyntaxError",
    "ValueError",
    "KeyboardInterrupt",
];

/// What programs say when there is no room to write.
const NO_ROOM: [&str; 4] = ["No space left on device", "Disk quota exceeded", "ENOSPC", "EDQUOT"];

/// A pattern of this file.
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("each pattern of this file is one: the table of texts tries them")
}

/// A Python exception's own line: `KeyError: 'lr'`, `torch.cuda.OutOfMemoryError: …`, `AssertionError`.
static HEAD: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[A-Za-z_][\w.<>]*(\[[^\]]*\]|\(\w+\))?(: |:?$)"));

/// A line that names an exception, after a log's prefix perhaps.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:^|[\s\]|:])(?P<it>(?:[A-Za-z_]\w*(?:\.|::))*[A-Za-z_]*(?:Error|Exception|Interrupt)(?:\(\w*\))?(?::\s*\S|\s*$|\(\)).*)",
    )
});

/// A line that calls itself an error: `error: …`, `train.py: error: …`, `fatal: …`, `x: command not found`.
static ERROR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:\S+:\s+)*(?:fatal\s+)?(?:error|fatal|abort(?:ed)?)\b\s*[:\[(]|command not found$|: No such file or directory$|\bAssertion .* failed|segmentation fault|Fortran runtime error",
    )
});

/// A line that only speaks of something: a warning, a tip, what was recovered from.
static MENTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^\W*(?:[\d:.,TZ/-]+\s+)*\[?(?:\w*warn(?:ing)?|tips?|hints?|note|info|debug|retry\w*|skip\w*|recover\w*)\b|\w*warning\s*:|\b(?:was |were |is |are )?(?:skipp(?:ed|ing)|retry(?:ing)?|retried|recover(?:ed|ing)|continuing|going on|falling back|ignored|ignoring|halv(?:ed|ing))\b|\bcaught\b|\bto avoid\b[^.]*memory|\bon (?:\w|\.)*(?:OutOfMemory|Memory)Error\b|\b(?:if|when|in case of)\b[^.:]*\bout of memory",
    )
});

/// What launchers and loggers print after the cause, and progress bars.
static FOOTER: LazyLock<Regex> = LazyLock::new(|| {
    let lines = [
        r"^\s*$",
        r"^[\s=\-─━╌_*#~+.]+$",
        r"^\s*wandb:",
        r"^Set the environment variable HYDRA_FULL_ERROR",
        r"^Error executing job with overrides",
        r"^\S+ FAILED$",
        r"^(?:Failures|Root Cause.*|Other Failures.*):\s*$",
        r"^\s*<NO_OTHER_FAILURES>",
        r"^\[\d+\]:$",
        r"^\s+(?:time|host|rank|exitcode|error_file|traceback|msg)\s+:",
        r"torch[./]distributed[./](?:elastic|run|launch)",
        r"^(?:srun|slurmstepd|salloc|mpirun|mpiexec|prterun|orterun): ",
        r"^make(?:\[\d+\])?: \*\*\*",
        r"^npm ERR!",
        r"^error: Recipe ",
        r"^ERROR conda\.",
        r"^Execution halted",
        r"^Calls: ",
        r"^(?:note|Note): ",
        r"^Command exited with",
        r"^CUDA kernel errors might be|^For debugging consider passing|^Compile with `TORCH_USE|^HIP kernel errors might",
        r"^For simplicity, JAX has removed|^The stack trace below excludes JAX|^The preceding (?:stack trace )?is the",
        r"resource_tracker",
        r"^\s*warnings\.warn\(",
        r"\d+%\|",
        r"\b(?:it/s|s/it)\b",
        r"^(?:🏃|🧪|🚀|⭐|COMET|neptune|\[neptune|ClearML|MLflow)",
        r"^MATLAB|^ERROR: MATLAB error Exit Status",
        r"Child process with PID \d+ terminated with code",
        r"^(?:Primary job +terminated|a non-zero exit code\. Per user|with non-zero status|mpirun (?:detected|noticed))",
        r"^\s*(?:Process name:|Exit code:|The first process to do so was)",
        r"^(?:=+ +)?(?:BAD TERMINATION|EXIT CODE|CLEANING UP REMAINING|YOU CAN IGNORE|PID \d|RUNNING AT)",
        r"(?:Aborted|Killed|Terminated|Segmentation fault)\s*(?:\(core dumped\))?(?:\s+\S.*)?$",
        r"^error: called from",
        r"^Stacktrace:|^stack backtrace:|^Backtrace:",
        r"^\s+(?:at |\[\d+\] |\d+: )",
    ];
    pattern(&format!("(?:{})", lines.join(")|(?:")))
});

/// What kernels and schedulers say of a process that they ended for want of memory.
static ENDED_FOR_MEMORY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\boom[-_ ]kill(?:ed)? event|\bOOM Killed\b|\bOOMKilled\b|cgroup out-of-memory handler|^srun: error: .*: Out Of Memory$|\bexceeded (?:job |step )?memory limit|: job killed: v?mem .* exceeded limit|TERM_MEMLIMIT|^out of memory: killed process",
    )
});

/// What says that a program's own child was ended by SIGKILL.
static CHILD_KILLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"Signal 9 \(SIGKILL\) received by PID|is killed by signal: Killed|died with <Signals\.SIGKILL: 9>")
});

/// An exception in a log.
#[derive(Clone, Debug, Default)]
struct Found {
    /// Its first line in the log, and the line after its own message.
    at: usize,
    end: usize,
    /// What stands before each of its lines: `[rank0]:`.
    prefix: String,
    /// The line that tells it.
    line: String,
    /// Its whole message.
    message: String,
    /// Whether it only follows from another one, or ended no program.
    secondary: bool,
}

/// The class and one line: `exit code 1: ValueError: x`, `SIGSEGV`. `kernel_oom` says whether the kernel has ended processes for
/// want of memory meanwhile; `last` are the last lines of the log.
pub fn of_end(ended: &Ended, kernel_oom: bool, last: &str) -> (Failure, String) {
    // A shell or a container hands on that a signal ended its program as 128 and the signal's number.
    let handed_on = ended.code.filter(|code| (129..192).contains(code)).map(|code| code - 128);
    let how = match (ended.code, ended.signal) {
        (Some(0), _) => "it ended without a result".to_owned(),
        (Some(code), _) => match handed_on.and_then(signal_hook::low_level::signal_name) {
            Some(signal) => format!("exit code {code} ({signal})"),
            None => format!("exit code {code}"),
        },
        (_, Some(signal)) => name(signal),
        _ => "it is gone".to_owned(),
    };
    if ended.code == Some(0) {
        return (Failure::Crash, how);
    }
    let signal = ended.signal.or(handed_on);
    let lines: Vec<&str> = last.lines().collect();
    let cause = cause(&lines);
    let told = |how: String, line: &str| if line.is_empty() { how } else { format!("{how}: {}", shortened(line)) };
    if let Some(line) = lines.iter().rev().take(60).find(|line| ENDED_FOR_MEMORY.is_match(line)) {
        let line = cause.as_ref().filter(|cause| cause.strong).map_or(line.trim(), |cause| &cause.line);
        return (Failure::Oom, told(how, line));
    }
    let child_killed = cause.as_ref().is_none_or(|cause| !cause.strong || CHILD_KILLED.is_match(&cause.line))
        && lines.iter().rev().take(60).any(|line| CHILD_KILLED.is_match(line));
    if kernel_oom && (signal == Some(libc::SIGKILL) || child_killed) {
        return (Failure::Oom, format!("{how}: the kernel ended it for want of memory"));
    }
    if let Some(cause) = cause.as_ref().filter(|cause| cause.memory) {
        return (Failure::Oom, told(how, &cause.line));
    }
    let outside = [libc::SIGKILL, libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGXCPU];
    match signal {
        Some(signal) if outside.contains(&signal) => (Failure::Killed, format!("{how} from outside")),
        _ if child_killed => (Failure::Killed, format!("{how}: a process of it was ended by SIGKILL")),
        Some(_) if ended.signal.is_some() && cause.as_ref().is_none_or(|cause| !cause.strong) => (Failure::Crash, how),
        _ => (Failure::Crash, told(how, cause.as_ref().map_or("", |cause| &cause.line))),
    }
}

/// Why a program ended, by its own words.
#[derive(Debug)]
struct Cause {
    line: String,
    /// Whether it is an exception by its form, not just the last line.
    strong: bool,
    memory: bool,
}

fn cause(lines: &[&str]) -> Option<Cause> {
    let found = exceptions(lines);
    if let Some(place) = choose(lines, &found) {
        let one = &found[place];
        return Some(Cause { line: one.line.clone(), strong: true, memory: is_memory(lines, &found, place) });
    }
    // No exception has a form of its own: what stands last is the best that there is.
    let said: Vec<(usize, &str)> =
        lines.iter().enumerate().rev().filter(|(_, line)| !FOOTER.is_match(line)).map(|(i, line)| (i, *line)).collect();
    let near = said.iter().enumerate().take(NEAR).filter(|(_, (_, line))| !MENTION.is_match(line));
    let near: Vec<(usize, &str)> = near.map(|(distance, (_, line))| (distance, line.trim())).collect();
    let named = near.iter().find_map(|(distance, line)| {
        let named = NAMED.captures(line)?.name("it")?.as_str().trim();
        Some((*distance, named))
    });
    let memory = near.iter().find(|(distance, line)| *distance < LAST && says_out_of_memory("", line));
    let error = || near.iter().find(|(_, line)| ERROR.is_match(line)).copied();
    let hydra = || hydra(lines).map(|line| (0, line));
    if let Some((distance, line)) = named.or(memory.copied()).or_else(hydra).or_else(error) {
        let memory = distance < LAST && says_out_of_memory(kind(line), line);
        return Some(Cause { line: line.to_owned(), strong: false, memory });
    }
    let last = said.first().map(|(_, line)| line.trim());
    let last = last.or_else(|| lines.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty()))?;
    Some(Cause { line: last.to_owned(), strong: false, memory: false })
}

/// What Hydra says of a wrong configuration: the paragraph above its footer.
fn hydra<'a>(lines: &[&'a str]) -> Option<&'a str> {
    let footer = lines.iter().rposition(|line| line.starts_with("Set the environment variable HYDRA_FULL_ERROR"))?;
    let last = lines[..footer].iter().rposition(|line| !line.trim().is_empty())?;
    let before = lines[..last].iter().rposition(|line| line.trim().is_empty()).map_or(0, |blank| blank + 1);
    lines[before..=last].iter().copied().find(|line| !FOOTER.is_match(line)).map(str::trim)
}

/// The exception that ended the program: the last that is not a consequence of another, of the rank that torchrun
/// names where it does.
fn choose(lines: &[&str], found: &[Found]) -> Option<usize> {
    let root = lines.iter().rposition(|line| line.starts_with("Root Cause"));
    let rank = root.and_then(|root| {
        let line = lines[root..].iter().take(8).find(|line| line.trim_start().starts_with("rank "))?;
        line.split_once(':')?.1.split_whitespace().next().map(|rank| format!("rank{rank}]"))
    });
    let primary = |one: &&(usize, &Found)| !one.1.secondary;
    let all: Vec<(usize, &Found)> = found.iter().enumerate().collect();
    let of_rank =
        rank.and_then(|rank| all.iter().filter(primary).rfind(|(_, one)| one.prefix.contains(&rank)).copied());
    of_rank.or_else(|| all.iter().rfind(primary).copied()).or(all.last().copied()).map(|(place, _)| place)
}

/// Whether an exception is want of memory, or was raised from one that is.
fn is_memory(lines: &[&str], found: &[Found], place: usize) -> bool {
    let one = &found[place];
    if says_out_of_memory(kind(&one.line), &one.message) {
        return true;
    }
    let Some(before) = place.checked_sub(1) else { return false };
    let between = lines.get(found[before].end..one.at).unwrap_or_default();
    between.iter().any(|line| line.contains("was the direct cause of the following exception"))
        && is_memory(lines, found, before)
}

/// An exception's type: `torch.OutOfMemoryError`.
fn kind(line: &str) -> &str {
    let end = line.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | ':'))).unwrap_or(line.len());
    line[..end].trim_end_matches(':')
}

/// Whether a text has the words of a program that got no memory.
fn says_out_of_memory(kind: &str, text: &str) -> bool {
    let own = kind.rsplit(['.', ':']).next().unwrap_or(kind);
    if own.ends_with("MemoryError") {
        return true;
    }
    let text = text.to_lowercase();
    if NOT_MEMORY.iter().any(|words| text.contains(words)) {
        return false;
    }
    let exhausted = text.contains("resource_exhausted") || own == "ResourceExhaustedError";
    let allocating = ["out of memory", "oom ", "allocat", "memory space"].iter().any(|words| text.contains(words));
    if exhausted && allocating {
        return true;
    }
    if MISTAKES.contains(&own) {
        return false;
    }
    let allocation = text.contains("memory allocation of ") && text.contains(" bytes failed");
    let whole = matches!(text.trim().trim_end_matches('.'), "out of memory" | "fatal error: out of memory");
    allocation
        || whole
        || text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word.ends_with("memoryerror"))
        || OUT_OF_MEMORY.iter().any(|words| text.contains(words))
        || !kind.is_empty() && own.ends_with("Error") && text.contains("out of memory")
}

/// All exceptions of a log, in their order.
fn exceptions(lines: &[&str]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut i = 0;
    while i < lines.len() {
        let one = python(lines, i)
            .or_else(|| panicked(lines, i))
            .or_else(|| terminated(lines, i))
            .or_else(|| julia(lines, i))
            .or_else(|| halted(lines, i))
            .or_else(|| matlab(lines, i))
            .or_else(|| thrown(lines, i))
            .or_else(|| fatal(lines, i));
        i = one.as_ref().map_or(i + 1, |one| one.end.max(i + 1));
        found.extend(one);
    }
    found
}

/// `Traceback (most recent call last):`, frames, and the exception.
fn python(lines: &[&str], at: usize) -> Option<Found> {
    let column = lines[at].find("Traceback (most recent call last)")?;
    let boxed = lines[at].contains('╭');
    let before = &lines[at][..column];
    let prefix = if before.trim().is_empty() { before } else { before.trim_end() };
    let prefixed = !boxed && !prefix.is_empty() && lines.get(at + 1).is_some_and(|next| next.starts_with(prefix));
    let inner = |line: &'_ str| -> Option<String> {
        if !prefixed {
            return Some(line.to_owned());
        }
        let rest = line.strip_prefix(prefix)?;
        Some(if prefix.trim().is_empty() { rest } else { rest.strip_prefix(' ').unwrap_or(rest) }.to_owned())
    };
    let mut head = None;
    let mut foreign = 0;
    for (j, line) in lines.iter().enumerate().skip(at + 1) {
        let Some(line) = inner(line) else { continue };
        if line.contains("Traceback (most recent call last)") {
            return None;
        }
        if line.trim().is_empty() || line.starts_with([' ', '\t', '│', '╰', '|']) {
            continue;
        }
        if HEAD.is_match(&line) {
            head = Some((j, line));
            break;
        }
        // Other processes write between its lines.
        foreign += 1;
        if foreign > 20 {
            return None;
        }
    }
    let (j, line) = head?;
    let mut message = line.clone();
    let mut end = j + 1;
    let goes_on = line.trim_end().ends_with(':');
    for (k, more) in lines.iter().enumerate().skip(j + 1).take(LONGEST_MESSAGE) {
        let Some(more) = inner(more) else { continue };
        let over = more.contains("Traceback (most recent call last)")
            || more.starts_with("During handling of the above")
            || more.starts_with("The above exception was")
            || (more.trim().is_empty() && !goes_on)
            || (!more.trim().is_empty() && FOOTER.is_match(&more) && !more.starts_with([' ', '\t']));
        if over {
            break;
        }
        message.push('\n');
        message.push_str(&more);
        end = k + 1;
    }
    let mut line = line.trim_end().to_owned();
    if goes_on && let Some(next) = message.lines().nth(1).map(str::trim).filter(|next| !next.is_empty()) {
        line = format!("{line} {next}");
    }
    let introduction = lines[..at].iter().rev().take(3).find(|line| !line.trim().is_empty()).copied().unwrap_or("");
    let aside = [
        "Exception ignored",
        "--- Logging error ---",
        "Error in atexit",
        "Exception in thread",
        "Exception in callback",
    ];
    let ended_nothing = aside.iter().any(|words| introduction.trim_start().starts_with(words))
        || introduction.contains("exception was never retrieved");
    let launcher = ["ChildFailedError", "CalledProcessError", "ProcessExitedException", "ProcessRaisedException"];
    let secondary = ended_nothing
        || launcher.iter().any(|name| kind(&line).ends_with(name))
        || ["remote process exited", "Connection closed by peer", "Connection reset by peer"].iter().any(|words| {
            line.contains("istBackendError") && message.contains(words)
                || line.contains("gloo") && message.contains(words)
        });
    let prefix = if prefixed { prefix.to_owned() } else { String::new() };
    Some(Found { at, end, prefix, line, message, secondary })
}

/// The lines from one on, up to a blank one or one that ends them.
fn paragraph(lines: &[&str], from: usize, ends: impl Fn(&str) -> bool) -> (String, usize) {
    let mut end = from;
    while end < lines.len() && end < from + LONGEST_MESSAGE && !lines[end].trim().is_empty() && !ends(lines[end]) {
        end += 1;
    }
    (lines[from.min(end)..end].join("\n"), end)
}

/// Rust: `thread 'main' panicked at src/main.rs:4:5:` and the message; Go: `panic: …` above its goroutines.
fn panicked(lines: &[&str], at: usize) -> Option<Found> {
    if let Some(place) = lines[at].find("thread '").filter(|_| lines[at].contains("panicked at ")) {
        let head = lines[at][place..].split_once("panicked at ").map_or("", |(_, rest)| rest.trim());
        let ends = |line: &str| {
            line.starts_with("note: ") || line.starts_with("stack backtrace:") || line.contains("panicked at ")
        };
        let (message, end) =
            if head.ends_with(':') { paragraph(lines, at + 1, ends) } else { (head.to_owned(), at + 1) };
        let first = message.lines().next().unwrap_or("").trim();
        let line =
            if head.ends_with(':') { format!("panicked at {head} {first}") } else { format!("panicked at {head}") };
        let secondary =
            ["Any { .. }", "PoisonError", "RecvError", "SendError"].iter().any(|words| first.contains(words));
        return Some(Found { at, end, line, message, secondary, ..Found::default() });
    }
    let go = lines[at].starts_with("panic: ") || lines[at].starts_with("fatal error: ");
    if go && lines.iter().skip(at + 1).take(6).any(|line| line.starts_with("goroutine ")) {
        let line = lines[at].trim().to_owned();
        return Some(Found { at, end: at + 1, message: line.clone(), line, ..Found::default() });
    }
    None
}

/// C++: `terminate called after throwing an instance of 'X'` and `what(): …`.
fn terminated(lines: &[&str], at: usize) -> Option<Found> {
    let line = lines[at];
    if line.contains("terminate called without an active exception") || line.contains("terminate called recursively") {
        let line = "terminate called without an active exception".to_owned();
        return Some(Found { at, end: at + 1, message: line.clone(), line, secondary: true, ..Found::default() });
    }
    let thrown = line.split_once("terminate called after throwing an instance of ");
    let uncaught = || {
        let (_, rest) = line.split_once("terminating ").filter(|_| line.contains("libc++abi"))?;
        rest.split_once("uncaught exception of type ")
    };
    let (_, rest) = thrown.or_else(uncaught)?;
    let kind = rest.trim().trim_matches(['\'', '"']).to_owned();
    let what = lines.iter().enumerate().skip(at + 1).take(3).find(|(_, line)| line.trim_start().starts_with("what():"));
    let (line, end, message) = match what {
        Some((place, what)) => {
            let said = what.trim_start().trim_start_matches("what():").trim();
            let (more, end) = paragraph(lines, place + 1, |line| {
                line.starts_with("Exception raised from") || line.starts_with("frame #") || FOOTER.is_match(line)
            });
            let line = if said == kind { kind.clone() } else { format!("{kind}: {said}") };
            (line, end, format!("{kind}: {said}\n{more}"))
        }
        None => (kind.clone(), at + 1, kind),
    };
    // The watchdog of NCCL ends the ranks that wait for one that has failed.
    let secondary = message.to_lowercase().contains("watchdog");
    Some(Found { at, end, line, message, secondary, ..Found::default() })
}

/// Julia: `ERROR: LoadError: …` above `Stacktrace:`.
fn julia(lines: &[&str], at: usize) -> Option<Found> {
    let line = lines[at].strip_prefix("ERROR: ")?;
    let trace = lines.iter().skip(at + 1).take(60).position(|line| line.trim_start().starts_with("Stacktrace:"));
    if trace.is_none() && !line.starts_with("LoadError: ") && !line.starts_with("OutOfMemoryError()") {
        return None;
    }
    let end = at + 1 + trace.unwrap_or(0);
    let message = lines[at..end].join("\n");
    let nested =
        lines[at..].iter().take(60).rev().find_map(|line| line.trim_start().strip_prefix("nested task error: "));
    let mut line = nested.unwrap_or(line).trim().to_owned();
    if line.ends_with(':')
        && let Some(next) = lines.get(at + 1).map(|next| next.trim()).filter(|_| nested.is_none())
    {
        line = format!("{line} {next}");
    }
    let line = line.trim_start_matches("LoadError: ").to_owned();
    Some(Found { at, end, message: format!("{message}\n{line}"), line, ..Found::default() })
}

/// R: `Error in f(x) : …` above `Execution halted`.
fn halted(lines: &[&str], at: usize) -> Option<Found> {
    let is_error = |line: &str| {
        line.starts_with("Error in ") || line.starts_with("Error: ") || line.starts_with("Error : ") || line == "Error:"
    };
    if !is_error(lines[at]) {
        return None;
    }
    let halt = lines.iter().skip(at + 1).take(LONGEST_MESSAGE).position(|line| line.starts_with("Execution halted"))?;
    let end = at + 1 + halt;
    // The last of these is the one that ended it.
    if lines[at + 1..end].iter().any(|line| is_error(line)) {
        return None;
    }
    let mut line = lines[at].trim().to_owned();
    if line.ends_with(':')
        && let Some(next) = lines.get(at + 1).map(|next| next.trim())
    {
        line = format!("{line} {next}");
    }
    let caused = lines[at..end].iter().rev().find_map(|line| line.strip_prefix("! "));
    if let Some(caused) = caused {
        line = format!("{}: {caused}", lines[at].trim().trim_end_matches(':').trim());
    }
    Some(Found { at, end, message: lines[at..end].join("\n"), line, ..Found::default() })
}

/// MATLAB: `Error using f` and the message, or a message above `Error in f (line 3)`.
fn matlab(lines: &[&str], at: usize) -> Option<Found> {
    let head = lines[at].trim_start_matches('{').trim();
    if head.starts_with("Error using ") {
        let (message, end) = paragraph(lines, at + 1, |line| line.starts_with("Error in "));
        let first = message.lines().next().unwrap_or("").trim();
        let line = format!("{}: {first}", head.split_whitespace().collect::<Vec<_>>().join(" "));
        return Some(Found { at, end: end.max(at + 1), line, message, ..Found::default() });
    }
    if head.starts_with("Error ") || head.is_empty() || (at > 0 && !lines[at - 1].trim().is_empty()) {
        return None;
    }
    let (message, end) = paragraph(lines, at, |_| false);
    let place = lines.get(end + 1).filter(|line| line.starts_with("Error in ") && line.contains("(line "));
    place.map(|_| Found { at, end, line: head.to_owned(), message, ..Found::default() })
}

/// Java and Node: an exception above its `at …` lines.
fn thrown(lines: &[&str], at: usize) -> Option<Found> {
    let next = lines.get(at + 1)?;
    if !next.trim_start().starts_with("at ") || !next.starts_with([' ', '\t']) {
        return None;
    }
    let line = lines[at].trim();
    let line = match line.strip_prefix("Exception in thread ") {
        Some(rest) => rest.split_once("\" ").map_or(rest, |(_, rest)| rest),
        None => line,
    };
    if !HEAD.is_match(line) && !line.starts_with("Caused by: ") {
        return None;
    }
    let line = line.trim_start_matches("Caused by: ").to_owned();
    Some(Found { at, end: at + 1, message: line.clone(), line, ..Found::default() })
}

/// Python's own end: `Fatal Python error: Segmentation fault`.
fn fatal(lines: &[&str], at: usize) -> Option<Found> {
    let place = lines[at].find("Fatal Python error: ")?;
    let line = lines[at][place..].trim().to_owned();
    Some(Found { at, end: at + 1, message: line.clone(), line, secondary: true, ..Found::default() })
}

fn shortened(line: &str) -> String {
    if line.chars().count() > LONGEST {
        return format!("{}…", line.chars().take(LONGEST).collect::<String>());
    }
    line.to_owned()
}

/// A failure's message: the line that tells it, then the lines of the log around its end: those of the exception,
/// where there is one.
pub fn message(line: String, last: &str) -> String {
    let lines: Vec<&str> = last.lines().collect();
    let found = exceptions(&lines);
    let end = choose(&lines, &found).map_or(lines.len(), |place| found[place].end);
    let said: Vec<&str> = lines[..end].iter().copied().filter(|line| !line.trim().is_empty()).collect();
    let said = said[said.len().saturating_sub(LINES)..].join("\n");
    if said.is_empty() { line } else { format!("{line}\n{said}") }
}

/// The line of a text that says that there is no room to write, where one does.
pub fn no_room(text: &str) -> Option<&str> {
    text.lines().rfind(|line| NO_ROOM.iter().any(|words| line.contains(words)))
}

/// A signal's name.
fn name(signal: i32) -> String {
    signal_hook::low_level::signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}

#[cfg(test)]
mod tests;
