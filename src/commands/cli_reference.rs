//! `cli-reference`: the command line in Markdown, kept in `docs/cli.md`.

use std::fmt::Write as _;

use clap::{Command, CommandFactory};

use super::Output;
use super::view::look::Look;
use crate::cli::{Cli, exit_codes};
use crate::model::failure::Result;

/// Prints the reference.
pub fn run() -> Result<()> {
    Output { json: false, look: Look::plain() }.text(&markdown())
}

/// The reference: each command's own help, so that it cannot say something else than the program does.
fn markdown() -> String {
    let mut root = Cli::command().term_width(100);
    root.build();
    let mut out =
        "# Command line\n\n<!-- Made by `repo-to-cat cli-reference > docs/cli.md`; a test keeps it current. -->\n\n"
            .to_owned();
    let mut commands = Vec::new();
    collect(&root, "repo-to-cat", &mut commands);
    for (path, _) in &commands {
        _ = writeln!(out, "- [`{path}`](#{})", path.replace(' ', "-"));
    }
    out.push_str("- [Exit codes](#exit-codes)\n");
    for (path, command) in &mut commands {
        let help = command.render_long_help().to_string();
        let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
        _ = write!(out, "\n## {path}\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
    }
    out.push_str(
        "\n## Exit codes\n\nWith `--json` the error on standard error holds the code and the name, too.\n\n```text\n",
    );
    out.push_str(&exit_codes());
    out.push_str("\n```\n");
    out
}

fn collect(command: &Command, path: &str, into: &mut Vec<(String, Command)>) {
    // What holds for every command is said once: the exit codes below, the global options at the top.
    let shown = if path == "repo-to-cat" {
        command.clone().after_long_help("")
    } else {
        command.clone().mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg })
    };
    into.push((path.to_owned(), shown));
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        collect(sub, &format!("{path} {}", sub.get_name()), into);
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::model::failure::Kind;

    #[test]
    fn docs_cli_md_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md");
        let current = std::fs::read_to_string(path).unwrap_or_default();
        assert!(current == markdown(), "docs/cli.md is out of date: run `repo-to-cat cli-reference > docs/cli.md`");
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_kind_of_failure_is_documented_with_its_code() {
        let (reference, table) = (markdown(), exit_codes());
        for kind in Kind::ALL {
            let row = table.lines().position(|line| line.contains(&format!(" {} ", kind.name()))).unwrap();
            // The code stands on the first row of its group.
            let code = table.lines().take(row + 1).filter_map(|line| line.get(..5)?.trim().parse::<u8>().ok()).last();
            assert_eq!(code, Some(kind.exit_code()), "{}", kind.name());
            assert!(reference.contains(table.lines().nth(row).unwrap()));
        }
    }

    #[test]
    fn every_verb_has_a_description_and_examples() {
        let mut commands = Vec::new();
        collect(&Cli::command(), "repo-to-cat", &mut commands);
        for (path, command) in commands {
            assert!(command.get_about().is_some(), "{path}");
            let is_group = command.has_subcommands();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(is_group || help.starts_with("Examples:\n") && help.contains(&path), "{path}: {help}");
        }
    }
}
