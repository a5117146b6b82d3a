//! The command line. Each command is a file with its help in its doc comment: arguments in, one call of a stage,
//! the answer out.

mod agent;
mod browse;
mod compact;
mod compare;
mod completions;
mod diff;
mod docs;
mod doctor;
mod export;
mod figures;
mod import;
mod logs;
mod new;
mod plan;
mod probe;
mod query;
mod remove;
mod report;
mod retry;
mod run;
mod schema;
mod scoped;
mod serve;
mod show;
mod status;
mod stop;
mod table;
mod verify;

use crate::error::{ExitCode, render};
use clap::{Parser, Subcommand};
use std::io::IsTerminal;
use std::path::PathBuf;

/// Turn one YAML file into a finished comparison: run a grid sweep, keep every number in Parquet, draw the figures and
/// write the weekly report.
#[derive(Parser)]
#[command(name = "tessera", version, after_help = EXIT_CODES)]
struct Arguments {
    /// Folder of the results
    #[arg(
        long,
        global = true,
        env = "TESSERA_RESULTS",
        hide_env_values = true,
        default_value = "results",
        value_name = "DIR"
    )]
    results: PathBuf,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 all done · 1 something outside went wrong · 2 the command line or a spec is \
wrong · 3 some runs failed · 130 stopped";

#[derive(Subcommand)]
enum Command {
    Run(run::Run),
    Plan(plan::PlanCommand),
    Status(status::Status),
    Serve(serve::Serve),
    Stop(stop::Stop),
    Retry(retry::Retry),
    Logs(logs::Logs),
    Table(table::Table),
    Compare(compare::Compare),
    Query(query::Query),
    Show(show::Show),
    Diff(diff::Diff),
    Probe(probe::Probe),
    Figures(figures::Figures),
    Report(report::Report),
    New(new::New),
    Schema(schema::Schema),
    Import(import::Import),
    Export(export::Export),
    Compact(compact::Compact),
    Verify(verify::Verify),
    Remove(remove::Remove),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
    #[command(hide = true)]
    Agent(agent::Agent),
    #[command(hide = true)]
    Docs(docs::Docs),
}

/// Runs the command line and returns how it ended.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Run(command) => command.run(&arguments.results),
        Command::Agent(command) => command.run(&arguments.results),
        Command::Status(command) => command.run(&arguments.results),
        Command::Serve(command) => command.run(&arguments.results),
        Command::Stop(command) => command.run(&arguments.results),
        Command::Retry(command) => command.run(&arguments.results),
        Command::Logs(command) => command.run(&arguments.results),
        Command::Doctor(command) => command.run(&arguments.results),
        Command::Figures(command) => command.run(&arguments.results),
        Command::Report(command) => command.run(&arguments.results),
        Command::Completions(command) => command.run(),
        Command::Docs(command) => command.run(),
        Command::Compare(command) => command.run(&arguments.results),
        Command::Show(command) => command.run(&arguments.results),
        Command::Diff(command) => command.run(&arguments.results),
        Command::Compact(command) => command.run(&arguments.results),
        Command::Query(command) => command.run(&arguments.results),
        Command::Verify(command) => command.run(&arguments.results),
        Command::Remove(command) => command.run(&arguments.results),
        Command::Export(command) => command.run(&arguments.results),
        Command::Import(command) => command.run(&arguments.results),
        Command::Probe(command) => command.run(&arguments.results),
        Command::Table(command) => command.run(&arguments.results),
        Command::New(command) => command.run(),
        Command::Plan(command) => command.run(&arguments.results),
        Command::Schema(command) => command.run(),
    };
    result.unwrap_or_else(|error| {
        let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        eprint!("{}", render(&error, color));
        error.exit_code()
    })
}
