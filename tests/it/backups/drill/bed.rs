//! A database and backups of it, made by `PostgreSQL`'s own programs and a manifest written by hand.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use age::secrecy::ExposeSecret;
use repo_to_cat::backup::drill::drill;
use repo_to_cat::backup::{Reporter, Yard};
use repo_to_cat::config::{self, Config, Environment, Layers};
use repo_to_cat::db::server::Server;
use repo_to_cat::model::backup::manifest::{Extension, FileRole, Images, Manifest, Source, StoredFile, Tools};
use repo_to_cat::model::backup::{BackupName, Compression, DrillReport, Format, Selection};
use repo_to_cat::model::failure::Result;
use repo_to_cat::model::progress::{Report, Silent};
use repo_to_cat::providers::pictures::Pictures;
use repo_to_cat::providers::vault::{S3, Vault};
use rustix::process::Signal;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::backups::odd::{self, Content};
use crate::support::postgres::{fresh_database, kill, program, temporary_folder};

/// A few of everything that is compared.
pub const CATS: &str = "
CREATE TABLE cats (id integer PRIMARY KEY, name text);
INSERT INTO cats SELECT i, 'cat ' || i FROM generate_series(1, 1000) AS i;
CREATE TABLE dogs (id serial, name text);
INSERT INTO dogs (name) SELECT 'dog ' || i FROM generate_series(1, 20) AS i;
CREATE TABLE fleas (id integer);
CREATE INDEX by_name ON cats (name);
CREATE FUNCTION purr(volume integer) RETURNS integer LANGUAGE sql RETURN volume;
SELECT lo_from_bytea(4711, 'meow')";

/// One database and one store.
pub struct Bed {
    url: String,
    pub database: String,
    pub yard: Yard,
    name: BackupName,
    folder: TempDir,
}

/// A key to decrypt with, and what is encrypted to it.
pub struct Key {
    pub file: PathBuf,
    pub recipient: String,
}

impl Bed {
    /// A fresh database with what `sql` makes.
    pub fn make(sql: &str) -> Self {
        let bed = Self::of(fresh_database("drill"));
        bed.sql(sql);
        bed
    }

    /// One with all that dumps trip over.
    pub fn odd() -> Self {
        Self::of(odd::database("drill"))
    }

    fn of(url: String) -> Self {
        let folder = temporary_folder();
        let place = |name: &str| folder.path().join(name);
        let environment = Environment::of(&[("HOME", "/home/cat")]);
        let settings: config::Backup =
            Config::load(&Layers { environment, ..Layers::default() }).unwrap().config.backup;
        let server = Server::at(&url).unwrap();
        let database = server.database().to_owned();
        let yard = Yard {
            settings,
            server,
            bin_folder: PathBuf::new(),
            vault: Vault::open(place("store").to_str().unwrap(), &S3::default()).unwrap(),
            pictures: Pictures::open(&place("pictures")).unwrap(),
            scratch_folder: place("scratch"),
            program: program().to_owned(),
        };
        let name = BackupName::new(&database, "2026-11-22T03:00:00Z".parse().unwrap());
        Self { url, database, yard, name, folder }
    }

    /// Runs statements.
    pub fn sql(&self, sql: &str) {
        odd::run("psql", &["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, &self.url]);
    }

    /// What `pg_dump` writes.
    pub fn dump(&self, format: &str) -> Vec<u8> {
        let arguments: &[&str] = if format == "-Fc" { &["-Fc", "-Z0", &self.url] } else { &[format, &self.url] };
        odd::run("pg_dump", arguments).stdout
    }

    /// Makes a backup. `meanwhile` does what the manifest knows nothing of and the dump does.
    pub async fn back_up(&self, format: Format, meanwhile: impl FnOnce(&Self)) -> Manifest {
        let manifest = self.manifest(format).await;
        meanwhile(self);
        let archive = self.dump(if format == Format::Plain { "-Fp" } else { "-Fc" });
        self.store(manifest, &archive, &archive)
    }

    /// Makes an encrypted backup.
    pub async fn back_up_to(&self, format: Format, key: &Key) -> Manifest {
        let mut manifest = self.manifest(format).await;
        manifest.recipients = vec![key.recipient.clone()];
        manifest.files[0].name += ".age";
        let raw = self.dump("-Fc");
        let recipient: age::x25519::Recipient = key.recipient.parse().unwrap();
        let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as _)).unwrap();
        let mut sealed = Vec::new();
        let mut writer = encryptor.wrap_output(&mut sealed).unwrap();
        writer.write_all(&raw).unwrap();
        writer.finish().unwrap();
        self.store(manifest, &raw, &sealed)
    }

