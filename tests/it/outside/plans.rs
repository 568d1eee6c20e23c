//! How PostgreSQL runs the statements of lists and exports over many generations: by indexes, within a bound.
//!
//! The statements are read from `.sqlx`, as the program sends them, and run with its settings. `TEST_LARGE=1` does it with
//! a million.

use std::fs;
use std::path::Path;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use crate::support::cli::Shell;
use crate::support::postgres::PrivateCluster;

/// How a statement was run.
pub struct Explained {
    root: Value,
    pub text: String,
}

impl Explained {
    fn nodes(&self) -> Vec<&Value> {
        let mut nodes = vec![&self.root];
        let mut next = 0;
        while let Some(node) = nodes.get(next) {
            nodes.extend(node["Plans"].as_array().into_iter().flatten());
            next += 1;
        }
        nodes
    }

    /// Pages that it looked at.
    pub fn buffers(&self) -> u64 {
        ["Shared Hit Blocks", "Shared Read Blocks"].iter().filter_map(|key| self.root[*key].as_u64()).sum()
    }

    /// Of the tables whose names begin like one of these, those that it read from one end to the other.
    pub fn faults(&self, tables: &[&str]) -> Vec<&str> {
        let is_read =
            |node: &Value| ["Actual Rows", "Rows Removed by Filter"].iter().any(|key| node[*key].as_f64() > Some(0.0));
        let scans = self.nodes().into_iter().filter(|node| node["Node Type"] == "Seq Scan" && is_read(node));
        let names = scans.filter_map(|node| node["Relation Name"].as_str());
        names.filter(|name| tables.iter().any(|table| name.starts_with(table))).collect()
    }

    fn indexes(&self) -> Vec<&str> {
        self.nodes().into_iter().filter_map(|node| node["Index Name"].as_str()).collect()
    }
}

/// Runs a statement and tells how; the last of a script.
pub async fn explained(connection: &mut PgConnection, query: &str) -> Explained {
    script(connection, &format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}")).await
}

async fn script(connection: &mut PgConnection, script: &str) -> Explained {
    let rows = sqlx::raw_sql(AssertSqlSafe(script.to_owned())).fetch_all(connection).await;
    let rows = rows.unwrap_or_else(|error| panic!("{script}: {error}"));
    // In the text protocol JSON comes as text.
    let text: String = rows[0].try_get_unchecked(0).unwrap();
    let plan: Value = serde_json::from_str(&text).unwrap();
    Explained { root: plan[0]["Plan"].clone(), text }
}

/// The one statement of the program that has these words.
fn statement(words: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let files = fs::read_dir(folder).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
    let texts = files.map(|file| serde_json::from_slice::<Value>(&file).unwrap()["query"].as_str().unwrap().to_owned());
    let found: Vec<String> = texts.filter(|text| words.iter().all(|word| text.contains(word))).collect();
    assert_eq!(found.len(), 1, "{words:?}");
    found.into_iter().next().unwrap()
}

/// What a statement is asked for, as SQL literals in the order of its parameters.
#[derive(Clone, Copy)]
struct Asked {
    attributes: &'static str,
    analysis: &'static str,
    owner: &'static str,
    name: &'static str,
    url: &'static str,
    language: &'static str,
    scores: &'static str,
    since: &'static str,
    /// As the program has it: the place that it begins behind.
    until: Option<&'static str>,
    user: &'static str,
}

const ALL: Asked = Asked {
    attributes: "NULL",
    analysis: "NULL",
    owner: "NULL",
    name: "NULL",
    url: "NULL",
    language: "NULL",
    scores: "NULL, NULL",
    since: "NULL",
    until: None,
    user: "NULL",
};

impl Asked {
    fn arguments(self) -> String {
        let Self { attributes, analysis, owner, name, url, language, scores, since, user, .. } = self;
        format!("{attributes}, {analysis}, {owner}, {name}, {url}, {language}, {scores}, {since}, NULL, {user}")
    }
}

const FILL: &str = r#"
CREATE TEMPORARY TABLE made AS SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
  FROM pg_index WHERE indrelid = 'public.generations'::regclass AND NOT indisprimary;
DO $$ DECLARE name text; BEGIN FOR name IN SELECT made.name FROM made LOOP EXECUTE 'DROP INDEX ' || name; END LOOP; END $$;
INSERT INTO users (id, username) SELECT md5('u' || n)::uuid, 'u' || n FROM generate_series(0, 999) AS n;
INSERT INTO generations (id, user_id, created_at, github_url, repo_owner, repo_name, primary_language, code_quality_score,
                         cat_attributes, analysis_data)
