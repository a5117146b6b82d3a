//! Where tensors live: the CPU, or an NVIDIA GPU by libtorch's CUDA half.
//!
//! With PyTorch's wheel nothing in this program names a symbol of `libtorch_cuda.so`, so the linker drops it (`--as-needed`)
//! and `Cuda::device_count()` says 0. Loading it by hand registers its kernels. It takes seconds and memory, so it is done
//! only where a GPU can be seen.

use std::ffi::CStr;
use std::path::Path;
use tch::{Cuda, Device};

/// Loads the CUDA half where there is a GPU to use it. A failure is written to the log; the CPU goes on.
#[expect(unsafe_code, reason = "nothing but dlopen loads a library by name")]
pub fn load() {
    let hidden = std::env::var_os("CUDA_VISIBLE_DEVICES").is_some_and(|ids| ids.is_empty() || ids == "-1");
    if hidden || !Path::new("/dev/nvidiactl").exists() || Cuda::device_count() > 0 {
        return;
    }
    // SAFETY: a C string, and flags that dlopen knows; the handle is kept for the life of the process.
    let handle = unsafe { libc::dlopen(c"libtorch_cuda.so".as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    if handle.is_null() {
        // SAFETY: after a failed dlopen, dlerror gives a C string or null.
        let reason = unsafe {
            let text = libc::dlerror();
            if text.is_null() { String::new() } else { CStr::from_ptr(text).to_string_lossy().into_owned() }
        };
        eprintln!("no GPU: libtorch's CUDA half cannot be loaded: {reason}");
    }
}

/// What can be computed on, as `ready` says it.
pub fn kind() -> &'static str {
    if Cuda::device_count() > 0 { "cuda" } else { "cpu" }
}

/// Reads `cpu`, `cuda` or `cuda:1`.
pub fn device(name: &str) -> Result<Device, String> {
    let index = match name {
        "cpu" => return Ok(Device::Cpu),
        "cuda" => Some(0),
        _ => name.strip_prefix("cuda:").and_then(|index| index.parse().ok()),
    };
    let count = Cuda::device_count();
    match index {
        Some(index) if (index as i64) < count => Ok(Device::Cuda(index)),
        Some(_) => Err(format!("no device `{name}`: libtorch sees {count} GPUs")),
        None => Err(format!("no device `{name}`: `cpu`, `cuda` or `cuda:0`")),
    }
}
