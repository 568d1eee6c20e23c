//! What the server does for the tables by itself: removing dead rows, making statistics, using indexes.

use crate::commands::view::amount::{bytes, counted, grouped, percent};
use crate::db::looking::server::Facts;
use crate::db::looking::tables::{IndexHealth, TableHealth};
use crate::model::check::{Check, State};

/// Dead rows that are no matter, however large their share.
const FEW_DEAD: i64 = 10_000;
/// The share of dead rows from which on a table is bloated.
const BLOATED: f64 = 0.3;
/// Rows from which on a table is worth statistics, and an index.
const SMALL: i64 = 1000;
const LARGE: i64 = 100_000;
/// How often a large table must have been read from end to end to matter.
const OFTEN: i64 = 100;
/// An index smaller than this is no matter, used or not.
const SMALL_INDEX: i64 = 10 << 20;
/// The server stops writing at 2^31 transactions; autovacuum acts long before.
const OLD_IDS: i64 = 1_500_000_000;

/// Autovacuum, and what becomes of a server without it.
pub(super) fn of_server(facts: &Facts) -> Vec<Check> {
    let autovacuum = if facts.has_autovacuum {
        Check::ok("autovacuum", "on")
    } else {
        let todo = "type in psql as a superuser: ALTER SYSTEM SET autovacuum = on; ALTER SYSTEM SET track_counts = on; \
                    SELECT pg_reload_conf()";
        Check::fail("autovacuum", "off: dead rows stay, and tables grow without end", todo)
    };
    vec![autovacuum, transaction_ids(facts)]
}

fn transaction_ids(facts: &Facts) -> Check {
    const NAME: &str = "transaction ids";
    let found = format!("the oldest is {} transactions old", grouped(facts.xid_age.unsigned_abs()));
    let todo = "end long transactions and unused replication slots, then type: vacuumdb --all --freeze";
    if facts.xid_age > OLD_IDS {
        Check::fail(NAME, format!("{found}; at 2 billion the server refuses to write"), todo)
    } else if facts.xid_age > facts.freeze_max_age * 3 / 2 {
        Check::warn(NAME, format!("{found}; autovacuum does not keep up"), todo)
    } else {
        Check::ok(NAME, found)
    }
}

/// Dead rows and statistics.
pub(super) fn of_tables(tables: &[TableHealth]) -> Vec<Check> {
    vec![dead_rows(tables), statistics(tables)]
}

