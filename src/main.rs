//! The command line. See `tessera::commands`.

fn main() -> std::process::ExitCode {
    tessera::commands::main().into()
}
