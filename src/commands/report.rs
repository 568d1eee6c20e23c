//! How a failure is told: for people on standard error, or as JSON.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::error::ErrorKind;
use serde_json::json;

use super::Output;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::secret::redact;

/// Tells people about a failure and gives the exit code of its kind.
#[must_use]
pub fn failure(failure: &Failure, json: bool) -> ExitCode {
    tell(failure, json);
    failure.kind().exit_code().into()
}

fn tell(failure: &Failure, json: bool) {
    let text = if json { as_json(failure) } else { as_text(failure) };
    // There is nobody left to tell if standard error is closed.
    _ = io::stderr().write_all(text.as_bytes());
}

/// The failures of a verb that does the same to several things: each is told, the last decides the exit code.
#[derive(Debug, Default)]
pub struct Failures(Option<Failure>);

impl Failures {
    /// Tells the one before, if any, and keeps this one.
    pub fn add(&mut self, failure: Failure, output: &Output) {
        if let Some(before) = self.0.replace(failure) {
            tell(&before, output.json);
        }
    }

    /// The last one, which is still to be told.
    pub fn last(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Tells people what was wrong with the command line, or shows them the help that they asked for.
#[must_use]
pub fn usage(error: &clap::Error) -> ExitCode {
    let asked_for_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if !asked_for_help && std::env::args_os().any(|arg| arg == "--json") {
        let text = error.render().to_string();
        let what = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let hint = "`--help` shows what can be given";
        return failure(&Failure::new(Kind::Invalid, what).hint(hint), true);
    }
    // As above; and `--help | head` is no error.
    _ = error.print();
    if asked_for_help { ExitCode::SUCCESS } else { Kind::Invalid.exit_code().into() }
}

fn as_text(failure: &Failure) -> String {
    let mut text = format!("error: {}\n", failure.what());
    for cause in failure.causes() {
        _ = writeln!(text, "  caused by: {cause}");
    }
    if let Some(hint) = failure.hint_text() {
        _ = writeln!(text, "  hint: {hint}");
    }
    redact(&text)
}

fn as_json(failure: &Failure) -> String {
    let causes: Vec<String> = failure.causes().iter().map(|cause| redact(cause)).collect();
    let error = json!({
        "kind": failure.kind().name(),
        "exit_code": failure.kind().exit_code(),
        "message": redact(failure.what()),
        "causes": causes,
        "hint": failure.hint_text().map(redact),
        "retry_after_seconds": failure.retry_after().map(|wait| wait.as_secs()),
    });
    format!("{}\n", json!({ "error": error }))
}
