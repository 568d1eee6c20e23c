//! `examples/crud.rs` against a real server.

use std::path::Path;
use std::process::Command;

use super::bed::Bed;
use crate::support::cli::Ran;
use crate::support::postgres::program;

#[tokio::test]
async fn the_example_creates_reads_updates_and_deletes() {
    let bed = Bed::empty("crud").await;
    let url = bed.shell.command(&[]);
    let (_, url) = url.get_envs().find(|(name, _)| *name == "DATABASE_URL").unwrap();
    // Examples are built with the tests, beside the program.
    let example = program().parent().unwrap().join("examples/crud");
    assert!(Path::new(&example).exists(), "build it with: cargo build --example crud");
    let mut command = Command::new(example);
    command
        .env_clear()
        .env("DATABASE_URL", url.unwrap())
        .env("HOME", bed.shell.folder())
        .current_dir(bed.shell.folder());
    let ran = Ran::of(&mut command);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let verbs: Vec<&str> = ran.out.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(verbs, ["created", "read", "listed", "updated", "deleted,"], "{}", ran.out);
    assert_eq!(bed.count("SELECT count(*) FROM generations").await, 0);
}
