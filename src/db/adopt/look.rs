//! Recognising a database that the founding application's Alembic made. Catalogs only, hence unchecked SQL.

use std::collections::BTreeMap;

use sqlx::Row;

use super::shape::{self, Shape, Table};
use crate::db::Session;
use crate::model::failure::{Failure, Kind, Result};

/// Its revisions, oldest first, and what each brought.
pub const REVISIONS: [(&str, &str); 4] = [
    ("c31bba7cdef1", "users and generations"),
    ("a8d0d774b4fe", "indexes"),
    ("b8ab312fc9b8", "story and meme texts"),
    ("1052d2e36053", "authentication"),
];

/// Columns of `users` that its later revisions and our later migrations have both.
const LATER: [(&str, &str); 2] = [("email", "character varying(255)"), ("password_hash", "character varying(255)")];

/// What is in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The founding application's tables, not adopted yet, or not to the end.
    Original {
        /// The revision that Alembic noted.
        revision: String,
    },
    /// Our tables, whoever made them.
    Ours {
        /// The revision that Alembic noted, where it was here first.
        revision: Option<String>,
    },
}

/// A column as it is.
#[derive(Debug, Clone)]
pub(super) struct Present {
    pub kind: String,
    pub is_nullable: bool,
    /// As the server writes it.
    pub default: Option<String>,
    /// Whether a row may leave it out.
    pub may_be_left_out: bool,
}

/// Columns by table and name.
pub(super) type Columns = BTreeMap<(String, String), Present>;

/// Finds out what is in the database; fails, and says what differs, where it is neither ours nor the application's.
pub(super) async fn look(session: &mut Session<'_>) -> Result<Found> {
    let revision = revision(session).await?;
    if is_stamped(session).await? {
        return Ok(Found::Ours { revision });
    }
    let known = REVISIONS.map(|(revision, _)| revision);
    let revision = match revision {
        Some(revision) if known.contains(&revision.as_str()) => revision,
        Some(revision) => {
            return Err(Failure::new(Kind::Schema, format!("Alembic's revision {revision} is not known here"))
                .hint(format!("revisions that can be adopted: {}", known.join(", "))));
        }
        None => return Err(foreign("there is no revision of Alembic's in public.alembic_version", session).await?),
    };
    let shape = shape::shape();
    let columns = columns(session).await?;
    let mut differences = differences_of_columns(&shape, &columns);
    differences.extend(differences_of_keys(&shape, session).await?);
    if differences.is_empty() {
        return Ok(Found::Original { revision });
    }
    Err(Failure::new(
        Kind::Schema,
        format!("the tables are not those of the Python application: {}", differences.join("; ")),
    )
    .hint("nothing was touched; change what differs, or start in an empty database: repo-to-cat migrate up"))
}

/// What Alembic noted last, if anything.
async fn revision(session: &mut Session<'_>) -> Result<Option<String>> {
    let there: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('public.alembic_version')
                        AND attname = 'version_num')",
    )
    .fetch_one(&mut *session)
    .await?;
    if !there {
        return Ok(None);
    }
    // Branches are noted one a row: of those none is known.
    Ok(sqlx::query_scalar("SELECT string_agg(version_num, ', ' ORDER BY version_num) FROM public.alembic_version")
        .fetch_one(session)
        .await?)
}

async fn is_stamped(session: &mut Session<'_>) -> Result<bool> {
    let there: bool =
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(&mut *session).await?;
    if !there {
        return Ok(false);
    }
    Ok(sqlx::query_scalar("SELECT EXISTS (SELECT FROM _sqlx_migrations WHERE version = $1 AND success)")
        .bind(shape::VERSION)
        .fetch_one(session)
        .await?)
}

/// A failure that says what is there instead.
async fn foreign(what: &str, session: &mut Session<'_>) -> Result<Failure> {
    let tables = super::rows::other_tables(session).await?;
    let there = match tables.len() {
        0 => "the database is empty".to_owned(),
        many => {
            let more = if many > 10 { format!(" and {} more", many - 10) } else { String::new() };
            format!("its tables: {}{more}", tables.iter().take(10).cloned().collect::<Vec<_>>().join(", "))
        }
    };
    let what = format!("this is no database of the Python application: {what}; {there}");
    Ok(Failure::new(Kind::Schema, what).hint("for a database of our own: repo-to-cat migrate up"))
}

/// The columns of the two tables, as they are.
pub(super) async fn columns(session: &mut Session<'_>) -> Result<Columns> {
    let rows = sqlx::query(
        "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
                pg_get_expr(d.adbin, d.adrelid),
                NOT a.attnotnull OR a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> ''
         FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname IN ('users', 'generations')",
    )
    .fetch_all(session)
    .await?;
    rows.iter()
        .map(|row| {
            let present = Present {
                kind: row.try_get(2)?,
                is_nullable: row.try_get(3)?,
                default: row.try_get(4)?,
                may_be_left_out: row.try_get(5)?,
            };
            Ok(((row.try_get(0)?, row.try_get(1)?), present))
        })
        .collect::<Result<_, sqlx::Error>>()
        .map_err(Failure::from)
}

