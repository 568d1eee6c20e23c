//! Layers, places and refusals.

use std::path::{Path, PathBuf};

use std::io::Write as _;

use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::environment::variable_of;
use super::rules::RULES;
use super::schema::Schema;
use super::*;
use crate::model::failure::{Failure, Kind};

fn home() -> Environment {
    Environment::of(&[("HOME", "/home/cat")])
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn of_file(text: &str) -> Result<Loaded, (String, String)> {
    let file = file(text);
    let layers = Layers { file: Some(file.path().to_owned()), environment: home(), ..Layers::default() };
    Config::load(&layers).map_err(|failure| {
        let what = failure.what().replace(&*file.path().to_string_lossy(), "my.toml");
        (what, failure.hint_text().unwrap_or_default().to_owned())
    })
}

fn of_variables(variables: &[(&str, &str)]) -> Result<Loaded, Failure> {
    let with_home: Vec<_> = variables.iter().copied().chain([("HOME", "/home/cat")]).collect();
    Config::load(&Layers { environment: Environment::of(&with_home), ..Layers::default() })
}

fn setting(loaded: &Loaded, key: &str) -> Setting {
    loaded.settings().into_iter().find(|setting| setting.key == key).unwrap()
}

#[test]
fn every_key_has_one_rule_and_every_default_keeps_it() {
    let schema = Schema::built_in();
    // Schedules are no settings: each checks itself.
    let keys = schema.defaults().map(|default| default.key);
    let mut of_schema: Vec<String> = keys.filter(|key| !key.starts_with("schedules.")).collect();
    let mut of_rules: Vec<&str> = RULES.iter().map(|rule| rule.key).collect();
    of_schema.sort();
    of_rules.sort_unstable();
    assert_eq!(of_schema, of_rules);
    for default in schema.defaults() {
        rules::check(&default).unwrap();
    }
}

#[test]
fn an_empty_folder_becomes_one_of_this_user() {
    let loaded = of_variables(&[]).unwrap();
    assert_eq!(loaded.config.data.folder, PathBuf::from("/home/cat/.local/share/repo-to-cat"));
    assert_eq!(loaded.config.images.store, "/home/cat/.local/share/repo-to-cat");
    assert_eq!(loaded.origin("data.folder"), &Origin::Machine);

    let loaded = of_variables(&[("XDG_DATA_HOME", "/data")]).unwrap();
    assert_eq!(loaded.config.data.folder, PathBuf::from("/data/repo-to-cat"));

    let loaded = Config::load(&Layers { environment: home().as_root(), ..Layers::default() }).unwrap();
    assert_eq!(loaded.config.data.folder, PathBuf::from("/var/lib/repo-to-cat"));

    let homeless = Config::load(&Layers::default()).unwrap_err();
    assert_eq!(homeless.kind(), Kind::Environment);

    let loaded = of_variables(&[("REPO_TO_CAT_DATA__FOLDER", "~/cats")]).unwrap();
    assert_eq!(loaded.config.data.folder, PathBuf::from("/home/cat/cats"));
}

#[test]
fn the_example_for_production_is_allowed() {
    let file = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/config/production.toml"));
    let loaded = Config::load(&Layers { file: Some(file), environment: home(), ..Layers::default() }).unwrap();
    assert_eq!(loaded.config.worker.slots, 8);
}

#[test]
fn a_value_in_a_file_knows_its_line() {
    let loaded = of_file("# mine\n[worker]\n\nslots = 7\n").unwrap();
    assert_eq!(loaded.config.worker.slots, 7);
    assert!(matches!(loaded.origin("worker.slots"), Origin::File { line: 4, .. }));
}

#[test]
fn what_a_file_may_not_say() {
    let refusals: Vec<_> = [
        "[worker]\nslotz = 4",
        "[wroker]\nslots = 4",
        "[zzz]\nqqqqqqqqqqqq = 4",
        "slots = 4",
        "[worker]\nslots = \"four\"",
        "[worker]\nslots = -1",
        "[worker]\nslots = 0",
        "[worker]\nslots = 2.5",
        "[worker]\nslots = {}",
        "[worker\nslots = 4",
        "[worker]\nslots = 4\nslots = 5",
        "[worker]\nheartbeat_seconds = 5",
        "[worker]\nbackoff_seconds = 7200",
        "[images]\nwidth = 1024",
        "[images]\nstore = \"s3://bucket\"",
        "[database]\nurl = \"mysql://cat:s3cret@db/cats\"",
        "[database]\nurl = \"postgres:///cats\"",
        "[database]\nurl = \"cats\"",
        "[database]\nurl = \"postgres://db1,/cats\"",
        "[database]\nurl = \"postgres://db1,db2/cats?target_session_attrs=standby\"",
        "[database]\npooler = \"session\"",
        "[database]\npooler = \"transaction\"",
        "[fetch]\nallowed_hosts = [\"github.com\", \"\"]",
        "[fetch]\nallowed_hosts = \"github.com\"",
        "[fetch]\nallowed_hosts = [\"https://github.com\"]",
        "[fetch]\nallowed_hosts = [1]",
        "[fetch]\nprivate_hosts = [\"git.intranet\"]",
        "[backup]\nstore = \"gs://bucket\"",
        "[backup]\nstore = \"s3://\"",
        "[backup]\nformat = \"tar\"",
        "[backup]\ncompression = \"xz\"",
        "[backup]\nlevel = 22",
        "[backup]\nlevel = 12\ncompression = \"gzip\"",
        "[backup]\nlevel = 1\ncompression = \"lz4\"",
        "[backup]\njobs = 0",
        "[backup]\nrecipients = [\"AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQ\"]",
        "[backup]\nmax_seconds = 604800",
        "[backup]\nping_url = \"hc-ping.com/s3cret\"",
        "[backup]\nwebhook_url = \"ftp://hooks.example/s3cret\"",
        "[backup]\ns3_endpoint = \"minio:9000\"",
        "[backup]\ns3_secret_access_key = \"s3 cret\"",
        "[http]\nlisten = \":8000\"",
        "[http]\nlisten = \"127.0.0.1:80000\"",
        "[log]\nformat = \"xml\"",
        "[log]\nfilter = \"inof\"",
        "[log]\nfilter = \"sqlx=loud\"",
    ]
    .iter()
    .map(|text| {
        let (what, hint) = of_file(text).expect_err(text);
        format!("{text}\n-> {what}\n   {hint}\n")
    })
    .collect();
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn what_variables_and_flags_may_not_say() {
    let refusals: Vec<_> = [
        ("REPO_TO_CAT_WORKER__SLOTZ", "4"),
        ("REPO_TO_CAT_WORKER_SLOTS", "4"),
        ("REPO_TO_CAT_TYPO", "4"),
        ("REPO_TO_CAT_WORKER__SLOTS", "four"),
        ("REPO_TO_CAT_WORKER__SLOTS", ""),
        ("REPO_TO_CAT_WORKER__LEASE_SECONDS", "5"),
        ("DATABASE_URL", "postgresql+psycopg2://cat:s3cret@db/cats"),
        ("API_PORT", "http"),
        ("IMAGE_STORAGE_PATH", "gs://bucket"),
    ]
    .iter()
    .map(|(name, value)| {
        let failure = of_variables(&[(name, value)]).expect_err(name);
        format!("{name}={value}\n-> {failure}\n   {}\n", failure.hint_text().unwrap_or_default())
    })
    .collect();
    let flag = Flag { name: "--log", key: "log.filter", value: "loud".to_owned() };
    let failure = Config::load(&Layers { environment: home(), flags: vec![flag], ..Layers::default() }).unwrap_err();
    insta::assert_snapshot!(format!("{}\n--log loud\n-> {failure}", refusals.join("\n")));
}

#[test]
fn the_original_s_variables_work() {
    let loaded = of_variables(&[
        ("DATABASE_URL", "postgresql://repo_user:repo_password@localhost:5434/repo_to_cat"),
        ("IMAGE_STORAGE_PATH", "/pictures"),
        ("API_PORT", "9000"),
        ("GITHUB_TOKEN", "ignored"),
    ])
    .unwrap();
    assert_eq!(loaded.config.http.listen, "127.0.0.1:9000");
    assert_eq!(loaded.config.images.store, "/pictures");
    assert_eq!(loaded.config.database.url, "postgresql://repo_user:repo_password@localhost:5434/repo_to_cat");
    let shown = setting(&loaded, "database.url");
    assert_eq!(shown.value, "postgresql://repo_user:***@localhost:5434/repo_to_cat");
    assert_eq!(shown.origin, Origin::Variable("DATABASE_URL".to_owned()));
}

#[test]
fn the_variables_of_amazon_s_tools_work() {
    let aws = [
        ("AWS_ENDPOINT_URL", "https://minio.example:9000"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_DEFAULT_REGION", "us-west-2"),
        ("AWS_ACCESS_KEY_ID", "AKIA"),
        ("AWS_SECRET_ACCESS_KEY", "s3cret"),
    ];
    let loaded = of_variables(&aws).unwrap();
    let backup = &loaded.config.backup;
    assert_eq!(
        (backup.s3_endpoint.as_str(), backup.s3_region.as_str()),
        ("https://minio.example:9000", "eu-central-1")
    );
    assert_eq!((backup.s3_access_key_id.as_str(), backup.s3_secret_access_key.as_str()), ("AKIA", "s3cret"));
    assert_eq!(setting(&loaded, "backup.s3_secret_access_key").value, "***");
    let ours = [aws[1], ("REPO_TO_CAT_BACKUP__S3_REGION", "mars-1")];
    assert_eq!(of_variables(&ours).unwrap().config.backup.s3_region, "mars-1");
}

#[test]
fn backups_and_scratch_clusters_are_in_the_data_folder_unless_told_otherwise() {
    let loaded = of_variables(&[("REPO_TO_CAT_DATA__FOLDER", "/cats")]).unwrap();
    let backup = &loaded.config.backup;
    assert_eq!((backup.store.as_str(), backup.scratch_folder.as_path()), ("/cats/backups", Path::new("/cats/scratch")));
    assert_eq!(loaded.origin("backup.store"), &Origin::Machine);
    for (given, store) in
        [("~/vault", "/home/cat/vault"), ("file:///big%20vault", "/big vault"), ("s3://cats/prod", "s3://cats/prod")]
    {
        assert_eq!(of_variables(&[("REPO_TO_CAT_BACKUP__STORE", given)]).unwrap().config.backup.store, store);
    }
}

#[test]
fn a_store_is_a_folder_however_it_is_given() {
    for (given, folder) in [("/cats", "/cats"), ("file:///big%20cats", "/big cats"), ("~/cats", "/home/cat/cats")] {
        assert_eq!(of_variables(&[("IMAGE_STORAGE_PATH", given)]).unwrap().config.images.store, folder);
    }
}

#[test]
fn a_trace_is_taken_from_the_environment_and_nonsense_is_none() {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let of = |value| Environment::of(&[("TRACEPARENT", value)]).traceparent().map(|trace| trace.to_string());
    assert_eq!(of(trace).as_deref(), Some(trace));
    assert_eq!(of("somewhere"), None);
    // What a folder's file says is said of no process.
    assert_eq!(Environment::default().with_dot_env(&[("TRACEPARENT", trace)]).traceparent(), None);
}

#[test]
fn empty_aliases_count_as_missing() {
    let loaded = of_variables(&[("DATABASE_URL", ""), ("API_PORT", "")]).unwrap();
    assert_eq!(loaded.origin("database.url"), &Origin::Default);
    assert_eq!(loaded.config.http.listen, "127.0.0.1:8000");
}

#[test]
fn our_own_variable_is_stronger_than_an_alias() {
    let url = "postgres://one/cats";
    let loaded = of_variables(&[("DATABASE_URL", "postgres://two/cats"), ("REPO_TO_CAT_DATABASE__URL", url)]).unwrap();
    assert_eq!(loaded.config.database.url, url);
}

#[test]
fn lists_in_variables_are_separated_by_commas() {
    let loaded = of_variables(&[("REPO_TO_CAT_FETCH__ALLOWED_HOSTS", "github.com, git.example.org")]).unwrap();
    assert_eq!(loaded.config.fetch.allowed_hosts, ["github.com", "git.example.org"]);
    let loaded = of_variables(&[("REPO_TO_CAT_FETCH__ALLOWED_HOSTS", "")]).unwrap();
    assert!(loaded.config.fetch.allowed_hosts.is_empty());
}

/// A key with four different allowed values, one for each layer above the defaults.
fn some_key() -> impl Strategy<Value = (&'static str, [Value; 4])> {
    prop::sample::select(vec![
        ("worker.slots", [json!(11), json!(12), json!(13), json!(14)]),
        ("worker.max_attempts", [json!(11), json!(12), json!(13), json!(14)]),
        ("scheduler.sweep_seconds", [json!(61), json!(62), json!(63), json!(64)]),
        ("fetch.max_depth", [json!(1), json!(2), json!(3), json!(4)]),
        ("analysis.processes", [json!(0), json!(1), json!(2), json!(3)]),
        ("http.listen", [json!("a:1"), json!("b:2"), json!("c:3"), json!("[::1]:4")]),
        ("log.filter", [json!("off"), json!("warn"), json!("info"), json!("debug")]),
        ("fetch.allowed_hosts", [json!([]), json!(["b"]), json!(["c", "d"]), json!(["e"])]),
    ])
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_later_layer_wins((key, values) in some_key(), present in prop::array::uniform4(any::<bool>())) {
        let [of_file, of_dot_env, of_variable, of_flag] = present;
        let (section, name) = key.split_once('.').unwrap();
        let variable = variable_of(key);
        let texts = values.each_ref().map(as_text);
        let file = file(&if of_file { format!("[{section}]\n{name} = {}\n", values[0]) } else { String::new() });
        let mut environment = home();
        if of_variable {
            environment = Environment::of(&[("HOME", "/home/cat"), (&variable, &texts[2])]);
        }
        if of_dot_env {
            environment = environment.with_dot_env(&[(&variable, &texts[1])]);
        }
        let flags = if of_flag { vec![Flag { name: "--flag", key, value: texts[3].clone() }] } else { vec![] };
        let loaded = Config::load(&Layers { file: Some(file.path().to_owned()), environment, flags }).unwrap();

        let path = file.path().to_owned();
        let origins = [Origin::File { path, line: 2 }, Origin::DotEnv(variable.clone()), Origin::Variable(variable), Origin::Flag("--flag")];
        let strongest = (0..4).rev().find(|&layer| present[layer]);
        let shown = setting(&loaded, key);
        prop_assert_eq!(&shown.origin, strongest.map_or(&Origin::Default, |layer| &origins[layer]));
        let default = Schema::built_in().default_of(key).unwrap().clone();
        prop_assert_eq!(shown.value, strongest.map_or(default, |layer| values[layer].clone()));
        // No other key is touched, but for those that this machine fills in.
        for other in loaded.settings().into_iter().filter(|other| other.key != key) {
            prop_assert!(matches!(other.origin, Origin::Default | Origin::Machine), "{}", other.key);
        }
    }

    #[test]
    fn no_file_makes_it_panic(text in "(\\[[a-z.]{0,8}\\]\n|[a-z_]{1,8} = [0-9a-z\"\\[\\]{}.,-]{0,8}\n|.{0,12}\n){0,6}") {
        _ = of_file(&text);
    }
}

#[test]
fn a_dot_env_that_came_with_a_repository_names_no_programs() {
    for name in ["REPO_TO_CAT_DATABASE__BIN_FOLDER", "REPO_TO_CAT_DATA__FOLDER"] {
        let environment = home().with_dot_env(&[(name, "./evil")]);
        let failure = Config::load(&Layers { environment, ..Layers::default() }).unwrap_err();
        assert_eq!(failure.kind(), Kind::Refused, "{name}");
        assert!(failure.what().contains(name), "{failure}");
        // Empty is what .env.example shows, and the default.
        let environment = home().with_dot_env(&[(name, "")]);
        Config::load(&Layers { environment, ..Layers::default() }).unwrap();
        of_variables(&[(name, "/opt/it")]).unwrap();
    }
}
