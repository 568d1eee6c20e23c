//! `doctor`: everything that this program needs, and what to do about what is missing.

use super::Output;
use super::session::{Schema, Session, block_on, program};
use super::view::checks::render;
use crate::config::Loaded;
use crate::doctor::Doctor;
use crate::model::check::State;
use crate::model::failure::{Failure, Kind, Result};

/// Runs every check and prints the list; fails if something is missing.
pub fn run(loaded: &Loaded, output: &Output) -> Result<()> {
    let program = program()?;
    let all = block_on(async {
        let session = Session::open(loaded, Schema::Any).await;
        let db = session.as_ref().map(|session| &session.db);
        Ok(Doctor { loaded, program: &program, db, is_listening: false }.checks().await)
    })?;
    output.data(&all, |look| render(&all, look))?;
    match all.iter().filter(|check| check.state == State::Fail).count() {
        0 => Ok(()),
        failed => Err(Failure::new(Kind::Environment, format!("{failed} of {} checks failed", all.len()))
            .hint("do what stands behind the arrows, then run `repo-to-cat doctor` again")),
    }
}
