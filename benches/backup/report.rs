//! The contests, and what their outcome should be.

use crate::Result;
use crate::bed::{Bed, GENERATIONS, PGBENCH};
use crate::contest::{Entrant, Taken, clear, contest};
use crate::hashing;
use crate::table::{Row, Table};

/// How our program is asked for a backup that is not tried.
const NOW: [&str; 4] = ["backup", "now", "--standalone", "--no-drill"];

const FLOOR: &str = "pg_dump -Fp > /dev/null";
const GZIP: &str = "pg_dump -Fp | gzip";
const FOLDER: &str = "pg_dump -Fd -j2 -Z0";
const OURS: &str = "ours: backup now";
const OURS_PLAIN: &str = "ours: backup now -F plain";
const OURS_FOLDER: &str = "ours: backup now -F directory -j 2";

const PG_RESTORE: &str = "pg_restore -j2";
const OURS_RESTORE: &str = "ours: backup restore -j 2 --no-verify";
const OURS_VERIFIED: &str = "ours: backup restore -j 2";

/// Backups of both databases.
pub fn dumps(table: &mut Table, bed: &Bed, rounds: usize) -> Result<()> {
    let mut peaks = Vec::new();
    for database in [PGBENCH, GENERATIONS] {
        let mut entrants = vec![
            Entrant::shell(FLOOR, r#"pg_dump -Fp "$URL" > /dev/null"#),
            Entrant::shell(GZIP, r#"pg_dump -Fp "$URL" | gzip > "$OUT/dump.sql.gz""#),
        ];
        if bed.shell(database, "command -v zstd").is_ok() {
            entrants.push(Entrant::shell(
                "pg_dump -Fp | zstd -3 -T0",
                r#"pg_dump -Fp "$URL" | zstd -q -3 -T0 > "$OUT/dump.sql.zst""#,
            ));
        }
        entrants.extend([
            Entrant::shell("pg_dump -Fc -Z6", r#"pg_dump -Fc -Z6 -f "$OUT/dump" "$URL""#),
            Entrant::shell(FOLDER, r#"pg_dump -Fd -j2 -Z0 -f "$OUT/dump" "$URL""#),
            Entrant::shell("COPY of its largest table TO '/dev/null'", COPY),
            Entrant::ours(OURS, &NOW),
            Entrant::ours(OURS_PLAIN, &[&NOW[..], &["--format", "plain"]].concat()),
            Entrant::ours(OURS_FOLDER, &[&NOW[..], &["--format", "directory", "--jobs", "2"]].concat()),
        ]);
        let taken = contest(bed, database, rounds, &entrants, false)?;
        let hashing = hashing::seconds(bed, database)?;
        clear(bed)?;
        for one in &taken {
            let size = if one.bytes == 0 { String::new() } else { format!("{:.1} MB", one.bytes as f64 / 1e6) };
            table.push(Row::new(format!("{database}: {}", one.name), one.shown()).details(size));
        }
        judge_dumps(table, database, &taken, hashing)?;
        peaks.push((
            database,
            taken.iter().filter(|one| one.name.starts_with("ours")).map(|one| one.peak).fold(0.0, f64::max),
        ));
    }
    judge_memory(table, "a backup's memory", &peaks);
    Ok(())
}

/// The server's own part of the work, without any client.
const COPY: &str = r#"psql -Xq -v ON_ERROR_STOP=1 "$URL" -c "COPY $(psql -XAtq "$URL" -c "
    SELECT oid::regclass FROM pg_class WHERE relkind = 'r' ORDER BY relpages DESC LIMIT 1") TO '/dev/null'""#;

fn judge_dumps(table: &mut Table, database: &str, taken: &[Taken], hashing: f64) -> Result<()> {
    let (floor, gzip, folder) = (find(taken, FLOOR)?, find(taken, GZIP)?, find(taken, FOLDER)?);
    let (ours, plain, pieces) = (find(taken, OURS)?, find(taken, OURS_PLAIN)?, find(taken, OURS_FOLDER)?);
    let share = ours.middle() / floor.middle();
    table.push(
        Row::new(
            format!("{database}: a full backup against pg_dump to /dev/null"),
            format!("{share:.2} times its time"),
        )
        .goal("1.15", share <= 1.15)
        .details(format!(
            "zstd, checksums, fingerprints of all rows; the process from start to end; plain format {:.2}",
            plain.middle() / floor.middle()
        )),
    );
    let quicker = gzip.middle() / ours.middle();
    let row = Row::new(format!("{database}: against pg_dump | gzip"), format!("{quicker:.1} times as fast"));
    table.push(if database == GENERATIONS { row.goal("2", quicker >= 2.0) } else { row });
    let size = ours.bytes as f64 / gzip.bytes as f64;
    table.push(
        Row::new(format!("{database}: its size against gzip's"), format!("{size:.2}"))
            .goal("1", size <= 1.0)
            .details(format!("plain format {:.2}", plain.bytes as f64 / gzip.bytes as f64)),
    );
    let quicker = folder.middle() / pieces.middle();
    table.push(
        Row::new(format!("{database}: directory format against {FOLDER}"), format!("{quicker:.2} times as fast"))
            .goal("1.3", quicker >= 1.3)
            .details("one large table, read in pieces; ours is compressed, theirs is not"),
    );
    let share = hashing / ours.middle() * 100.0;
    table.push(
        Row::new(format!("{database}: fingerprints of the rows"), format!("{share:.1} % of the backup"))
            .goal("10 %", share < 10.0)
            .details(format!("{hashing:.2} s of one core to tell rows from the rest and to hash them")),
    );
    Ok(())
}

/// Restores of pgbench's database, and a drill of both.
pub fn restores(table: &mut Table, bed: &Bed, rounds: usize) -> Result<()> {
    let dropped = r#"psql -Xq "$URL" -c 'DROP DATABASE IF EXISTS restored'"#;
    let created = r#"psql -Xq "$URL" -c 'DROP DATABASE IF EXISTS restored' -c 'CREATE DATABASE restored'"#;
    let mut peaks = Vec::new();
    for database in [PGBENCH, GENERATIONS] {
        bed.shell(database, r#"pg_dump -Fc -f "$OUT/dump" "$URL""#)?;
        let made: serde_json::Value = serde_json::from_str(&bed.ours(database, &NOW)?.said)?;
        let name = made.pointer("/0/name").and_then(serde_json::Value::as_str).ok_or("a backup has no name")?;
        let restore = ["backup", "restore", name, "--into", "restored", "--jobs", "2", "--yes"];
        let entrants = [
            Entrant::shell(PG_RESTORE, r#"pg_restore -e -j2 -d "$RESTORED" "$OUT/dump""#).after(created),
            Entrant::ours(OURS_RESTORE, &[&restore[..], &["--no-verify"]].concat()).after(dropped),
            Entrant::ours(OURS_VERIFIED, &restore).after(dropped),
            Entrant::ours("ours: backup verify, a drill", &["backup", "verify", name, "--standalone"]).after(dropped),
        ];
        let taken = contest(bed, database, rounds, &entrants, true)?;
        let manifest = bed.report(name, "manifest.json")?;
        let drill = bed.report(name, "drill.json")?;
        bed.shell(database, dropped)?;
        clear(bed)?;
        for one in &taken {
            table.push(Row::new(format!("{database}: {}", one.name), one.shown()));
        }
        let theirs = find(&taken, PG_RESTORE)?;
        let quicker = theirs.middle() / find(&taken, OURS_RESTORE)?.middle();
        let compared = theirs.middle() / find(&taken, OURS_VERIFIED)?.middle();
        table.push(
            Row::new(format!("{database}: a restore against {PG_RESTORE}"), format!("{quicker:.2} times as fast"))
                .goal("1", quicker >= 1.0)
                .details(format!(
                    "pg_restore from a file of pg_dump -Fc; {compared:.2} where all rows are compared, too"
                )),
        );
        table.push(drill_row(database, &drill, &manifest));
        peaks.push((
            database,
            taken.iter().filter(|one| one.name.starts_with("ours")).map(|one| one.peak).fold(0.0, f64::max),
        ));
    }
    judge_memory(table, "a restore's or drill's memory", &peaks);
    Ok(())
}

/// What a drill cost, as its own report says.
fn drill_row(database: &str, drill: &serde_json::Value, manifest: &serde_json::Value) -> Row {
    let number =
        |value: &serde_json::Value, key: &str| value.get(key).and_then(serde_json::Value::as_f64).unwrap_or(f64::NAN);
    let stages: Vec<String> = drill["stages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|stage| Some(format!("{} {:.1}", stage[0].as_str()?, stage[1].as_f64()?)))
        .collect();
    let stored: f64 = manifest["files"].as_array().into_iter().flatten().map(|file| number(file, "bytes")).sum();
    let scratch = number(drill, "scratch_bytes");
    Row::new(
        format!("{database}: a drill's disk"),
        format!("{:.0} MB, {:.1} times the database", scratch / 1e6, scratch / number(&manifest["source"], "bytes")),
    )
    .details(format!(
        "{:.0} MB in the store; {}; seconds by stage: {}",
        stored / 1e6,
        drill["verdict"].as_str().unwrap_or("no verdict"),
        stages.join(", ")
    ))
}

fn judge_memory(table: &mut Table, what: &str, peaks: &[(&str, f64)]) {
    let most = peaks.iter().map(|(_, peak)| *peak).fold(0.0, f64::max);
    let each: Vec<String> = peaks.iter().map(|(database, peak)| format!("{database} {peak:.1} MB")).collect();
    table.push(
        Row::new(what, format!("{most:.1} MB"))
            .goal("100 MB", most < 100.0)
            .details(format!("VmHWM of our process: {}", each.join(", "))),
    );
}

fn find<'a>(taken: &'a [Taken], name: &str) -> Result<&'a Taken> {
    Ok(taken.iter().find(|one| one.name == name).ok_or_else(|| format!("{name} took no part"))?)
}
