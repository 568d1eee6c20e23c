//! A database with generations of every odd sort.

use serde_json::Value;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Connection};

use crate::support::cli::Shell;
use crate::support::postgres::fresh_database;

/// Rows that a careless export would change: no value against an empty one, JSON's null against none, numbers beyond
/// what programs count with, NaN, control characters, ends of lines, quotes, times far away, what was added later.
pub const ODD: &str = r#"
INSERT INTO users (id, username) VALUES ('00000000-0000-0000-0000-00000000000a', 'cat');
INSERT INTO generations (id, created_at, github_url) VALUES
  ('00000000-0000-0000-0000-000000000001', '2026-01-01 00:00:00', 'https://github.com/bare/bare'),
  ('00000000-0000-0000-0000-000000000002', '2026-01-01 00:00:00.000001', '');
INSERT INTO generations (id, created_at, github_url, repo_owner, repo_name, primary_language, repo_size_kb,
                         code_quality_score, cat_attributes, analysis_data, user_id, story, meme_text_top, degraded,
                         former_image_path, image_path, original_image_path, image_bytes, step_seconds) VALUES
  ('00000000-0000-0000-0000-000000000003', '9999-12-31 23:59:59.999999', 'https://github.com/o/n', '', 'n', '', -1, 'NaN',
   'null', '{}', NULL, '', E'\\N', true, '/generated_images/x.png', '../x.png', '', 9223372036854775807, '[]'),
  ('00000000-0000-0000-0000-000000000004', '2026-03-01 12:00:00', 'https://github.com/owner/name', 'owner', 'name', 'Rust',
   2147483647, 99.9, '{"size": "chonky", "color": "orange", "deep": {"er": [1, 2, {"est": true}]}}',
   '{"code_quality_score": 7.40, "big": 123456789012345678901234567890.1234567890, "tiny": 1e-300, "huge": 1e300,
     "metrics": {"has_tests": true}, "files": ["a\u0001", "b\n\"c\\"], "zero": -0.0}',
   '00000000-0000-0000-0000-00000000000a', E'a\u0001b\tc\r\nd\n"e",\\.\\n\u007f\u2028 🐈', E'"', false, NULL,
   'images/v1/00/00/none.png', 'images/v1/00/00/none.png', 0, '{"fetch": 1.24, "paint": 0.140}'),
  ('00000000-0000-0000-0000-000000000005', '0001-01-01 00:00:00', 'https://github.com/owner/other', 'owner', 'other', 'Go',
   0, -0.1, '"a word"', '[1, null]', NULL, E'\\.', E'\n', false, '', NULL, NULL, -1, 'null');
"#;

/// The database of a test.
pub struct Bed {
    pub shell: Shell,
    pub pool: PgPool,
    url: String,
}

impl Bed {
    /// An empty one.
    pub async fn empty(name: &str) -> Self {
        let url = fresh_database(name);
        let shell = Shell::migrated(&url);
        Self { shell, pool: PgPool::connect(&url).await.unwrap(), url }
    }

    /// With the odd rows.
    pub async fn odd(name: &str) -> Self {
        let bed = Self::empty(name).await;
        bed.run(ODD).await;
        bed
    }

    /// A connection of its own.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    /// Runs SQL.
    pub async fn run(&self, sql: impl Into<String>) {
        sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(&self.pool).await.unwrap();
    }

    /// One number.
    pub async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.pool).await.unwrap()
    }

    /// The ends of the ids that a list has, in its order.
    pub fn listed(&self, arguments: &[&str]) -> Vec<String> {
        let list = self.shell.json(&[&["generations", "list"], arguments].concat());
        let end = |cat: &Value| cat["id"].as_str().unwrap().trim_start_matches(['0', '-']).to_owned();
        list.as_array().unwrap().iter().map(end).collect()
    }
}
