//! Why an attempt has no result: the class of a failure from how its process ended and what its log says.

use super::group::Ended;
use crate::record::Failure;

/// What programs say when there is no memory left, in the line that ends them.
const OUT_OF_MEMORY: [&str; 24] = [
    "out of memory",
    "outofmemoryerror",
    "out_of_memory",
    "outofmemory",
    "resource_exhausted",
    "resourceexhaustederror",
    "status_alloc_failed",
    "status_not_initialized: cublas",
    "can't allocate memory",
    "cannot allocate memory",
    "unable to allocate",
    "could not allocate",
    "failed to allocate memory",
    "cannot allocate vector of size",
    "cannot allocate array",
    "bad_alloc",
    "bad allocation",
    "memoryerror",
    "memory allocation of",
    "insufficient memory",
    "not enough memory",
    "oom-kill",
    "oom killed",
    "exceeded memory limit",
];

/// Characters of a program's line that are shown at most.
const LONGEST: usize = 160;

/// Lines of a log that a failure's message carries.
const LINES: usize = 12;

/// Shells and containers hand a signal on as this much more.
const BY_SIGNAL: i32 = 128;

/// The class and one line: `exit code 1: ValueError: x`, `SIGSEGV`. `kernel_oom` says whether the kernel has ended processes for
/// want of memory meanwhile; `last` are the last lines of the log.
pub fn of_end(ended: &Ended, kernel_oom: bool, last: &str) -> (Failure, String) {
    let cause = cause_line(last);
    // A shell between gives 137 for what SIGKILL ended; a program that says why left by itself.
    let handed_on = ended.code.map(|code| code - BY_SIGNAL).filter(|signal| OUTSIDE.contains(signal));
    let signal = ended.signal.or(handed_on.filter(|_| !cause.as_ref().is_some_and(|cause| cause.is_exception)));
    let how = match (ended.code, ended.signal) {
        (Some(0), _) => "it ended without a result".to_owned(),
        (Some(code), _) => format!("exit code {code}"),
        (_, Some(signal)) => name(signal),
        _ => "it is gone".to_owned(),
    };
    if signal == Some(libc::SIGKILL) && kernel_oom {
        return (Failure::Oom, format!("{how}: the kernel ended it for want of memory"));
    }
    if ended.code != Some(0) && cause.as_ref().is_some_and(|cause| says_out_of_memory(&cause.line)) {
        return (Failure::Oom, with_line(format!("{how}: out of memory"), cause));
    }
    match signal {
        Some(signal) if OUTSIDE.contains(&signal) => (Failure::Killed, format!("{how} from outside")),
        None if ended.code != Some(0) => (Failure::Crash, with_line(how, cause)),
        // What aborts itself says why: an uncaught exception of C++, an assertion.
        Some(libc::SIGABRT) => (Failure::Crash, with_line(how, cause)),
        _ => (Failure::Crash, how),
    }
}

/// Signals that end a program from outside.
const OUTSIDE: [i32; 6] = [libc::SIGKILL, libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGXCPU];

fn with_line(how: String, cause: Option<Cause>) -> String {
    match cause.map(|cause| cause.line) {
        Some(line) if line.chars().count() > LONGEST => {
            format!("{how}: {}…", line.chars().take(LONGEST).collect::<String>())
        }
        Some(line) => format!("{how}: {line}"),
        None => how,
    }
}

/// The line of a log that says why its program ended.
struct Cause {
    line: String,
    /// Whether it is an exception, an error or a panic in the words of a language, not just the last line.
    is_exception: bool,
}

/// The exception that ended a program, else its last line that says something. The last exception counts: what stands before it
/// was caught, and what follows it (footers, hints, tables, goodbyes, progress bars) is of the tools around.
fn cause_line(log: &str) -> Option<Cause> {
    // A progress bar redraws its line: what stood last counts.
    let lines: Vec<&str> = log
        .lines()
        .map(|line| line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default().trim_end())
        .collect();
    let exception = exception(&lines).map(|line| Cause { line, is_exception: true });
    exception.or_else(|| {
        let last = lines.iter().rfind(|line| !is_of_tools(line))?;
        Some(Cause { line: last.trim().to_owned(), is_exception: false })
    })
}

