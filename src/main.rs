//! A stand-in for the branch `analysis`: the real one is the lead's.

fn main() -> std::process::ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("__parse") => match repo_to_cat::generation::score::child::serve() {
            Ok(()) => std::process::ExitCode::SUCCESS,
            Err(failure) => std::process::ExitCode::from(failure.kind().exit_code()),
        },
        _ => std::process::ExitCode::from(2),
    }
}
