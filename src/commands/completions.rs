//! `tessera completions SHELL`.

use crate::error::{Error, ExitCode};
use clap::CommandFactory;
use clap_complete::Shell;

/// Print completions for a shell: `tessera completions bash > ~/.local/share/bash-completion/completions/tessera`
#[derive(clap::Args)]
pub struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    /// Writes the script to standard output.
    pub fn run(self) -> Result<ExitCode, Error> {
        let mut command = super::Arguments::command();
        clap_complete::generate(self.shell, &mut command, "tessera", &mut std::io::stdout());
        Ok(ExitCode::Success)
    }
}