fn differences_of_columns(shape: &Shape, columns: &Columns) -> Vec<String> {
    let mut differences = Vec::new();
    for table in &shape.tables {
        if !columns.keys().any(|(name, _)| *name == table.name) {
            differences.push(format!("there is no table public.{}", table.name));
            continue;
        }
        let of_guide = guides(table);
        for (at, wanted) in table.columns.iter().enumerate() {
            let name = format!("{}.{}", table.name, wanted.name);
            match columns.get(&(table.name.clone(), wanted.name.clone())) {
                None if at < of_guide => differences.push(format!("{name} is missing")),
                Some(present) if present.kind != wanted.kind => {
                    differences.push(format!("{name} is {}, not {}", present.kind, wanted.kind));
                }
                Some(present) if present.is_nullable && !wanted.is_nullable => {
                    differences.push(format!("{name} may be null"));
                }
                None | Some(_) => {}
            }
        }
    }
    for ((table, column), present) in columns {
        let later = LATER.iter().find(|(name, _)| table == "users" && column == name);
        let is_shapes =
            shape.tables.iter().any(|one| one.name == *table && one.columns.iter().any(|c| c.name == *column));
        match later {
            Some((_, kind)) if *kind != present.kind => {
                differences.push(format!("{table}.{column} is {}, not {kind}", present.kind));
            }
            None if !is_shapes && !present.may_be_left_out => {
                differences.push(format!("{table}.{column} is none of the application's, and no row may leave it out"));
            }
            _ => {}
        }
    }
    differences
}

/// How many columns of a table are the founding guide's.
fn guides(table: &Table) -> usize {
    let last = |name: &str| table.columns.iter().position(|column| column.name == name);
    last("updated_at").or_else(|| last("created_at")).map_or(0, |at| at + 1)
}

/// Keys that must be there: without them rows could not be told apart.
async fn differences_of_keys(shape: &Shape, session: &mut Session<'_>) -> Result<Vec<String>> {
    let keys: Vec<(String, String)> = sqlx::query_as(
        "SELECT c.relname::text, a.attname::text
         FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
         JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
         WHERE c.relnamespace = 'public'::regnamespace AND c.relname IN ('users', 'generations')
           AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1 AND i.indpred IS NULL AND i.indkey[0] <> 0",
    )
    .fetch_all(&mut *session)
    .await?;
    let mut differences: Vec<String> =
        [("users", "id"), ("users", "username"), ("users", "api_token"), ("generations", "id")]
            .into_iter()
            .filter(|(table, _)| shape.tables.iter().any(|one| one.name == *table))
            .filter(|(table, column)| !keys.iter().any(|(one, other)| one == table && other == column))
            .map(|(table, column)| format!("{table}.{column} is not unique"))
            .collect();
    let elsewhere: Vec<String> = sqlx::query_scalar(
        "SELECT k.confrelid::regclass::text FROM pg_constraint AS k JOIN pg_attribute AS a ON a.attrelid = k.conrelid
         WHERE k.conrelid = to_regclass('public.generations') AND k.contype = 'f' AND k.conkey = ARRAY[a.attnum]
           AND a.attname = 'user_id' AND k.confrelid IS DISTINCT FROM to_regclass('public.users')",
    )
    .fetch_all(session)
    .await?;
    differences.extend(elsewhere.iter().map(|table| format!("generations.user_id refers to {table}")));
    Ok(differences)
}

/// What keeps the user of this connection from adopting, if anything: each with what to do.
pub(super) async fn obstacles(session: &mut Session<'_>) -> Result<Vec<(String, String)>> {
    let row = sqlx::query(
        "SELECT current_user::text, current_database()::text,
                pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
                has_database_privilege(current_database(), 'CREATE'), has_schema_privilege('public', 'CREATE'),
                (SELECT string_agg(DISTINCT quote_ident(pg_get_userbyid(relowner)), ', ') FROM pg_class
                 WHERE oid IN (to_regclass('public.users'), to_regclass('public.generations'))
                   AND NOT pg_has_role(relowner, 'USAGE'))",
    )
    .fetch_one(session)
    .await?;
    let (user, database): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let (standby, read_only): (bool, bool) = (row.try_get(2)?, row.try_get(3)?);
    let (in_database, in_schema): (bool, bool) = (row.try_get(4)?, row.try_get(5)?);
    let owner: Option<String> = row.try_get(6)?;
    let mut obstacles = Vec::new();
    let mut add = |what: String, todo: String| obstacles.push((what, todo));
    if standby {
        add("the server is a standby".into(), "name the primary in database.url".into());
    } else if read_only {
        let what = format!("{user} may only read: default_transaction_read_only is on");
        add(what, "name another user in database.url".into());
    }
    if let Some(owner) = owner {
        add(format!("{user} does not own the tables"), format!("name their owner in database.url: {owner}"));
    }
    if !in_database {
        let grant = format!("GRANT CREATE ON DATABASE \"{database}\" TO \"{user}\"");
        add(format!("{user} may not make schemas in {database}"), grant);
    }
    if !in_schema {
        add(
            format!("{user} may not make tables in schema public"),
            format!("GRANT CREATE ON SCHEMA public TO \"{user}\""),
        );
    }
    Ok(obstacles)
}