    /// Puts another archive in the place of a backup's, with its sums.
    pub fn replace_archive(&self, manifest: &Manifest, archive: &[u8]) {
        self.store(manifest.clone(), archive, archive);
    }

    /// Adds a list of pictures.
    pub fn list_pictures(&self, mut manifest: Manifest, keys: &[&str]) {
        let list: String = keys.iter().map(|key| format!("{key}\n")).collect();
        let name = format!("{}.images.txt", self.name);
        fs::write(self.file(&name), &list).unwrap();
        manifest.files.push(stored(name, FileRole::ImageList, list.as_bytes()));
        manifest.images = Some(Images { count: keys.len() as u64, copied: false });
        self.write_manifest(&manifest);
    }

    /// A new key.
    pub fn key(&self, name: &str) -> Key {
        let identity = age::x25519::Identity::generate();
        let file = self.folder.path().join(name);
        let mut opened = fs::File::options().create_new(true).write(true).mode(0o600).open(&file).unwrap();
        writeln!(opened, "{}", identity.to_string().expose_secret()).unwrap();
        Key { file, recipient: identity.to_public().to_string() }
    }

    /// Tries the backup.
    pub async fn drill(&self) -> Result<DrillReport> {
        self.drill_as(Arc::new(Silent)).await
    }

    /// Tries the backup, with mischief in between.
    pub async fn drill_with(&self, mischief: Mischief) -> Result<DrillReport> {
        let mischief = Arc::new(mischief);
        let mischief_too = Arc::clone(&mischief);
        *mischief.scratch.lock().unwrap() = Some(self.yard.scratch_folder.clone());
        let outcome = self.drill_as(mischief_too).await;
        assert!(mischief.was_done(), "the stage was never reached: {outcome:#?}");
        outcome
    }

    /// Tries the backup.
    pub async fn drill_as(&self, report: Reporter) -> Result<DrillReport> {
        drill(&self.yard, &self.name, None, report).await
    }

    /// Starts the program that tries the backup.
    pub fn verify(&self) -> Child {
        let mut command = Command::new(program());
        command.env_clear().env("HOME", self.folder.path()).env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env("DATABASE_URL", &self.url);
        command.env("REPO_TO_CAT_BACKUP__STORE", self.folder.path().join("store"));
        command.env("REPO_TO_CAT_BACKUP__SCRATCH_FOLDER", &self.yard.scratch_folder);
        command.env("REPO_TO_CAT_IMAGES__STORE", self.folder.path().join("pictures"));
        command.args(["backup", "verify", "--standalone", self.name.as_str()]);
        command.current_dir(self.folder.path()).stdin(Stdio::null()).spawn().unwrap()
    }

    /// How many sessions make a view anew in the scratch cluster, if there is one by now.
    pub fn sessions_of_restores(&self) -> u32 {
        let mut states = self.leftovers().into_iter().map(|folder| folder.join("postgres/server.json"));
        let Some(state) = states.find_map(|path| fs::read(path).ok()) else { return 0 };
        let Ok(state) = serde_json::from_slice::<serde_json::Value>(&state) else { return 0 };
        let url = format!("postgres:///postgres?host={}&port=5432&user=postgres", state["socket"].as_str().unwrap());
        let asked = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'REFRESH%'";
        let output = Command::new(odd::program("psql")).args(["-X", "-A", "-t", "-c", asked, &url]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0)
    }

