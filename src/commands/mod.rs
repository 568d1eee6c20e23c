//! One file per verb of the command line: wiring and printing.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::{Command, ConfigCommand};
use crate::config::{Environment, Loaded, Log, Origin};
use crate::model::failure::{Failure, Kind, Result};

pub mod adopt;
pub mod analyze;
pub mod backup;
pub mod bench;
pub mod child;
pub mod cli_reference;
pub mod completions;
pub mod config;
pub mod db;
pub mod demo;
pub mod doctor;
pub mod enqueue;
pub mod follow;
pub mod generations;
pub mod jobs;
pub mod migrate;
pub mod openapi;
pub mod own;
pub mod paint;
pub mod prune;
pub mod queue;
pub mod report;
pub mod run;
pub mod schedules;
pub mod session;
pub mod steering;
pub mod studio;
pub mod users;
pub mod view;

use view::look::Look;

/// Runs a verb with the settings in force.
pub fn dispatch(command: Command, loaded: &Loaded, output: &Output) -> Result<()> {
    match command {
        Command::Analyze(wish) => analyze::run(&wish, loaded, output),
        Command::Paint(wish) => paint::run(&wish, loaded, output),
        Command::Doctor => doctor::run(loaded, output),
        Command::Backup { command } => backup::run(&command, loaded, output),
        Command::Bench { command } => bench::run(&command, loaded),
        Command::Config { command: ConfigCommand::Show } => config::show(loaded, output),
        Command::Db { command } => db::run(&command, loaded, output),
        Command::Demo(args) => demo::run(&args, loaded, output),
        Command::Enqueue(args) => enqueue::run(&args, loaded, output),
        Command::Generations { command } => generations::run(&command, loaded, output),
        Command::Jobs { command } => jobs::run(&command, loaded, output),
        Command::Schedules { command } => schedules::run(&command, loaded, output),
        Command::Migrate { command } => migrate::run(&command, loaded, output),
        Command::Queue { command } => queue::run(&command, loaded, output),
        Command::Prune(args) => prune::run(&args, loaded, output),
        Command::Run(parts) => run::run(&parts, loaded),
        Command::Users { command } => users::run(&command, loaded, output),
        // Answered in main, which needs no settings for them.
        Command::Parse(_)
        | Command::Fetch(_)
        | Command::Postgres(_)
        | Command::CliReference
        | Command::Openapi
        | Command::Completions { .. } => Ok(()),
    }
}

/// What a verb logs: the service tells what it does, the others leave the screen to their output, unless people said
/// what they want to see.
#[must_use]
pub fn log_settings(command: &Command, loaded: &Loaded) -> Log {
    let log = loaded.config.log.clone();
    match (command, loaded.origin("log.filter")) {
        (Command::Run(_), _) => log,
        // Its own worker's failures are told as progress.
        (Command::Demo(_) | Command::Backup { .. }, Origin::Default) => {
            Log { filter: "warn,repo_to_cat::queue::completer=off,tokei=off".to_owned(), ..log }
        }
        (_, Origin::Default) => Log { filter: "warn,tokei=off".to_owned(), ..log },
        _ => log,
    }
}

/// Where a verb's data goes, and how it should look.
#[derive(Debug, Clone)]
pub struct Output {
    /// Whether data is wanted as JSON.
    pub json: bool,
    /// What standard output can show.
    pub look: Look,
}

impl Output {
    /// Standard output.
    #[must_use]
    pub fn of_process(environment: &Environment, json: bool) -> Self {
        Self { json, look: Look::of_stdout(environment) }
    }

    /// Prints text as it is. A reader that has gone, as `head` does, is no error.
    pub fn text(&self, text: &str) -> Result<()> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::new(Kind::Environment, "cannot write to standard output").source(error))
            }
            _ => Ok(()),
        }
    }

    /// Prints data: as JSON if that was asked for, else as what `readable` makes of it.
    pub fn data<T: Serialize + ?Sized>(&self, data: &T, readable: impl FnOnce(&Look) -> String) -> Result<()> {
        if self.json {
            let json = serde_json::to_string_pretty(data)
                .map_err(|error| Failure::new(Kind::Internal, "cannot write the data as JSON").source(error))?;
            self.text(&(json + "\n"))
        } else {
            self.text(&readable(&self.look))
        }
    }
}
