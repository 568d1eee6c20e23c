//! What is looked at before a backup: it fails where `pg_dump` would, and says what helps.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use repo_to_cat::backup::Yard;
use repo_to_cat::backup::preflight::{look, preflight, require};
use repo_to_cat::config::{Config, Environment, Layers};
use repo_to_cat::db::server::Server;
use repo_to_cat::model::backup::{BackupName, BackupRequest, Selection};
use repo_to_cat::model::check::{Check, State};
use repo_to_cat::model::failure::Kind;
use repo_to_cat::providers::pictures::Pictures;
use repo_to_cat::providers::vault::{S3, Vault};

use super::source::Scene;
use super::tool::try_dump;
use crate::support::gate::settings;
use crate::support::postgres::{program, temporary_folder};
use crate::surviving::pooler::Bouncer;
use crate::surviving::server;

async fn checks(server: &Server) -> Vec<Check> {
    look(server, server.database(), &BackupRequest::default(), false).await.checks
}

fn failed(checks: &[Check]) -> Vec<&Check> {
    checks.iter().filter(|check| check.state == State::Fail).collect()
}

/// The same database as another role.
fn role_of(scene: &Scene, role: &str) -> Server {
    let url: String = scene.url.split_inclusive('&').filter(|pair| !pair.starts_with("user=")).collect();
    Server::at(&format!("{}&user={role}", url.trim_end_matches('&'))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_fails_where_a_dump_would_and_says_what_helps() {
    let mut scene = Scene::new("privileges").await;
    scene
        .sql(
            "CREATE SCHEMA hidden; CREATE TABLE hidden.mice (id serial); CREATE TABLE cats (a int);
             CREATE TABLE claws (a int); ALTER TABLE claws ENABLE ROW LEVEL SECURITY; CREATE MATERIALIZED VIEW seen AS SELECT 1;
             SELECT lo_from_bytea(4711, 'x'); CREATE EXTENSION hstore; CREATE ROLE preflight_reader LOGIN",
        )
        .await;
    let server = role_of(&scene, "preflight_reader");
    // What is missing, and what mends it, step by step; pg_dump is of the same opinion each time.
    for (found, mend) in [
        (
            "privileges: role preflight_reader lacks USAGE on 1 schema (hidden), SELECT on 3 tables (hidden.mice, \
             public.cats, public.claws), SELECT on 1 sequence (hidden.mice_id_seq), SELECT on 1 large object (4711)",
            "GRANT pg_read_all_data TO preflight_reader",
        ),
        (
            "privileges: role preflight_reader lacks SELECT on 1 large object (4711)",
            "GRANT SELECT ON LARGE OBJECT 4711 TO preflight_reader",
        ),
        (
            "row-level security: hides rows from role preflight_reader: 1 table (public.claws)",
            "ALTER ROLE preflight_reader BYPASSRLS",
        ),
    ] {
        let failure = require(&checks(&server).await).unwrap_err();
        assert_eq!((failure.kind(), failure.what()), (Kind::Refused, found));
        let word = mend.split(' ').take(2).collect::<Vec<_>>().join(" ");
        assert!(failure.hint_text().unwrap().starts_with(&word), "{failure:?}");
        let of_dump = try_dump(&server, scene.database(), &[]).await.unwrap_err();
        assert_eq!(of_dump.kind(), Kind::Refused, "{of_dump}");
        scene.sql(mend).await;
    }
    let checks = checks(&server).await;
    assert!(failed(&checks).is_empty(), "{checks:?}");
    try_dump(&server, scene.database(), &[]).await.unwrap();
    let globals = look(&server, scene.database(), &BackupRequest::default(), true).await.checks;
    assert_eq!(failed(&globals)[0].name, "globals");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_part_only_what_is_in_it_must_be_readable() {
    let mut scene = Scene::new("part").await;
    scene.sql("CREATE TABLE cats (a int); CREATE TABLE dogs (a int); CREATE ROLE part_reader LOGIN; GRANT SELECT ON cats TO part_reader").await;
    let server = role_of(&scene, "part_reader");
    let selection = Selection { tables: vec!["cats".into()], ..Selection::default() };
    let request = BackupRequest { selection, ..BackupRequest::default() };
    let part = look(&server, scene.database(), &request, false).await.checks;
    require(&part).unwrap();
    assert!(part.iter().any(|check| check.state == State::Warn && check.found.contains("public.dogs")), "{part:?}");
    require(&checks(&server).await).unwrap_err();
    try_dump(&server, scene.database(), &["-t", "cats"]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_locked_is_told() {
    let mut scene = Scene::new("busy").await;
    scene.sql("CREATE TABLE cats (a int)").await;
    scene.sql("BEGIN; LOCK TABLE cats").await;
    let checks = checks(&scene.server).await;
    require(&checks).unwrap();
    let locks = checks.iter().find(|check| check.name == "locks").unwrap();
    assert_eq!(locks.state, State::Warn);
    assert!(locks.found.contains("public.cats by session") && locks.found.contains("(`test`)"), "{locks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_in_transaction_mode_is_refused() {
    let server = server::Server::start(&[]);
    let bouncer = Bouncer::before(&server);
    let mut pooled = settings(&bouncer.url());
    let undeclared = Server::of(&pooled).unwrap();
    pooled.pooler = repo_to_cat::config::Pooler::Transaction;
    let declared = Server::of(&pooled).unwrap();
    for through in [&undeclared, &declared] {
        let checks = checks(through).await;
        assert_eq!(checks.len(), 1, "nothing else can be asked: {checks:?}");
        assert_eq!((checks[0].name, checks[0].state), ("pooler", State::Fail));
        assert_eq!(require(&checks).unwrap_err().kind(), Kind::Refused);
    }
    let past = Server::of(&bouncer.settings(&server)).unwrap();
    require(&checks(&past).await).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_one_line() {
    let scene = Scene::new("gone").await;
    let seen = look(&scene.server, "no such database", &BackupRequest::default(), false).await;
    assert!(seen.source.is_none());
    assert_eq!((seen.checks.len(), seen.checks[0].name, seen.checks[0].state), (1, "connection", State::Fail));
    assert!(seen.checks[0].found.contains("no such database"), "{:?}", seen.checks);
    assert_eq!(require(&seen.checks).unwrap_err().kind(), Kind::Database);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_looked_at_and_a_bad_key_stops_the_backup() {
    let scene = Scene::new("whole").await;
    let folder = temporary_folder();
    let place = |name: &str| folder.path().join(name);
    let environment = Environment::of(&[("HOME", "/home/cat")]);
    let mut yard = Yard {
        settings: Config::load(&Layers { environment, ..Layers::default() }).unwrap().config.backup,
        server: scene.server.clone(),
        bin_folder: PathBuf::new(),
        vault: Vault::open(place("store").to_str().unwrap(), &S3::default()).unwrap(),
        pictures: Pictures::open(&place("pictures")).unwrap(),
        scratch_folder: place("scratch"),
        program: program().to_owned(),
    };
    let look_at = async |yard: &Yard| preflight(yard, scene.database(), &BackupRequest::default()).await.unwrap();
    let checks = look_at(&yard).await;
    let names: Vec<&str> = checks.iter().map(|check| check.name).collect();
    assert_eq!(
        names,
        [
            "store",
            "encryption",
            "connection",
            "pooler",
            "privileges",
            "row-level security",
            "locks",
            "pg_dump",
            "free space",
            "drill",
            "extensions",
            "scratch space",
        ]
    );
    assert!(failed(&checks).is_empty(), "{checks:?}");
    assert!(checks.iter().all(|check| !check.found.contains('\n')), "one line each: {checks:?}");

    let encryption = async |yard: &Yard| look_at(yard).await.swap_remove(1);
    let (ours, theirs) = (age::x25519::Identity::generate(), age::x25519::Identity::generate());
    yard.settings.recipients = vec![ours.to_public().to_string()];
    assert_eq!(encryption(&yard).await.state, State::Warn, "no drill can decrypt it");
    let identity_file = |identity: &age::x25519::Identity| {
        use age::secrecy::ExposeSecret;
        let file = place("identity");
        fs::write(&file, identity.to_string().expose_secret()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        file
    };
    yard.settings.identity_file = identity_file(&theirs);
    assert_eq!(encryption(&yard).await.state, State::Warn);
    yard.settings.identity_file = identity_file(&ours);
    assert_eq!(encryption(&yard).await.state, State::Ok);
    yard.settings.recipients.push("age1nonsense".into());
    let failure = require(&look_at(&yard).await).unwrap_err();
    assert_eq!(failure.kind(), Kind::Refused);
    assert!(failure.what().starts_with("encryption: `age1nonsense` is no age recipient"), "{failure}");

    // Another server, whose database has the same name, has put its backups into this store.
    yard.settings.recipients.clear();
    let name = BackupName::new(scene.database(), "2026-11-22T03:00:00Z".parse().unwrap());
    let mut theirs = super::telling::manifest(scene.database(), "2026-11-22T03:00:00Z", 1);
    theirs.source.system_identifier = Some("4711".into());
    let draft = yard.vault.begin(&name).await.unwrap();
    draft.publish(serde_json::to_vec(&theirs).unwrap()).await.unwrap();
    let failure = require(&look_at(&yard).await).unwrap_err();
    assert_eq!(failure.kind(), Kind::Refused);
    assert!(failure.what().contains("is of another server (system identifier 4711"), "{failure}");
    assert!(failure.hint_text().unwrap().contains("backup.adopt_store = true"), "{failure:?}");
    yard.settings.adopt_store = true;
    require(&look_at(&yard).await).unwrap();
    yard.settings.adopt_store = false;
    let of_a_part = BackupRequest {
        selection: Selection { tables: vec!["cats".into()], ..Selection::default() },
        ..BackupRequest::default()
    };
    require(&preflight(&yard, scene.database(), &of_a_part).await.unwrap()).unwrap_err();
    yard.vault.remove(&name).await.unwrap();

    yard.bin_folder = place("nothing");
    assert_eq!(require(&look_at(&yard).await).unwrap_err().kind(), Kind::Environment);
}
