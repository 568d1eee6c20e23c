//! Large tables in pieces: every row once.

use repo_to_cat::backup::pipe::Identities;
use repo_to_cat::model::backup::manifest::FileRole;
use repo_to_cat::model::backup::{BackupRequest, Format};

use super::bed::Bed;

fn directory() -> BackupRequest {
    BackupRequest { format: Some(Format::Directory), jobs: Some(3), ..BackupRequest::default() }
}

/// One row a page, so that a table is soon large enough to be cut.
const LARGE: &str = "
CREATE TABLE large (id int, filler char(1500)) WITH (fillfactor = 20);
INSERT INTO large SELECT i, 'x' FROM generate_series(1, 6000) i;
DELETE FROM large WHERE id % 97 = 0;
CREATE TABLE empty (id int);
CREATE TABLE parts (id int, filler char(1500)) PARTITION BY RANGE (id);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (1000);
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT i, 'y' FROM generate_series(0, 2999) i;
CREATE TABLE mother (id int);
CREATE TABLE daughter (more text) INHERITS (mother);
INSERT INTO mother SELECT generate_series(1, 10);
INSERT INTO daughter SELECT i, 'more' FROM generate_series(11, 30) i;
CREATE TABLE nothing ();
INSERT INTO nothing DEFAULT VALUES;
";

#[tokio::test(flavor = "multi_thread")]
async fn pieces_hold_every_row_once_while_rows_come_and_go() {
    let mut bed = Bed::make(LARGE).await;
    bed.yard.settings.split_mb = 0;
    let mut writer = bed.connection().await;
    let writing = async {
        let change = "BEGIN; INSERT INTO large SELECT i, 'new' FROM generate_series(1, 500) i;
                      UPDATE large SET filler = 'old' WHERE id % 50 = (random() * 50)::int;
                      DELETE FROM large WHERE filler = 'new'; INSERT INTO empty VALUES (1); COMMIT";
        loop {
            sqlx::raw_sql(change).execute(&mut writer).await.unwrap();
            sqlx::raw_sql("VACUUM large").execute(&mut writer).await.unwrap();
        }
    };
    let request = directory();
    let manifest =
        tokio::select! { manifest = bed.dump(&request) => manifest.unwrap(), () = writing => unreachable!() };
    bed.check_files(&manifest);
    let pieces_of = |name: &str| {
        let is_of = |role: FileRole| matches!(role, FileRole::Piece { table } if manifest.tables[table].name == name);
        manifest.files.iter().filter(|file| is_of(file.role)).count()
    };
    assert!(pieces_of("large") > 1, "{:?}", manifest.files);
    for (name, pieces) in [("empty", 1), ("parts", 0), ("parts_low", 1), ("mother", 1), ("nothing", 0)] {
        assert_eq!(pieces_of(name), pieces, "{name}");
    }
    let restored = bed.restore(&manifest, &Identities::default()).await;
    bed.check_content(&manifest, &restored).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn small_tables_stay_in_the_archive() {
    let bed = Bed::make(LARGE).await;
    let manifest = bed.dump(&directory()).await.unwrap();
    assert_eq!(manifest.files.len(), 1);
    bed.check_content(&manifest, &bed.url).await;
}
