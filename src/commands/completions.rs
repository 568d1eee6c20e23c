//! `completions`: a script for the shell.

use clap::CommandFactory;
use clap_complete::Shell;

use super::Output;
use super::view::look::Look;
use crate::cli::Cli;
use crate::model::failure::Result;

/// Prints the script.
pub fn run(shell: Shell) -> Result<()> {
    Output { json: false, look: Look::plain() }.text(&script(shell))
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "repo-to-cat", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;
    use clap_complete::Shell;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_verbs() {
        for shell in Shell::value_variants() {
            let script = super::script(*shell);
            assert!(script.contains("generations") && script.contains("contact-sheet"), "{shell}");
        }
    }
}
