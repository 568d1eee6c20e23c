//! `migrate new`: the files of the next migration.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use crate::commands::Output;
use crate::model::failure::{Failure, Kind, Result};

const FOLDER: &str = "migrations";
/// No checkout is without it.
const FIRST: &str = "0001_users_and_generations.up.sql";
const LONGEST: usize = 60;

/// Runs `migrate new`.
pub fn new(name: &str, output: &Output) -> Result<()> {
    let name = cleaned(name)?;
    let folder = Path::new(FOLDER);
    if !folder.join(FIRST).is_file() {
        return Err(Failure::new(Kind::Environment, "this is no checkout of repo-to-cat: it has no ./migrations")
            .hint("migrations are compiled into the program: change to the root of its sources"));
    }
    let label = format!("{:04}_{name}", next_number(folder)?);
    let up = format!(
        "-- What {label} is for, in a sentence.\n\
         --\n\
         -- Programs of before go on running while it is applied and after: only add (docs/migrations.md).\n\
         -- COMMENT ON every table, column, view and function that it makes.\n"
    );
    let down = format!("-- Takes back what {label}.up.sql did, the last of it first.\n");
    let files = [("up", up), ("down", down)].map(|(way, text)| (format!("{FOLDER}/{label}.{way}.sql"), text));
    for (path, text) in &files {
        File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(cannot(path))?;
    }
    let paths: Vec<_> = files.iter().map(|(path, _)| path).collect();
    output.data(&json!({"revision": label, "files": paths}), |_| {
        let written: String = paths.iter().map(|path| format!("wrote {path}\n")).collect();
        format!(
            "{written}Write both, then compile them in: touch src/db/migrate/revisions.rs && cargo build\n\
             and apply it: repo-to-cat migrate up\n"
        )
    })
}

/// Words as file names have them.
fn cleaned(name: &str) -> Result<String> {
    let name = name.trim().to_lowercase().replace([' ', '-'], "_");
    let is_good = |c: char| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit();
    if name.is_empty()
        || name.len() > LONGEST
        || name.starts_with(|c: char| !c.is_ascii_lowercase())
        || !name.chars().all(is_good)
    {
        return Err(Failure::new(Kind::Invalid, format!("{name:?} is no name for a migration"))
            .hint(format!("say what it does in up to {LONGEST} letters, digits and _, such as add_user_email")));
    }
    Ok(name)
}

fn next_number(folder: &Path) -> Result<u32> {
    let mut last = 0;
    for entry in fs::read_dir(folder).map_err(cannot(FOLDER))? {
        let name = entry.map_err(cannot(FOLDER))?.file_name();
        let number = name.to_str().and_then(|name| name.split_once('_')?.0.parse().ok());
        last = last.max(number.unwrap_or(0));
    }
    Ok(last + 1)
}

fn cannot(path: &str) -> impl Fn(std::io::Error) -> Failure {
    move |error| Failure::new(Kind::Environment, format!("cannot write {path}")).source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_file_names() {
        assert_eq!(cleaned(" Add user-email ").unwrap(), "add_user_email");
        for name in ["", " ", "1st", "../x", "a/b", "ü", &"a".repeat(61)] {
            assert_eq!(cleaned(name).unwrap_err().kind(), Kind::Invalid, "{name}");
        }
    }
}
