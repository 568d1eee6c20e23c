//! The smallest program that the fetch tests need.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|verb| verb == "__fetch") {
        return repo_to_cat::providers::repository::child::serve();
    }
    ExitCode::FAILURE
}