SELECT md5(n::text)::uuid, CASE WHEN n % 3 = 0 THEN md5('u' || n % 1000)::uuid END, '2026-01-01'::timestamp + n * interval '10 s', 'https://github.com/o' || n % 1000 || '/n' || n % 7000,
       'o' || n % 1000, 'n' || n % 7000, (ARRAY['Rust', 'Go', 'Python', NULL])[n % 4 + 1], n % 101 / 10.0,
       jsonb_build_object('size', (ARRAY['tiny', 'small', 'medium', 'large', 'chonky'])[n % 5 + 1], 'color', 'c' || n % 20)
       || CASE WHEN n % ($COUNT / 5) = 7 THEN '{"crown": {"gold": true}}' ELSE '{}' END::jsonb,
       jsonb_build_object('sloc', n, 'metrics', jsonb_build_object('has_tests', n % 2 = 0, 'function_count', n % 5000))
FROM generate_series(1, $COUNT) AS n;
DO $$ DECLARE definition text; BEGIN FOR definition IN SELECT made.definition FROM made LOOP EXECUTE definition; END LOOP; END $$;
"#;

/// As `begin_reading` of `db::generations` has it.
const SETTINGS: &str =
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan;
                        SET LOCAL enable_seqscan = off; SET LOCAL jit = off";

struct Case {
    name: &'static str,
    asked: Asked,
    /// The index that leads there.
    index: &'static str,
    /// Pages at most.
    bound: u64,
}

const fn case(name: &'static str, asked: Asked, index: &'static str, bound: u64) -> Case {
    Case { name, asked, index, bound }
}

