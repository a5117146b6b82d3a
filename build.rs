//! Lets `tessera-lab` find libtorch by itself: an rpath for that binary alone, so that the command line never links it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB") {
        println!("cargo::rustc-link-arg-bin=tessera-lab=-Wl,-rpath,{folder}");
    }
}
