//! Names, settings, roles and files that somebody chose who means no good, or has a strange taste.

use std::fs;

use chrono::Utc;
use repo_to_cat::backup::restore::place;
use repo_to_cat::backup::restore::plan::{self, What, Wish};
use repo_to_cat::db::server::Server;
use repo_to_cat::model::progress::Silent;

use super::site::Site;
use crate::backups::load::Bed;
use crate::support::postgres::shared;

#[tokio::test]
async fn settings_of_the_replaced_database_are_taken_over_as_values() {
    let site = Site::make().await;
    let name = site.backup(&[]);
    let (ours, role) = (site.database.clone(), site.other("role"));
    let hostile = format!("x;CREATE/**/ROLE/**/{role}_2");
    let script = format!(
        "ALTER DATABASE {ours} SET search_path = ''; CREATE ROLE {role}; SET search_path = 'a b', public; \
         ALTER ROLE {role} IN DATABASE {ours} SET search_path FROM CURRENT; \
         SELECT set_config('temp_tablespaces', '', false); \
         ALTER DATABASE {ours} SET temp_tablespaces FROM CURRENT; \
         SELECT set_config('search_path', '{hostile}', false); \
         ALTER ROLE {role} SET search_path FROM CURRENT; \
         ALTER ROLE CURRENT_USER IN DATABASE {ours} SET search_path FROM CURRENT"
    );
    site.execute(&ours, &script).await;
    let settings = format!(
        "SELECT coalesce(string_agg(coalesce(rolname, '') || ':' || one, ' | ' ORDER BY rolname, one), '')
         FROM pg_db_role_setting LEFT JOIN pg_roles ON pg_roles.oid = setrole, unnest(setconfig) AS one
         WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = '{ours}')
           AND one NOT LIKE 'temp_tablespaces=%' AND one NOT LIKE 'lc_monetary=%'"
    );
    let before = site.text("postgres", &settings).await;
    assert!(before.contains(":search_path=\"\"") && before.contains(&hostile), "{before}");
    site.shell.succeeds(&["backup", "restore", &name, "--into", &ours, "--drop-existing", "--yes"]);
    let after = site.text("postgres", &settings).await;
    // What is no plain name is in quotes now, and means the same.
    assert_eq!(after.replace(&format!("\"{hostile}\""), &hostile), before);
    assert_eq!(site.count("postgres", &format!("pg_roles WHERE rolname = '{role}_2'")).await, 0);
}

#[tokio::test]
async fn roles_are_made_as_they_were_dumped_or_not_at_all() {
    let site = Site::make().await;
    let role = site.other("role");
    let setting = format!("E'\\nALTER ROLE {role} WITH SUPERUSER;\\n'");
    let script =
        format!("CREATE ROLE {role} LOGIN; ALTER ROLE {role} SET my.own = {setting}; ALTER TABLE toys OWNER TO {role}");
    site.execute(&site.database, &script).await;
    let name = site.backup(&["--globals", "--compression", "none"]);
    site.execute(&site.database, &format!("ALTER TABLE toys OWNER TO CURRENT_USER; DROP ROLE {role}")).await;
    let globals = site.files(&name).into_iter().find(|file| file.ends_with(format!("{name}.globals.sql"))).unwrap();
    let whole = fs::read_to_string(&globals).unwrap();
    assert!(whole.contains(&format!("\nALTER ROLE {role} WITH SUPERUSER;\n")), "{whole}");
    let roles = format!("pg_roles WHERE rolname = '{role}'");
    let before = site.names().await;

    // One that was changed is not read.
    fs::write(&globals, whole.replace(" LOGIN ", " SUPERUSER LOGIN ")).unwrap();
    let why = site.shell.fails(3, &["backup", "restore", &name, "--create-roles"]);
    assert!(why.contains("SHA-256 differs"), "{why}");
    assert_eq!(site.count("postgres", &roles).await, 0);

    // Where the server refuses what a role may do, there is none.
    fs::write(&globals, whole.replace(" LOGIN ", " MEOW LOGIN ")).unwrap();
    let ran = site.shell.run(&["backup", "restore", &name, "--create-roles", "--no-verify"]);
    assert!(ran.code != Some(0) && ran.err.contains("meow"), "{}", ran.err);
    assert_eq!(site.count("postgres", &roles).await, 0);
    assert_eq!(site.names().await, before);

    fs::write(&globals, whole).unwrap();
    site.shell.succeeds(&["backup", "restore", &name, "--create-roles"]);
    assert_eq!(site.count("postgres", &format!("{roles} AND rolcanlogin AND NOT rolsuper")).await, 1);
}

#[tokio::test]
async fn a_database_of_somebody_else_is_not_taken_away() {
    let bed = Bed::make();
    let file = bed.folder.path().join("cats.sql");
    fs::write(&file, "CREATE TABLE cats ();").unwrap();
    let plan = plan::draw(&bed.yard, What::File(file), Wish::default(), Utc::now()).await.unwrap();
    shared().create_database(&plan.beside, None).unwrap();
    let reporter: repo_to_cat::backup::Reporter = std::sync::Arc::new(Silent);
    let failure = place::restore(&bed.yard, &plan, &reporter).await.unwrap_err();
    assert!(failure.what().contains("already exists"), "{failure}");
    Server::at(&bed.url).unwrap().connect(&plan.beside, "a test").await.expect("it is still there");
}

#[tokio::test]
async fn a_file_is_no_option_whatever_it_is_called() {
    let site = Site::make().await;
    for (number, (file, form)) in
        [("-f restored; 'x'.dump", "-Fc"), ("--version", "-Fc"), ("-c \"é\".sql", "-Fp")].into_iter().enumerate()
    {
        site.dump(file, &[form]);
        let own = site.other(&format!("own{number}"));
        site.shell.succeeds(&["backup", "restore", "--into", &own, "--", file]);
        assert_eq!(site.content(&own).await, site.content(&site.database).await, "{file}");
    }
}

#[tokio::test]
async fn databases_of_any_name_are_backed_up_tried_and_restored() {
    let site = Site::make().await;
    for (number, name) in
        ["-h evil \"q\" 'é' $x;", "host=nowhere dbname=x", "postgresql://nowhere/x"].iter().enumerate()
    {
        let name = format!("{name}{number}");
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let mut connection = site.connect("postgres").await;
        let copy = format!("CREATE DATABASE {quoted} TEMPLATE {}", site.database);
        sqlx::raw_sql(sqlx::AssertSqlSafe(copy)).execute(&mut connection).await.unwrap();
        let format = ["custom", "directory", "plain"][number];
        let database = format!("--database={name}");
        let arguments = ["--json", "backup", "now", "--standalone", "--globals", "--format", format, &database];
        let made: serde_json::Value = serde_json::from_str(&site.shell.succeeds(&arguments)).unwrap();
        assert_eq!(made[0]["drill"]["verdict"], "verified", "{made}");
        let backup = made[0]["name"].as_str().unwrap();
        let own = format!("{name} (mine)");
        site.shell.succeeds(&["backup", "restore", &format!("--into={own}"), "--jobs=2", "--", backup]);
        assert_eq!(site.content(&own).await, site.content(&site.database).await, "{name}");
    }
}
