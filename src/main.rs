//! Parse, configure, dispatch, report.

use std::panic;
use std::process::ExitCode;

use clap::Parser;
use repo_to_cat::cli::{Cli, Command, Global};
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
    run(cli).unwrap_or_else(|failure| report::failure(&failure, json))
}

fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        // Children get what they need on standard input, not from the configuration.
        Command::Postgres(child) => return Ok(commands::child::postgres(&child)),
        Command::Parse(child) => commands::child::parse(&child)?,
        Command::Fetch(child) => return Ok(commands::child::fetch(&child)),
        Command::CliReference => commands::cli_reference::run()?,
        Command::Openapi => commands::openapi::run()?,
        Command::Completions { shell } => commands::completions::run(shell)?,
        command => {
            let Global { config, json, .. } = cli.global.clone();
            let layers = Layers { file: config, environment: Environment::of_process()?, flags: cli.global.flags() };
            let loaded = Config::load(&layers)?;
            telemetry::start(&commands::log_settings(&command, &loaded))?;
            commands::dispatch(command, &loaded, &Output::of_process(&loaded.environment, json))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
