//! Secrets that people hand in: never as arguments, which everybody on the machine can read in the process list.

use std::io::{self, IsTerminal, Read};

use console::Term;

use crate::model::failure::{Failure, Kind, Result};

/// Longer than any secret of ours, so that a file handed in by mistake is no long wait.
const LONGEST: u64 = 64 * 1024;

/// The line on standard input; on a terminal it is asked for, and not shown.
pub(super) fn secret(what: &str) -> Result<String> {
    let text = if io::stdin().is_terminal() {
        eprint!("{what}: ");
        Term::stderr().read_secure_line().map_err(unreadable)?
    } else {
        let mut text = String::new();
        io::stdin().lock().take(LONGEST).read_to_string(&mut text).map_err(unreadable)?;
        text
    };
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() || line.contains('\n') {
        let found = if line.is_empty() { "nothing" } else { "several lines" };
        return Err(Failure::new(
            Kind::Invalid,
            format!("there is {found} on standard input where the {what} should be"),
        )
        .hint(format!("hand in the {what} alone, in one line")));
    }
    Ok(line.to_owned())
}

/// Refuses a secret that was given as an argument, without telling it again.
pub(super) fn refuse_arguments(what: &str, arguments: &[String]) -> Result<()> {
    if arguments.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Kind::Invalid, format!("the {what} is not taken as an argument")).hint(format!(
        "others see arguments in the process list, and the shell keeps them: hand it in on standard input, and take \
         another {what} if this was a real one"
    )))
}

fn unreadable(error: io::Error) -> Failure {
    Failure::new(Kind::Invalid, "standard input cannot be read as text").source(error)
}
