//! The result of checks, as `doctor` prints it.

use std::fmt::Write as _;

use serde::Serialize;

use super::look::Look;
use super::text::{pad, wrap};

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All is well.
    Good,
    /// It works, but should be looked at.
    Warning,
    /// What needs this does not work.
    Missing,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckView {
    /// What was checked, in a few words.
    pub name: String,
    /// How it went.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub advice: Option<String>,
}

/// The list of checks and its sum.
#[must_use]
pub fn render(checks: &[CheckView], look: &Look) -> String {
    let name_width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0).clamp(10, 24);
    let indent = 2 + name_width + 2;
    let mut text = String::new();
    for check in checks {
        let mark = match check.verdict {
            Verdict::Good => look.good("✓"),
            Verdict::Warning => look.fair("!"),
            Verdict::Missing => look.bad("✗"),
        };
        let mut found = wrap(&check.found, look.text_width() - indent).into_iter();
        let first = format!("{mark} {}  {}", pad(&check.name, name_width), found.next().unwrap_or_default());
        text.push_str(first.trim_end());
        text.push('\n');
        for line in found {
            _ = writeln!(text, "{:indent$}{line}", "");
        }
        let advice = check.advice.iter().flat_map(|advice| wrap(advice, look.text_width() - indent - 2));
        for (at, line) in advice.enumerate() {
            let arrow = if at == 0 { look.dim("→") } else { " ".to_owned() };
            _ = writeln!(text, "{:indent$}{arrow} {line}", "");
        }
    }
    let missing = checks.iter().filter(|check| check.verdict == Verdict::Missing).count();
    text.push('\n');
    text.push_str(&match missing {
        0 => look.good("Everything that is needed is here."),
        1 => look.bad("1 thing is missing."),
        several => look.bad(&format!("{several} things are missing.")),
    });
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::super::steps::tests::screen;
    use super::*;

    #[test]
    fn checks_read_like_this() {
        let check = |name: &str, verdict, found: &str, advice: Option<&str>| CheckView {
            name: name.to_owned(),
            verdict,
            found: found.to_owned(),
            advice: advice.map(str::to_owned),
        };
        let checks = [
            check("Settings", Verdict::Good, "41 keys, 2 of them not the default", None),
            check(
                "PostgreSQL programs",
                Verdict::Missing,
                "none found",
                Some("apt-get install postgresql postgresql-client"),
            ),
            check(
                "Token",
                Verdict::Warning,
                "GITHUB_TOKEN is set, but this program does not use it: tokens are kept in a file per host",
                Some("put `github.com TOKEN` into a file with mode 0600 and name it in fetch.token_file"),
            ),
        ];
        insta::assert_snapshot!(render(&checks, &screen(80)));
    }
}
