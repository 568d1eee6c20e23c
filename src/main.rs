//! Parse, configure, dispatch, report.

use std::panic;
use std::process::ExitCode;

use clap::Parser;
use repo_to_cat::cli::{Cli, Command};
use repo_to_cat::commands::{self, Output, report};
use repo_to_cat::config::{Config, Environment, Layers};
use repo_to_cat::model::failure::{Kind, Result};
use repo_to_cat::telemetry;

fn main() -> ExitCode {
    telemetry::report_panics();
    // The hook has told people about the panic by the time it arrives here.
    panic::catch_unwind(start).unwrap_or_else(|_| Kind::Internal.exit_code().into())
}

fn start() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return report::usage(&error),
    };
    let json = cli.global.json;
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report::failure(&failure, json),
    }
}

fn run(cli: Cli) -> Result<()> {
    let command = match cli.command {
        // Children get what they need on standard input, not from the configuration.
        Command::Parse(child) => return commands::child::parse(&child),
        Command::Fetch(child) => return commands::child::fetch(&child),
        Command::Postgres(child) => return commands::child::postgres(&child),
        Command::CliReference => return commands::cli_reference::run(),
        Command::Completions { shell } => return commands::completions::run(shell),
        command => command,
    };
    let layers =
        Layers { file: cli.global.config.clone(), environment: Environment::of_process()?, flags: cli.global.flags() };
    let loaded = Config::load(&layers)?;
    telemetry::start(&commands::log_settings(&command, &loaded))?;
    commands::dispatch(command, &loaded, &Output::of_process(&loaded.environment, cli.global.json))
}
