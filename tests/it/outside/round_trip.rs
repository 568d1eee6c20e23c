//! What is exported comes back as it was.

use std::fs;

use serde_json::Value;

use super::bed::Bed;

#[tokio::test]
async fn a_file_brings_every_value_back() {
    let from = Bed::odd("exported").await;
    for format in ["ndjson", "csv"] {
        let to = Bed::empty("imported").await;
        to.run("INSERT INTO users (id, username) VALUES ('00000000-0000-0000-0000-00000000000a', 'cat')").await;
        let file = to.shell.path("cats");
        let (file, again) = (file.to_str().unwrap(), to.shell.path("again"));
        let told = from.shell.succeeds(&["generations", "export", "--format", format, "-o", file]);
        assert_eq!(told, format!("5 cats exported to {file}\n"));
        let told = to.shell.succeeds(&["generations", "import", "--format", format, file]);
        assert!(told.starts_with("5 cats imported\n") && told.contains("2 pictures not in the image store"), "{told}");
        to.shell.succeeds(&["generations", "export", "--format", format, "-o", again.to_str().unwrap()]);
        assert_eq!(fs::read(&again).unwrap(), fs::read(file).unwrap(), "{format}");

        // The file might be wrong in the same way twice.
        let rows = "SELECT string_agg(row::text, E'\\n' ORDER BY row.id) FROM generations AS row";
        let text = async |bed: &Bed| sqlx::query_scalar::<_, String>(rows).fetch_one(&bed.pool).await.unwrap();
        assert_eq!(text(&to).await, text(&from).await, "{format}");

        let told = to.shell.json(&["generations", "import", "--format", format, file]);
        assert_eq!((&told["imported"], &told["identical"]), (&0.into(), &5.into()), "{told}");
    }
}

#[tokio::test]
async fn a_column_without_a_value_is_no_null_and_no_empty_text() {
    let bed = Bed::odd("nulls").await;
    let lines = bed.shell.succeeds(&["generations", "export"]);
    let cat = |end: &str| -> Value {
        let line = lines.lines().find(|line| line.contains(&format!("000{end}\",\"created"))).unwrap();
        serde_json::from_str(line).unwrap()
    };
    assert_eq!(lines.lines().count(), 5, "no value breaks its line");
    assert_eq!(
        cat("1").as_object().unwrap().keys().collect::<Vec<_>>(),
        ["created_at", "degraded", "github_url", "id"]
    );
    let odd = cat("3");
    assert_eq!((&odd["cat_attributes"], &odd["code_quality_score"]), (&Value::Null, &"NaN".into()));
    assert_eq!((&odd["repo_owner"], odd.get("user_id")), (&"".into(), None));
    assert!(lines.contains("123456789012345678901234567890.1234567890"), "{lines}");
    let created: Vec<&str> = lines.lines().map(|line| line.split('"').nth(7).unwrap()).collect();
    assert!(created.is_sorted_by(|one, two| one > two), "newest first: {created:?}");

    let csv = bed.shell.succeeds(&["generations", "export", "--format", "csv"]);
    assert!(csv.starts_with("id,created_at,github_url,"), "{csv}");
    assert!(csv.contains(",2026-01-01 00:00:00.000001,\"\",,"), "{csv}");
    assert!(csv.ends_with("\r\n"));
}

