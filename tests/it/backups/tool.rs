//! `PostgreSQL`'s programs as we run them: what they can see, and who can see what we give them.

use std::io::Read;
use std::path::Path;

use repo_to_cat::db::server::Server;
use repo_to_cat::postgres::programs::{CLIENTS, Programs};
use repo_to_cat::postgres::tool::{Access, Running, command};

/// What `pg_dump` writes of a database when it is asked so, run as a backup does.
pub async fn dump(server: &Server, database: &str, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let programs = Programs::for_server(Path::new(""), 150_000, &CLIENTS).unwrap();
    let access = Access::new(&server.url_of(database).await.unwrap(), folder.path()).unwrap().of_version(150_000);
    let mut command = command(&programs, "pg_dump", &access, "repo-to-cat/backup/test/1");
    command.args(arguments);
    let ran = tokio::task::spawn_blocking(move || {
        let mut running = Running::start(command).unwrap();
        let mut text = Vec::new();
        running.stdout().unwrap().read_to_end(&mut text).unwrap();
        running.wait().unwrap();
        // Of a database in another encoding: bytes as they are, one letter each.
        text.into_iter().map(char::from).collect()
    });
    ran.await.unwrap()
}