/// On the way along the newest, or by a column.
const WALKS: &[Case] = &[
    case("newest", ALL, "generations_newest", 100),
    case("owner", Asked { owner: "'o7'", ..ALL }, "generations_by_repository", 1500),
    case("owner and name", Asked { owner: "'o7'", name: "'n1007'", ..ALL }, "generations_by_repository", 400),
    case("url", Asked { url: "'https://github.com/o7/n1007'", ..ALL }, "generations_by_url", 400),
    case("user", Asked { user: "md5('u7')::uuid", ..ALL }, "generations_by_user", 1500),
    case("nobody", Asked { owner: "'nobody'", ..ALL }, "generations_by_repository", 20),
    case("time", Asked { since: "'2026-01-02'", until: Some("'2026-01-03'"), ..ALL }, "generations_newest", 200),
    case("language", Asked { language: "'Rust'", ..ALL }, "generations_newest", 400),
    case("score", Asked { scores: "9.5, 'infinity'", ..ALL }, "generations_newest", 1500),
    case("common attribute", Asked { attributes: r#"'{"size": "large"}'"#, ..ALL }, "generations_newest", 500),
    case("rare attribute", Asked { attributes: r#"'{"crown": {}}'"#, ..ALL }, "generations_newest", 6500),
    case(
        "common analysis",
        Asked { analysis: r#"'{"metrics": {"has_tests": true}}'"#, ..ALL },
        "generations_newest",
        500,
    ),
    case(
        "all at once",
        Asked {
            attributes: r#"'{"size": "medium"}'"#,
            analysis: r#"'{"metrics": {"has_tests": false}}'"#,
            owner: "'o7'",
            language: "'Rust'",
            scores: "1, 9",
            since: "'2026-01-02'",
            ..ALL
        },
        "generations_by_repository",
        1500,
    ),
];

/// Behind those, by the documents.
const SEARCHES: &[Case] = &[
    case(
        "rare attribute",
        Asked { attributes: r#"'{"crown": {"gold": true}}'"#, ..ALL },
        "generations_by_attribute",
        100,
    ),
    case("no such attribute", Asked { attributes: r#"'{"size": "none"}'"#, ..ALL }, "generations_by_attribute", 30),
    case("rare analysis", Asked { analysis: r#"'{"sloc": 4711}'"#, ..ALL }, "generations_by_analysis", 100),
    case(
        "both",
        Asked { attributes: r#"'{"size": "tiny"}'"#, analysis: r#"'{"sloc": 4715}'"#, ..ALL },
        "generations_by_analysis",
        1000,
    ),
    case(
        "and more",
        Asked {
            attributes: r#"'{"crown": {"gold": true}}'"#,
            language: "'Rust'",
            name: "'n7'",
            scores: "0, 10",
            since: "'2026-01-01'",
            ..ALL
        },
        "generations_by_attribute",
        2000,
    ),
];

#[tokio::test]
async fn lists_and_exports_are_found_by_indexes_among_many() {
    let count = if std::env::var_os("TEST_LARGE").is_some() { 1_000_000 } else { 100_000 };
    let private = PrivateCluster::start();
    let url = private.cluster.url();
    Shell::migrated(&url);
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let fill = FILL.replace("$COUNT", &count.to_string());
    sqlx::raw_sql(AssertSqlSafe(format!("BEGIN; {fill} COMMIT"))).execute(&mut connection).await.unwrap();
    sqlx::raw_sql("VACUUM ANALYZE").execute(&mut connection).await.unwrap();

    let walk = statement(&["looked", "row_number() OVER (ORDER BY created_at DESC, id DESC)"]);
    let search = statement(&["SELECT id FROM public.generations", "cat_attributes @> $1", "LIMIT $14"]);
    let json = statement(&["SELECT '{' || concat_ws", "FROM public.generations"]);
    let fields = statement(&["SELECT ARRAY[id::text", "FROM public.generations"]);
    let mut wrong = Vec::new();
    let mut look = |kind: &str, case: &Case, plan: &Explained| {
        let (buffers, indexes) = (plan.buffers(), plan.indexes());
        println!("{kind:<8} {:<20} {buffers:>6} of {} buffers, {indexes:?}", case.name, case.bound);
        if buffers > case.bound || !indexes.contains(&case.index) || !plan.faults(&["generations"]).is_empty() {
            wrong.push(format!("{kind}, {}: {buffers} buffers, {indexes:?}: {}", case.name, plan.text));
        }
    };
    let middle = format!("'2026-01-01'::timestamp + {} * interval '10 s', '{}'", count / 2, uuid::Uuid::nil());
    for case in WALKS {
        let reach = if case.asked.attributes == "NULL" && case.asked.analysis == "NULL" { 50 } else { 5000 };
        let asked = case.asked.arguments();
        let begin =
            case.asked.until.map_or("NULL, NULL".to_owned(), |until| format!("{until}, '{}'", uuid::Uuid::nil()));
        let plan = run(&mut connection, "", &walk, &format!("{asked}, {begin}, {reach}, 50")).await;
        look("walk", case, &plan);
        if case.asked.until.is_some() {
            continue;
        }
        // The page after one in the middle.
        let plan = run(&mut connection, "", &walk, &format!("{asked}, {middle}, {reach}, 50")).await;
        look("page", case, &plan);
    }
    for case in SEARCHES {
        let asked = case.asked.arguments();
        let settings = "; SET LOCAL enable_indexscan = off";
        let plan = run(&mut connection, settings, &search, &format!("{asked}, {middle}, 50")).await;
        look("search", case, &plan);
        for statement in [&json, &fields] {
            let plan = run(&mut connection, "", statement, &asked).await;
            look("export", case, &plan);
        }
    }
    let view = "SELECT * FROM generations_overview ORDER BY created_at DESC LIMIT 10";
    look("view", &case("newest", ALL, "generations_newest", 30), &explained(&mut connection, view).await);
    let view = "SELECT * FROM generations_overview WHERE repo_owner = 'o7' AND repo_name = 'n1007' ORDER BY created_at DESC LIMIT 10";
    look("view", &case("name", ALL, "generations_by_repository", 300), &explained(&mut connection, view).await);
    // As people type it, without our settings.
    for (index, guide) in [
        (
            "generations_by_attribute",
            r#"SELECT id FROM generations WHERE cat_attributes @> '{"crown": {"gold": true}}'"#,
        ),
        ("generations_by_analysis", r#"SELECT id FROM generations WHERE analysis_data @> '{"sloc": 4711}'"#),
        ("generations_by_repository", "SELECT id FROM generations WHERE repo_owner = 'o7'"),
        ("generations_by_url", "SELECT id FROM generations WHERE github_url = 'https://github.com/o7/n1007'"),
    ] {
        look("guide", &case(index, ALL, index, 1500), &explained(&mut connection, guide).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    connection.close().await.unwrap();
    drop(private);
}

async fn run(connection: &mut PgConnection, settings: &str, statement: &str, arguments: &str) -> Explained {
    let text = format!(
        "BEGIN; {SETTINGS}{settings}; PREPARE one AS {statement};
         EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE one ({arguments}); ROLLBACK; DEALLOCATE one"
    );
    script(connection, &text).await
}
