//! The stores of backups: one contract for folders and buckets, and what each does on a bad day.

mod bucket;
mod contract;
mod folder;

use futures_util::TryStreamExt as _;
use repo_to_cat::model::backup::BackupName;
use repo_to_cat::providers::vault::{Bytes, S3, Vault};

use crate::support::s3::{BUCKET, KEY, S3Server, SECRET};

/// A name of a backup of `database`, the same for the same second.
fn name(database: &str, second: i64) -> BackupName {
    BackupName::new(database, chrono::DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap())
}

fn bucket(server: &S3Server) -> Vault {
    Vault::open(&format!("s3://{BUCKET}/prod"), &s3(server)).unwrap()
}

fn s3(server: &S3Server) -> S3 {
    let (endpoint, access_key_id, secret_access_key) = (server.endpoint().into(), KEY.into(), SECRET.into());
    S3 { endpoint, access_key_id, secret_access_key, ..S3::default() }
}

/// A backup of one small file.
async fn store(vault: &Vault, name: &BackupName) {
    let draft = vault.begin(name).await.unwrap();
    let mut upload = draft.create("cats.dump").await.unwrap();
    upload.write(Bytes::from_static(b"meow")).await.unwrap();
    upload.finish().await.unwrap();
    draft.publish(b"{}".to_vec()).await.unwrap();
}

async fn read(vault: &Vault, name: &BackupName, file: &str) -> Vec<u8> {
    let pieces: Vec<Bytes> = vault.read(name, file).await.unwrap().try_collect().await.unwrap();
    pieces.concat()
}

/// Bytes that repeat at no round number.
fn bytes(length: usize) -> Bytes {
    (0..length).map(|at| (at % 251) as u8).collect::<Vec<u8>>().into()
}
