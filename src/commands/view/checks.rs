//! The result of checks, as `doctor` prints it.

use std::fmt::Write as _;

use super::look::Look;
use super::text::{pad, wrap};
use crate::model::check::{Check, State};

/// The list of checks and its sum.
#[must_use]
pub fn render(checks: &[Check], look: &Look) -> String {
    let missing = checks.iter().filter(|check| check.state == State::Fail).count();
    let sum = match missing {
        0 => look.good("Everything that is needed is here."),
        1 => look.bad("1 thing is missing."),
        several => look.bad(&format!("{several} things are missing.")),
    };
    format!("{}\n{sum}\n", list(checks, look))
}

/// The list of checks alone.
#[must_use]
pub fn list(checks: &[Check], look: &Look) -> String {
    let name_width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0).clamp(10, 24);
    let indent = 2 + name_width + 2;
    let mut text = String::new();
    for check in checks {
        let mark = match check.state {
            State::Ok => look.good("✓"),
            State::Warn => look.fair("!"),
            State::Fail => look.bad("✗"),
        };
        let mut found = wrap(&check.found, look.text_width() - indent).into_iter();
        let first = format!("{mark} {}  {}", pad(check.name, name_width), found.next().unwrap_or_default());
        text.push_str(first.trim_end());
        text.push('\n');
        for line in found {
            _ = writeln!(text, "{:indent$}{line}", "");
        }
        let advice = check.todo.iter().flat_map(|advice| wrap(advice, look.text_width() - indent - 2));
        for (at, line) in advice.enumerate() {
            let arrow = if at == 0 { look.dim("→") } else { " ".to_owned() };
            _ = writeln!(text, "{:indent$}{arrow} {line}", "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::steps::tests::screen;
    use super::*;

    #[test]
    fn checks_read_like_this() {
        let checks = [
            Check::ok("settings", "41 keys, 2 of them not the default"),
            Check::fail("PostgreSQL server", "none found", "type: sudo apt-get install postgresql"),
            Check::warn(
                "GITHUB_TOKEN",
                "it is set, but this program does not use it: tokens are kept in a file per host",
                "put `github.com TOKEN` into a file with mode 0600 and name it in fetch.token_file",
            ),
        ];
        insta::assert_snapshot!(render(&checks, &screen(80)));
    }
}