    /// A file of the backup.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("store").join(self.name.as_str()).join(name)
    }

    /// Writes the manifest.
    pub fn write_manifest(&self, manifest: &Manifest) {
        fs::write(self.file("manifest.json"), serde_json::to_vec(manifest).unwrap()).unwrap();
    }

    /// What is in the folder of scratch clusters.
    pub fn leftovers(&self) -> Vec<PathBuf> {
        fs::read_dir(&self.yard.scratch_folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    }

    /// Nothing is left of a drill.
    pub fn check_nothing_left(&self) {
        assert_eq!(self.leftovers(), Vec::<PathBuf>::new());
    }

    fn store(&self, mut manifest: Manifest, raw: &[u8], bytes: &[u8]) -> Manifest {
        fs::create_dir_all(self.file("")).unwrap();
        let StoredFile { name, role, .. } = manifest.files[0].clone();
        fs::write(self.file(&name), bytes).unwrap();
        manifest.files[0] = StoredFile { raw_bytes: raw.len() as u64, ..stored(name, role, bytes) };
        self.write_manifest(&manifest);
        manifest
    }

    /// The manifest of the database as it is now, for a backup whose archive is still to come.
    async fn manifest(&self, format: Format) -> Manifest {
        let content = Content::of(&self.url).await;
        let moment = self.name.moment();
        let archive = format!("{}.{}", self.name, format.extension());
        Manifest {
            version: 1,
            name: self.name.clone(),
            job: None,
            started_at: moment,
            finished_at: moment,
            format,
            compression: Compression::None,
            level: 0,
            recipients: Vec::new(),
            selection: Selection::default(),
            source: self.source(),
            tools: Tools::default(),
            files: vec![stored(archive, FileRole::Archive, b"")],
            tables: content.tables,
            sequences: content.sequences,
            large_objects: content.large_objects,
            images: None,
            stages: Vec::new(),
        }
    }

    fn source(&self) -> Source {
        let ask = |sql: &str| {
            let output = odd::run("psql", &["-X", "-A", "-t", "-c", sql, &self.url]).stdout;
            String::from_utf8(output).unwrap().trim().to_owned()
        };
        let extensions = ask("SELECT extname FROM pg_extension");
        Source {
            database: self.database.clone(),
            server_version: ask("SHOW server_version_num").parse().unwrap(),
            encoding: ask("SHOW server_encoding"),
            collate: ask("SELECT datcollate FROM pg_database WHERE datname = current_database()"),
            ctype: ask("SELECT datctype FROM pg_database WHERE datname = current_database()"),
            lc_monetary: ask("SHOW lc_monetary"),
            extensions: extensions.lines().map(extension).collect(),
            roles: ask("SELECT rolname FROM pg_roles WHERE oid >= 16384").lines().map(str::to_owned).collect(),
            ..Source::default()
        }
    }
}

/// A file of a manifest.
fn stored(name: String, role: FileRole, bytes: &[u8]) -> StoredFile {
    let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    StoredFile { name, role, bytes: bytes.len() as u64, raw_bytes: bytes.len() as u64, sha256 }
}

/// An extension of the source.
pub fn extension(name: &str) -> Extension {
    Extension { name: name.to_owned(), version: "1.0".to_owned() }
}

/// A name of another backup.
pub fn another(name: &BackupName) -> BackupName {
    BackupName::new(name.database(), name.moment() + chrono::TimeDelta::seconds(1))
}

/// What is done once a drill says that it begins something.
pub enum At {
    /// Runs statements in the restored database.
    Sql(&'static str),
    /// Asks the drill to stop.
    Stop,
    /// Fills the disk with a file.
    Fill(PathBuf),
    /// Kills the supervisor of the scratch cluster.
    KillGuard(PathBuf),
}

/// A reporter that does something once.
pub struct Mischief {
    stage: &'static str,
    at: At,
    done: AtomicBool,
    scratch: std::sync::Mutex<Option<PathBuf>>,
}

impl Mischief {
    pub fn at(stage: &'static str, at: At) -> Self {
        Self { stage, at, done: AtomicBool::new(false), scratch: std::sync::Mutex::default() }
    }

    pub fn sql(stage: &'static str, sql: &'static str) -> Self {
        Self::at(stage, At::Sql(sql))
    }

    pub fn stop(stage: &'static str) -> Self {
        Self::at(stage, At::Stop)
    }

    pub fn was_done(&self) -> bool {
        self.done.load(Ordering::SeqCst)
    }
}

impl Report for Mischief {
    fn report(&self, _: u64, _: u64, detail: &str) {
        if !detail.contains(self.stage) || self.done.swap(true, Ordering::SeqCst) {
            return;
        }
        match &self.at {
            At::Stop => {}
            At::Sql(sql) => {
                let folder = self.scratch.lock().unwrap().clone().unwrap();
                let state = server_state(&folder);
                let url =
                    format!("postgres:///restored?host={}&port=5432&user=postgres", state["socket"].as_str().unwrap());
                odd::run("psql", &["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, &url]);
            }
            At::Fill(path) => {
                let mut file = fs::File::create(path).unwrap();
                while file.write_all(&[0; 16384]).is_ok() {}
                while file.write_all(&[0]).is_ok() {}
            }
            At::KillGuard(folder) => {
                let pid = server_state(folder)["supervisor"].as_u64().unwrap();
                kill(u32::try_from(pid).unwrap(), Signal::KILL);
            }
        }
    }

    fn should_stop(&self) -> bool {
        matches!(self.at, At::Stop) && self.was_done()
    }
}

/// What the one scratch cluster in `folder` says of its server.
fn server_state(folder: &Path) -> serde_json::Value {
    let mut states = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().join("postgres/server.json"));
    let state = states.find_map(|path| fs::read(path).ok()).unwrap();
    serde_json::from_slice(&state).unwrap()
}

/// A small file system, where this user may mount one.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    pub fn mount(folder: &Path, megabytes: u32) -> Option<Self> {
        let options = format!("size={megabytes}m,mode=0755");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(folder).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(folder.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