/// The last exception in a log's lines.
fn exception(lines: &[&str]) -> Option<String> {
    let mut found = None;
    let mut place = 0;
    while place < lines.len() {
        let line = unprefixed(lines[place]);
        if line.starts_with("Traceback (most recent call last)") {
            // Frames are indented; the first line at the traceback's own margin is the exception.
            let next = (place + 1..lines.len()).find(|at| {
                let line = unprefixed(lines[*at]);
                !line.is_empty() && !line.starts_with([' ', '\t'])
            });
            if let Some(at) = next {
                found = Some(unprefixed(lines[at]).trim().to_owned());
                place = at;
            }
        } else if let Some(words) = rust_panic(line) {
            // Since Rust 1.73 the message stands on the next line.
            let message = lines.get(place + 1).map(|line| line.trim()).filter(|_| words.is_empty());
            found = Some(format!("panicked: {}", message.unwrap_or(words)));
        } else if is_error_line(line) {
            let below = lines.get(place + 1).map(|line| line.trim()).filter(|line| line.starts_with("what():"));
            found = Some(below.map_or_else(|| line.trim().to_owned(), |what| format!("{} {what}", line.trim())));
        }
        place += 1;
    }
    found
}

/// A line without what launchers put before it: `[rank0]: `, `0: `.
fn unprefixed(line: &str) -> &str {
    for open in ["[rank", "[default"] {
        if let Some(rest) = line.strip_prefix(open)
            && let Some((number, rest)) = rest.split_once("]:")
            && number.chars().all(|c| c.is_ascii_digit())
        {
            return rest.strip_prefix(' ').unwrap_or(rest);
        }
    }
    line
}

/// The message of a panic that stands on its own line; empty where it stands on the next.
fn rust_panic(line: &str) -> Option<&str> {
    let (_, rest) = line.trim().strip_prefix("thread '")?.split_once("panicked at ")?;
    Some(rest.strip_prefix('\'').and_then(|rest| rest.rsplit_once("',")).map_or("", |(message, _)| message))
}

/// Whether a line is an error in the words of a language: Julia, R, MATLAB, C++, a shell, Rust's allocator, an exception of Python
/// whose traceback is not there.
fn is_error_line(line: &str) -> bool {
    let text = line.trim();
    let begins = [
        "ERROR: LoadError:",
        "ERROR: ",
        "Error in ",
        "Error: ",
        "Error using ",
        "error: ",
        "Error:",
        "terminate called",
        "memory allocation of",
        "fatal error:",
        "Fatal error:",
        "FATAL:",
        "Segmentation fault",
        "slurmstepd: error:",
        "RESOURCE_EXHAUSTED:",
    ];
    if begins.iter().any(|begin| text.starts_with(begin)) {
        return true;
    }
    // `package.module.NameError: words`, at the margin.
    let Some((name, _)) = line.split_once(':') else { return is_exception_name(line) };
    is_exception_name(name)
}

fn is_exception_name(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_path = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_'));
    let ends = ["Error", "Exception", "Interrupt", "Exit", "Failure"];
    is_path
        && last.starts_with(char::is_uppercase)
        && ends.iter().any(|end| last.len() >= end.len() && last.ends_with(end))
}

/// What the tools around a program say after its end.
fn is_of_tools(line: &str) -> bool {
    let text = line.trim();
    let is_rule = text.chars().all(|c| !c.is_alphanumeric());
    let is_bar = text.contains('|') && text.contains('%');
    is_rule
        || is_bar
        || ["wandb:", "Set the environment variable HYDRA_FULL_ERROR", "note: run with `RUST_BACKTRACE", "Sentry"]
            .iter()
            .any(|begin| text.starts_with(begin))
}

/// A failure's message: the line that tells it, then the last lines of the log.
pub fn message(line: String, last: &str) -> String {
    if last.is_empty() {
        return line;
    }
    let lines: Vec<&str> = last.lines().collect();
    format!("{line}\n{}", lines[lines.len().saturating_sub(LINES)..].join("\n"))
}

/// What programs say when there is no room to write.
const NO_ROOM: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

/// The line of a text that says that there is no room to write, where one does.
pub fn no_room(text: &str) -> Option<&str> {
    text.lines().find(|line| NO_ROOM.iter().any(|words| line.contains(words)))
}

