//! The smallest program that the fetch tests need.
use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::SUCCESS
}
