//! repo-to-cat.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|verb| verb == repo_to_cat::postgres::supervisor::VERB) {
        return repo_to_cat::postgres::supervisor::main(arguments);
    }
    ExitCode::from(2)
}