fn dead_rows(tables: &[TableHealth]) -> Check {
    const NAME: &str = "dead rows";
    if let Some(left_out) = tables.iter().find(|table| table.is_left_out && table.rows + table.dead_rows > SMALL) {
        let todo = format!("type in psql: ALTER TABLE {} RESET (autovacuum_enabled)", left_out.name);
        return Check::warn(NAME, format!("autovacuum is turned off for {}", left_out.name), todo);
    }
    let share = |table: &TableHealth| table.dead_rows as f64 / (table.rows + table.dead_rows).max(1) as f64;
    let bloated = tables.iter().filter(|table| table.dead_rows > FEW_DEAD && share(table) > BLOATED);
    let Some(worst) = bloated.max_by_key(|table| table.dead_rows) else {
        return Check::ok(NAME, "few in every table");
    };
    let when = worst.vacuumed_at.map_or_else(|| "never".to_owned(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string());
    let found = format!(
        "{} in {}, {} of all; last removed: {when}",
        grouped(worst.dead_rows.unsigned_abs()),
        worst.name,
        percent(share(worst))
    );
    let todo =
        format!("end what keeps them (transactions, slots: above), then type in psql: VACUUM (ANALYZE) {}", worst.name);
    Check::warn(NAME, found, todo)
}

fn statistics(tables: &[TableHealth]) -> Check {
    const NAME: &str = "statistics";
    let without: Vec<&str> = tables
        .iter()
        .filter(|table| table.rows > SMALL && table.analyzed_at.is_none())
        .map(|table| table.name.as_str())
        .collect();
    match without.first() {
        None => Check::ok(NAME, "made for every table that needs them"),
        Some(first) => {
            let found = format!("never made for {}, such as {first}", counted(without.len() as u64, "table", "tables"));
            Check::warn(NAME, found, "type in psql: ANALYZE")
        }
    }
}

/// Indexes that are missing, broken or unused.
pub(super) fn of_indexes(tables: &[TableHealth], indexes: &[IndexHealth], expected: &[String]) -> Vec<Check> {
    vec![present(indexes, expected), full_reads(tables), used(indexes)]
}

fn present(indexes: &[IndexHealth], expected: &[String]) -> Check {
    const NAME: &str = "indexes";
    let broken: Vec<&str> = indexes.iter().filter(|index| !index.is_valid).map(|index| index.name.as_str()).collect();
    if let Some(first) = broken.first() {
        let found = format!("not valid, because making them broke off: {}", broken.join(", "));
        return Check::fail(NAME, found, format!("type in psql: REINDEX INDEX CONCURRENTLY {first}"));
    }
    // Before there is a schema nothing is expected.
    let has_schema = indexes.iter().any(|index| expected.contains(&index.full_name));
    let is_missing = |name: &&String| has_schema && indexes.iter().all(|index| index.full_name != **name);
    let missing: Vec<&str> = expected.iter().filter(is_missing).map(String::as_str).collect();
    if missing.is_empty() {
        return Check::ok(NAME, format!("all there and valid: {}", indexes.len()));
    }
    Check::warn(
        NAME,
        format!("somebody took away what the migrations made: {}", missing.join(", ")),
        "make them again as the migrations say (migrations/*.up.sql), but with CREATE INDEX CONCURRENTLY",
    )
}

fn full_reads(tables: &[TableHealth]) -> Check {
    const NAME: &str = "full reads";
    let worst = tables
        .iter()
        .filter(|table| {
            table.rows > LARGE && table.full_reads > OFTEN && table.full_read_rows / table.full_reads > LARGE
        })
        .max_by_key(|table| table.full_read_rows);
    let Some(worst) = worst else { return Check::ok(NAME, "no large table is often read from end to end") };
    let found = format!(
        "{} was read from end to end {} times, some {} rows each: is an index missing?",
        worst.name,
        grouped(worst.full_reads.unsigned_abs()),
        grouped((worst.full_read_rows / worst.full_reads).unsigned_abs())
    );
    Check::warn(NAME, found, "look at the statements that read it: repo-to-cat db explain \"...\"")
}

/// A hint only: an index may be there for what happens once a month.
fn used(indexes: &[IndexHealth]) -> Check {
    const NAME: &str = "unused indexes";
    let unused: Vec<&IndexHealth> =
        indexes.iter().filter(|index| index.uses == 0 && !index.is_rule && index.bytes > SMALL_INDEX).collect();
    let Some(largest) = unused.iter().max_by_key(|index| index.bytes) else { return Check::ok(NAME, "no large one") };
    let found = format!(
        "{} not used since statistics are kept; the largest: {}, {}",
        counted(unused.len() as u64, "was", "were"),
        largest.name,
        bytes(largest.bytes.unsigned_abs())
    );
    let todo = "if nothing needs it, not even once a month, it only costs; the migrations' own are best kept";
    Check { state: State::Ok, ..Check::warn(NAME, found, todo) }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::super::server::tests::facts;
    use super::*;

    fn table(rows: i64, dead_rows: i64) -> TableHealth {
        TableHealth {
            name: "queue.jobs".to_owned(),
            rows,
            dead_rows,
            vacuumed_at: None,
            analyzed_at: DateTime::from_timestamp(1_800_000_000, 0),
            full_reads: 1000,
            full_read_rows: 1000,
            is_left_out: false,
        }
    }

    fn index(name: &str) -> IndexHealth {
        let (full_name, name) = (format!("queue.{name}"), format!("queue.{name}"));
        IndexHealth { full_name, name, is_valid: true, is_rule: false, uses: 1, bytes: 20 << 20 }
    }

    #[test]
    fn a_server_that_does_not_clean_up_is_told() {
        assert!(of_server(&facts()).iter().all(|check| check.state == State::Ok));
        assert_eq!(of_server(&Facts { has_autovacuum: false, ..facts() })[0].state, State::Fail);
        let age = |xid_age| transaction_ids(&Facts { xid_age, ..facts() }).state;
        assert_eq!([250_000_000, 310_000_000, 1_600_000_000].map(age), [State::Ok, State::Warn, State::Fail]);
    }

    #[test]
    fn bloated_tables_are_told() {
        assert_eq!(dead_rows(&[table(10, 9000), table(1_000_000, 20_000)]).state, State::Ok);
        let told = dead_rows(&[table(20_000, 20_000)]);
        assert_eq!(told.found, "20,000 in queue.jobs, 50 % of all; last removed: never");
        assert!(told.todo.unwrap().ends_with("VACUUM (ANALYZE) queue.jobs"));
        assert_eq!(dead_rows(&[TableHealth { is_left_out: true, ..table(2000, 0) }]).state, State::Warn);
        assert_eq!(statistics(&[TableHealth { analyzed_at: None, ..table(100, 0) }]).state, State::Ok);
        assert_eq!(statistics(&[TableHealth { analyzed_at: None, ..table(2000, 0) }]).state, State::Warn);
    }

    #[test]
    fn indexes_that_are_missing_or_broken_are_told() {
        let expected = ["queue.jobs_claim".to_owned(), "queue.jobs_due".to_owned()];
        let both = [index("jobs_claim"), index("jobs_due"), index("theirs")];
        assert_eq!(present(&both, &expected).state, State::Ok);
        let missing = present(&both[..1], &expected);
        assert!(missing.state == State::Warn && missing.found.ends_with(": queue.jobs_due"), "{missing:?}");
        assert_eq!(present(&both[2..], &expected).state, State::Ok, "there is no schema of ours");
        let broken = present(&[IndexHealth { is_valid: false, ..index("jobs_due") }], &expected);
        assert!(broken.todo.unwrap().ends_with("REINDEX INDEX CONCURRENTLY queue.jobs_due"));
        let unused = used(&[IndexHealth { uses: 0, ..index("theirs") }]);
        assert!(unused.state == State::Ok && unused.todo.is_some(), "a hint only");
        assert_eq!(used(&[IndexHealth { uses: 0, is_rule: true, ..index("pkey") }]).todo, None);
    }

    #[test]
    fn large_tables_that_are_often_read_from_end_to_end_are_told() {
        let reads = |full_reads, each| {
            full_reads_of(&TableHealth { full_reads, full_read_rows: full_reads * each, ..table(500_000, 0) })
        };
        assert_eq!(reads(50, 500_000), State::Ok);
        assert_eq!(reads(500, 10), State::Ok, "they stopped early");
        assert_eq!(reads(500, 400_000), State::Warn);
    }

    fn full_reads_of(table: &TableHealth) -> State {
        full_reads(std::slice::from_ref(table)).state
    }
}