/// Whether a line has the words of a program that got no memory.
fn says_out_of_memory(line: &str) -> bool {
    let line = line.to_lowercase();
    OUT_OF_MEMORY.iter().any(|words| line.contains(words))
}

/// What crashes of one kind have in common: the message without numbers, addresses and paths.
pub fn kind(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let word = |word: &str| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '/' | '.' | '~'));
        if bare.contains("0x") || bare.starts_with(['/', '~']) || bare.matches('/').count() > 1 {
            "…".to_owned()
        } else {
            word.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect()
        }
    };
    let mut kind: String = line.split_whitespace().map(word).collect::<Vec<String>>().join(" ");
    while kind.contains("##") {
        kind = kind.replace("##", "#");
    }
    kind
}

/// A signal's name.
fn name(signal: i32) -> String {
    signal_hook::low_level::signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(code: Option<i32>, signal: Option<i32>, kernel_oom: bool, last: &str) -> (Failure, String) {
        of_end(&Ended { code, signal, peak_memory_mib: 0.0 }, kernel_oom, last)
    }

    #[test]
    fn classes_are_told_apart() {
        assert_eq!(class(Some(1), None, false, ""), (Failure::Crash, "exit code 1".into()));
        let said = "Traceback (most recent call last):\n  train.py\nValueError: x\n\n";
        assert_eq!(class(Some(1), None, false, said), (Failure::Crash, "exit code 1: ValueError: x".into()));
        assert_eq!(class(Some(0), None, false, "").0, Failure::Crash);
        assert_eq!(class(None, Some(libc::SIGSEGV), false, ""), (Failure::Crash, "SIGSEGV".into()));
        assert_eq!(class(None, Some(libc::SIGKILL), false, "").0, Failure::Killed);
        assert_eq!(class(None, Some(libc::SIGTERM), false, "").0, Failure::Killed);
        assert_eq!(class(None, Some(libc::SIGKILL), true, "").0, Failure::Oom);
        assert_eq!(class(Some(137), None, false, "step 3").0, Failure::Killed);
        assert_eq!(class(Some(137), None, true, "step 3").0, Failure::Oom);
        assert_eq!(class(Some(137), None, false, said).0, Failure::Crash);
    }

    /// The line that ends a program for want of memory, as libraries and drivers write it.
    #[test]
    fn texts_of_no_memory() {
        let texts = [
            "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 79.15 GiB total capacity)",
            "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.",
            "torch.OutOfMemoryError: HIP out of memory. Tried to allocate 2.00 GiB",
            "RuntimeError: CUDA error: out of memory",
            "RuntimeError: CUDA driver error: out of memory",
            "RuntimeError: MPS backend out of memory (MPS allocated: 18.05 GB, other allocations: 1.2 GB)",
            "RuntimeError: XPU out of memory. Tried to allocate 512.00 MiB",
            "RuntimeError: HIP error: hipErrorOutOfMemory",
            "RuntimeError: cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
            "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
            "torch.distributed.DistBackendError: NCCL error: unhandled cuda error: Cuda failure 'out of memory'",
            "RuntimeError: [enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried",
            "RuntimeError: DataLoader worker: OSError: [Errno 12] Cannot allocate memory",
            "OSError: [Errno 12] Cannot allocate memory",
            "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 17179869184 bytes.",
            "jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory allocating 1024 bytes.",
            "jaxlib.xla_extension.XlaRuntimeError: INTERNAL: Failed to load CUBIN: CUDA_ERROR_OUT_OF_MEMORY: out of memory",
            "tensorflow.python.framework.errors_impl.ResourceExhaustedError: OOM when allocating tensor: {{node x}}",
            "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 29.8 GiB for an array with shape (63245, 63245)",
            "MemoryError",
            "MemoryError: std::bad_alloc: out_of_memory: CUDA error",
            "cupy.cuda.memory.OutOfMemoryError: Out of memory allocating 8,000,000,000 bytes",
            "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc",
            "memory allocation of 51539607552 bytes failed",
            "ERROR: LoadError: OutOfMemoryError()",
            "Error: cannot allocate vector of size 7.5 Gb",
            "slurmstepd: error: Detected 1 oom_kill event in StepId=12.batch. Some of the step tasks have been OOM Killed.",
        ];
        for text in texts {
            let traceback =
                format!("step 1\nTraceback (most recent call last):\n  File \"t.py\", line 1, in f\n{text}");
            for last in [text.to_owned(), format!("step 1\n{text}\n"), traceback] {
                assert_eq!(class(Some(1), None, false, &last).0, Failure::Oom, "{last}");
            }
        }
        assert_eq!(class(None, Some(libc::SIGABRT), false, "terminate called after std::bad_alloc").0, Failure::Oom);
    }

    /// What a log shows of the end of its program.
    #[test]
    fn the_exception_is_shown() {
        let python =
            "Traceback (most recent call last):\n  File \"t.py\", line 9, in <module>\n    f(x)\nKeyError: 'lr'";
        let panic = "thread 'main' panicked at src/main.rs:3:5:\nindex out of bounds";
        let cases: &[(&str, &str)] = &[
            (python, "KeyError: 'lr'"),
            ("retrying after CUDA out of memory in epoch 3, halving the batch: ok\nValueError: x", "ValueError: x"),
            (
                "Traceback (most recent call last):\n  a\nKeyError: 1\n\nDuring handling of the above exception, another \
              exception occurred:\n\nTraceback (most recent call last):\n  b\nmy.mod.TrainError: no width",
                "my.mod.TrainError: no width",
            ),
            (
                "[rank0]: Traceback (most recent call last):\n[rank0]:   File \"t.py\"\n[rank0]: ValueError: shapes",
                "ValueError: shapes",
            ),
            (panic, "panicked: index out of bounds"),
            (
                "thread 'main' panicked at 'old words', src/main.rs:3:5\nnote: run with `RUST_BACKTRACE=1`",
                "panicked: old words",
            ),
            (
                "ERROR: LoadError: DomainError with -1.0\nStacktrace:\n [1] sqrt",
                "ERROR: LoadError: DomainError with -1.0",
            ),
            (
                "Error in solve.default(a) : singular\nCalls: solve\nExecution halted",
                "Error in solve.default(a) : singular",
            ),
            ("Error using horzcat\nDimensions differ", "Error using horzcat"),
            (
                "terminate called after throwing an instance of 'std::runtime_error'\n  what():  no file",
                "terminate called after throwing an instance of 'std::runtime_error' what():  no file",
            ),
            ("my last words", "my last words"),
            ("my last words\n----\nwandb: run finished", "my last words"),
        ];
        let footers = [
            "",
            "\nSet the environment variable HYDRA_FULL_ERROR=1 for a complete stack trace.",
            "\nwandb: View run at https://wandb.ai/x\nwandb: Find logs at: ./wandb",
            "\n 99%|####      | 990/1000 [00:01<00:00]\r100%|####| 1000/1000",
            "\n\n",
        ];
        for (log, line) in cases {
            for footer in footers {
                let (failure, message) = class(Some(1), None, false, &format!("{log}{footer}"));
                assert_eq!((failure, message), (Failure::Crash, format!("exit code 1: {line}")), "{log}{footer}");
            }
        }
        let torchrun = format!(
            "{python}\n====\ntrain.py FAILED\n----\nFailures:\n  <NO_OTHER_FAILURES>\n----\nRoot Cause (first observed failure):\n\
             [0]:\n  rank      : 0 (local_rank: 0)\n  exitcode  : 1 (pid: 71)\n===="
        );
        assert_eq!(class(Some(1), None, false, &torchrun).1, "exit code 1: KeyError: 'lr'");
        for mention in ["tip: on torch.OutOfMemoryError set the allocator", "step 3: CUDA out of memory, skipped"] {
            assert_eq!(class(Some(1), None, false, &format!("{mention}\nstep 4\n{python}")).0, Failure::Crash);
            assert_eq!(class(Some(1), None, false, &format!("{mention}\nstep 4\nlast words")).0, Failure::Crash);
        }
    }

    #[test]
    fn equal_crashes_have_one_kind() {
        let kinds =
            ["<net.Block object at 0x7f9c2c9c> is not callable", "<net.Block object at 0x7fa1b02ca1> is not callable"];
        assert_eq!(kind(kinds[0]), kind(kinds[1]));
        assert_eq!(kind("no file /a/b/work/1f/1/x.pt (3)"), kind("no file /a/b/work/2e/1/y.pt (12)"));
        assert_ne!(kind("exit code 1: ValueError: a"), kind("exit code 1: ValueError: b"));
    }
}
