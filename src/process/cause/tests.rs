//! The table of real texts, and the classes of ends that say nothing.

use super::*;
use std::fmt::Write;

fn class(code: Option<i32>, signal: Option<i32>, kernel_oom: bool, last: &str) -> (Failure, String) {
    of_end(&Ended { code, signal, peak_memory_mib: 0.0 }, kernel_oom, last)
}

/// Each text of the table is of the class and has the line that stand above it: `### exit 1 | oom | the line`.
#[test]
fn the_table_of_texts() {
    let (mut count, mut wrong) = (0, String::new());
    for entry in include_str!("texts.txt").split("\n### ").skip(1) {
        let (head, text) = entry.split_once('\n').unwrap();
        let [how, right, line] = head.splitn(3, " | ").collect::<Vec<_>>()[..] else { panic!("{head}") };
        let (what, number) = how.split_once(' ').unwrap();
        let number = number.parse().ok();
        let (code, signal) = if what == "exit" { (number, None) } else { (None, number) };
        // A table of text has no escape and no carriage return of its own.
        let mut tail = crate::process::tail::Tail::default();
        tail.take(text.replace("<CR>", "\r").replace("<ESC>", "\u{1b}").as_bytes());
        let (failure, said) = class(code, signal, false, &tail.text());
        count += 1;
        let said = said.split_once(": ").map_or(&*said, |(_, line)| line);
        if failure.to_string() != right || said != line {
            writeln!(wrong, "of `{}`\n  {failure} | {said}\nright is\n  {right} | {line}", text.trim()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count >= 60, "{count}");
}

#[test]
fn classes_are_told_apart() {
    assert_eq!(class(Some(1), None, false, ""), (Failure::Crash, "exit code 1".into()));
    let said = "Traceback (most recent call last):\n  train.py\nValueError: x\n\n";
    assert_eq!(class(Some(1), None, false, said), (Failure::Crash, "exit code 1: ValueError: x".into()));
    assert_eq!(class(Some(0), None, false, said), (Failure::Crash, "it ended without a result".into()));
    assert_eq!(class(None, Some(libc::SIGSEGV), false, "step 1"), (Failure::Crash, "SIGSEGV".into()));
    assert_eq!(class(None, Some(libc::SIGKILL), false, "").0, Failure::Killed);
    assert_eq!(class(None, Some(libc::SIGTERM), false, "").0, Failure::Killed);
    assert_eq!(class(None, Some(libc::SIGKILL), true, "").0, Failure::Oom);
}

#[test]
fn a_signal_that_a_shell_hands_on_is_one() {
    assert_eq!(class(Some(137), None, false, ""), (Failure::Killed, "exit code 137 (SIGKILL) from outside".into()));
    assert_eq!(class(Some(137), None, true, "").0, Failure::Oom);
    assert_eq!(class(Some(143), None, false, "").0, Failure::Killed);
    assert_eq!(class(Some(139), None, false, "").0, Failure::Crash);
    assert_eq!(class(Some(255), None, false, ""), (Failure::Crash, "exit code 255".into()));
}

#[test]
fn the_message_ends_with_the_exception() {
    let last =
        "step 1\nTraceback (most recent call last):\n  File \"t.py\", line 1\nKeyError: 'lr'\n\nwandb: bye\nwandb: bye";
    let said = message("exit code 1: KeyError: 'lr'".into(), last);
    assert!(said.ends_with("\nKeyError: 'lr'") && said.contains("step 1"), "{said}");
    assert_eq!(message("x".into(), ""), "x");
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
        let traceback = format!("step 1\nTraceback (most recent call last):\n  File \"t.py\", line 1, in f\n{text}");
        for last in [text.to_owned(), format!("step 1\n{text}\n"), traceback] {
            assert_eq!(class(Some(1), None, false, &last).0, Failure::Oom, "{last}");
        }
    }
    assert_eq!(class(None, Some(libc::SIGABRT), false, "terminate called after std::bad_alloc").0, Failure::Oom);
}
