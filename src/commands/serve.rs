//! `tessera serve`: the live page of the results folder.

use super::browse::browse;
use crate::error::{Error, ExitCode};
use crate::output::answer;
use crate::page::{Address, serve};
use crate::store::Sweep;
use std::path::Path;

/// Serve the results folder as a live page: sweeps watched and explored in the browser
///
/// The page reads only, whoever executes the sweeps, and may be open before, during and after. It is served on this machine alone (127.0.0.1); the address that is printed holds a token, which a browser needs once. From elsewhere `ssh -L 8765:localhost:8765 MACHINE` leads to it.
#[derive(clap::Args)]
pub struct Serve {
    /// A sweep whose page the address opens [default: the page of all sweeps]
    sweep: Option<String>,
    /// The port; 0 takes any that is free
    #[arg(long, value_name = "N", default_value_t = 8765)]
    port: u16,
    /// The address to listen on; any but 127.0.0.1 lets other machines connect, unencrypted
    #[arg(long, value_name = "H", default_value = "127.0.0.1")]
    host: String,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
}

impl Serve {
    /// Serves until it is stopped.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        if let Some(sweep) = &self.sweep {
            Sweep::open_readable(results, sweep)?;
        }
        let place = self.sweep.as_ref().map(|sweep| format!("#/sweep/{sweep}")).unwrap_or_default();
        let ready = |address: &Address| {
            let url = format!("{}{place}", address.url);
            // Whoever closed standard output does not want the address; the page is served all the same.
            let _ = answer(&format!("{url}\n"));
            eprintln!("serving {} on port {}; Ctrl-C ends it", results.display(), address.port);
            if address.is_open {
                eprintln!("warning: other machines can connect, and nothing is encrypted: `ssh -L` is safer");
            }
            if self.open {
                // A desktop may hold on to the program that opens: the page does not wait for it.
                std::thread::spawn(move || {
                    if let Err(error) = browse(&url) {
                        eprintln!("warning: {}; open the address yourself", error.message());
                    }
                });
            }
        };
        serve(results, &self.host, self.port, ready)?;
        Ok(ExitCode::Success)
    }
}