/// A column that is added to the table and not to the files would be lost in silence.
#[tokio::test]
async fn no_column_is_left_out() {
    let bed = Bed::empty("columns").await;
    let mut columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT column_name::text, data_type::text FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name = 'generations'",
    )
    .fetch_all(&bed.pool)
    .await
    .unwrap();
    columns.sort_unstable();
    let value = |(_, kind): &(String, String)| match kind.as_str() {
        "uuid" => "'00000000-0000-0000-0000-00000000000a'",
        "timestamp without time zone" => "'2026-01-01'",
        "jsonb" => "'{}'",
        "boolean" => "true",
        "text" | "character varying" | "integer" | "bigint" | "numeric" => "'1'",
        other => panic!("a value of {other}?"),
    };
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let values: Vec<&str> = columns.iter().map(value).collect();
    bed.run("INSERT INTO users (id) VALUES ('00000000-0000-0000-0000-00000000000a')").await;
    bed.run(format!("INSERT INTO generations ({}) VALUES ({})", names.join(", "), values.join(", "))).await;

    let cat: Value = serde_json::from_str(&bed.shell.succeeds(&["generations", "export"])).unwrap();
    assert_eq!(cat.as_object().unwrap().keys().collect::<Vec<_>>(), names);
    let csv = bed.shell.succeeds(&["generations", "export", "--format", "csv"]);
    let mut header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    header.sort_unstable();
    assert_eq!(header, names);
    assert!(!csv.lines().nth(1).unwrap().contains(",,"), "{csv}");
}

#[tokio::test]
async fn psql_reads_the_csv() {
    let from = Bed::odd("csv_from").await;
    let to = Bed::empty("csv_to").await;
    to.run("INSERT INTO users (id, username) VALUES ('00000000-0000-0000-0000-00000000000a', 'cat')").await;
    let csv = from.shell.succeeds(&["generations", "export", "--format", "csv"]);
    let header = csv.split("\r\n").next().unwrap();
    let copy = format!("COPY generations ({header}) FROM STDIN (FORMAT csv, HEADER)");
    let mut connection = to.connect().await;
    let mut copying = connection.copy_in_raw(&copy).await.unwrap();
    copying.send(csv.as_bytes()).await.unwrap();
    assert_eq!(copying.finish().await.unwrap(), 5);
    assert_eq!(to.shell.succeeds(&["generations", "export"]), from.shell.succeeds(&["generations", "export"]));
}

#[tokio::test]
async fn a_file_is_whole_or_not_there() {
    let bed = Bed::odd("files").await;
    bed.shell.succeeds(&["generations", "export", "-o", "cats.csv"]);
    assert!(fs::read_to_string(bed.shell.path("cats.csv")).unwrap().starts_with("id,"), "the name says the format");
    fs::write(bed.shell.path("old"), "old").unwrap();
    let told = bed.shell.json(&["generations", "export", "-o", "old", "--owner", "nobody"]);
    assert_eq!(told["exported"], 0);
    assert_eq!(fs::read(bed.shell.path("old")).unwrap(), b"");
    for (file, told) in [("no/such/cats", "cannot be written"), ("data", "cannot be written")] {
        fs::create_dir_all(bed.shell.path("data")).unwrap();
        let said = bed.shell.fails(7, &["generations", "export", "-o", file]);
        assert!(said.contains(told) && said.contains(file), "{said}");
    }

    // A value that cannot be read breaks it off after the first rows: nothing of it is left.
    bed.run(
        "ALTER TABLE generations RENAME TO kept;
         CREATE FUNCTION broken(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
           BEGIN IF $1 LIKE '%bare%' THEN RAISE 'the obstacle'; END IF; RETURN $1; END $$;
         CREATE VIEW generations AS SELECT id, created_at, broken(github_url) AS github_url, repo_owner, repo_name,
           commit_oid, primary_language, repo_size_kb, code_quality_score, score_model, cat_attributes, analysis_data,
           image_path, original_image_path, former_image_path, image_bytes, image_type, image_width, image_height,
           image_prompt, story, meme_text_top, meme_text_bottom, degraded, step_seconds, user_id FROM kept",
    )
    .await;
    let before = fs::read_dir(bed.shell.folder()).unwrap().count();
    let ran = bed.shell.run(&["generations", "export", "-o", "old"]);
    assert!(ran.code != Some(0) && ran.err.contains("the obstacle"), "{}", ran.err);
    assert_eq!(fs::read_dir(bed.shell.folder()).unwrap().count(), before);
    assert_eq!(fs::read(bed.shell.path("old")).unwrap(), b"", "the file of before stays");
}
