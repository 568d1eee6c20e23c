//! A database of one test, whose clock it moves.

use repo_to_cat::db::{Db, migrate};
use repo_to_cat::model::token::hash;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgPool;
use uuid::Uuid;

use crate::support::gate::{database_with_gate, settings};
use crate::support::postgres::fresh_database;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The last migration before users had more than a name.
const BEFORE: i64 = 9;

/// The database of one test.
pub struct Bed {
    pub url: String,
    pub db: Db,
    /// The test's own connections.
    pub pool: PgPool,
}

impl Bed {
    /// A fresh database that is up to date.
    pub async fn make() -> Self {
        Self::at(database_with_gate("people")).await
    }

    /// A fresh database that was migrated up to [`BEFORE`].
    pub async fn before() -> Self {
        let bed = Self::at(fresh_database("before_people")).await;
        let until = MIGRATIONS.iter().filter(|migration| migration.version <= BEFORE).cloned().collect();
        Migrator::with_migrations(until).run(&bed.pool).await.unwrap();
        bed
    }

    async fn at(url: String) -> Self {
        let db = Db::connect(&settings(&url)).await.unwrap();
        let pool = PgPool::connect(&url).await.unwrap();
        Self { url, db, pool }
    }

    /// Brings it up to date.
    pub async fn up(&self) {
        migrate::up(&self.db).await.unwrap();
    }

    /// Takes everything back that came after [`BEFORE`].
    pub async fn down(&self) {
        MIGRATIONS.undo(&self.pool, BEFORE).await.unwrap();
    }

    /// Connections for which it is later by this interval.
    pub async fn later(&self, interval: &str) -> Db {
        let name: String = self.one("SELECT current_database()::text").await;
        self.run(&format!("ALTER DATABASE {name} SET queue.clock_offset = '{interval}'")).await;
        Db::connect(&settings(&self.url)).await.unwrap()
    }

    /// Runs statements.
    pub async fn run(&self, statements: &str) {
        self.tries(statements).await.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// Runs statements that may fail.
    pub async fn tries(&self, statements: &str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())).execute(&self.pool).await.map(drop)
    }

    /// The one value that a query gives.
    pub async fn one<T>(&self, query: &str) -> T
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        let query = sqlx::AssertSqlSafe(query.to_owned());
        sqlx::query_scalar(query).fetch_one(&self.pool).await.unwrap()
    }

    /// The id of a new user, as an application inserts one that knows nothing of us.
    pub async fn insert(&self, name: &str, api_token: Option<&str>) -> Uuid {
        let id = Uuid::new_v4();
        sqlx::query(
            "INSERT INTO users (id, username, api_token, created_at, updated_at)
             VALUES ($1, $2, $3, '2025-10-08 12:00', '2025-10-08 12:00')",
        )
        .bind(id)
        .bind(name)
        .bind(api_token)
        .execute(&self.pool)
        .await
        .unwrap();
        id
    }

    /// Whether a plain token is kept as its hash and in no other way.
    pub async fn is_hashed(&self, plain: &str) -> bool {
        let (hashed, open): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM tokens WHERE hash = $1), (SELECT count(*) FROM users WHERE api_token IS NOT NULL)",
        )
        .bind(hash(plain).as_slice())
        .fetch_one(&self.pool)
        .await
        .unwrap();
        (hashed, open) == (1, 0)
    }
}

/// What `pg_dump` says of a database, without what differs from call to call.
pub fn dump(url: &str, options: &[&str]) -> String {
    let program = crate::support::postgres::shared().programs().unwrap().path("pg_dump");
    let dumped = std::process::Command::new(program).args(options).args(["--dbname", url]).output().unwrap();
    assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
    let text = String::from_utf8(dumped.stdout).unwrap();
    let is_stable = |line: &&str| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict");
    text.lines().filter(is_stable).collect::<Vec<_>>().join("\n")
}
