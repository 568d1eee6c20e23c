//! pg_restore until `restore::load` is there.
use std::io::Write;
use std::process::Stdio;

use tokio::runtime::Handle;

use super::fetch::{identities, in_pieces, layers};
use super::scratch::{DATABASE, Scratch};
use crate::backup::pipe::{bridge, decode_as};
use crate::backup::{Reporter, Yard};
use crate::model::backup::{BackupName, Manifest};
use crate::model::failure::{Failure, Kind, Result};
use crate::postgres::tool::{Access, Running, command};

pub(super) async fn load(
    yard: &Yard,
    name: &BackupName,
    manifest: &Manifest,
    scratch: &Scratch,
    application: &str,
    report: &Reporter,
) -> Result<()> {
    let archive = manifest.archive().unwrap();
    let layers = layers(&archive.name);
    let keys = identities(yard, manifest).map_err(|w| Failure::new(Kind::Unauthorized, w))?;
    let input = bridge::download(yard.vault.read(name, &archive.name).await?, Handle::current(), Reporter::clone(report));
    let access = Access::new(&scratch.server().url_of(DATABASE).await?, scratch.folder())?;
    let mut command = command(scratch.programs(), "pg_restore", &access, application);
    command.args(["--exit-on-error", "--dbname", DATABASE]).stdin(Stdio::piped());
    tokio::task::spawn_blocking(move || {
        let mut running = Running::start(command)?;
        let mut stdin = running.stdin().unwrap();
        let fed = decode_as(input, &layers, &keys).and_then(|decoded| {
            in_pieces(decoded, |piece| {
                stdin.write_all(piece).map_err(|e| Failure::new(Kind::Unavailable, "pipe").source(e))
            })
        });
        drop(stdin);
        match fed {
            Err(f) if f.kind() == Kind::Cancelled => {
                running.killer().kill();
                Err(f)
            }
            fed => running.wait().and(fed),
        }
    })
    .await
    .unwrap()
}
