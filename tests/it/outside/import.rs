//! What is wrong with a file is told with its place, and nothing of it is imported.

use std::fs;

use super::bed::Bed;

const LINE: &str = r#""created_at":"2026-01-01T00:00:00","github_url":"https://github.com/a/b","degraded":false"#;

fn id(n: u32) -> String {
    format!("00000000-0000-0000-0000-{n:012}")
}

fn lines(count: u32) -> Vec<String> {
    (1..=count).map(|n| format!("{{\"id\":\"{}\",{LINE}}}", id(n))).collect()
}

#[tokio::test]
async fn a_line_that_is_wrong_is_told_with_its_place() {
    let bed = Bed::empty("wrong_lines").await;
    let with = |field: &str| format!("{{\"id\":\"{}\",{LINE},{field}}}", id(99));
    for (wrong, told) in [
        ("{\"id\":\"x\"".to_owned(), "line 2, column 9: EOF while parsing an object"),
        (with("\"cat\":1"), "there is no column \"cat\""),
        (with("\"repo_size_kb\":\"much\""), "line 2, column repo_size_kb: invalid input syntax for type integer"),
        (with("\"repo_size_kb\":2147483648"), "line 2, column repo_size_kb"),
        (with("\"code_quality_score\":100"), "line 2, column code_quality_score: numeric field overflow"),
        (with(&format!("\"repo_owner\":\"{}\"", "x".repeat(256))), "line 2, column repo_owner: value too long"),
        (with("\"story\":\"\\u0000\""), "line 2"),
        (with("\"cat_attributes\":\"\\u0000\""), "line 2, column cat_attributes"),
        (with("\"user_id\":\"cat\""), "line 2, column user_id"),
        (LINE.replacen('"', "{\"", 1) + "}", "line 2: null value in column \"id\""),
        (format!("{{\"id\":\"{}\"}}", id(99)), "line 2: null value in column"),
        (lines(1).remove(0), "stands in the file more than once: lines 1, 2"),
    ] {
        let file = [&lines(1)[0], &wrong, &lines(3)[2]].map(|line| format!("{line}\n")).concat();
        let ran = bed.shell.run_with_input(&["generations", "import", "-"], file.as_bytes());
        assert_eq!(ran.code, Some(2), "{wrong}: {}", ran.err);
        assert!(ran.err.contains(told) && ran.err.contains("nothing was imported"), "{wrong}: {}", ran.err);
    }
    // Far into the file, where it is sent piece by piece, and behind lines that are empty or span several.
    let mut far = lines(9000);
    far.insert(4, String::new());
    far[8000] = far[8000].replace("false", "null");
    fs::write(bed.shell.path("far"), far.join("\n")).unwrap();
    let told = bed.shell.fails(2, &["generations", "import", "far"]);
    assert!(told.contains("line 8001: null value in column \"degraded\""), "{told}");
    let csv = format!(
        "story,id,created_at,github_url,degraded\r\n\"a\r\nb\",{},2026-01-01,u,f\r\nc,{},someday,u,f\r\n",
        id(1),
        id(2)
    );
    fs::write(bed.shell.path("cats.csv"), csv).unwrap();
    let told = bed.shell.fails(2, &["generations", "import", "cats.csv"]);
    assert!(told.contains("line 4, column created_at: invalid input syntax for type timestamp"), "{told}");
    assert_eq!(bed.count("SELECT count(*) FROM generations").await, 0);

    let told = bed.shell.fails(4, &["generations", "import", "no-such-file"]);
    assert!(told.contains("no-such-file cannot be read"), "{told}");
    bed.shell.fails(7, &["generations", "import", "."]);
}

#[tokio::test]
async fn ids_that_are_taken_are_named_or_skipped() {
    let bed = Bed::empty("taken").await;
    fs::write(bed.shell.path("cats"), lines(14).join("\n")).unwrap();
    assert_eq!(bed.shell.json(&["generations", "import", "cats", "--dry-run"])["imported"], 14);
    assert_eq!(bed.count("SELECT count(*) FROM generations").await, 0);
    bed.shell.succeeds(&["generations", "import", "cats"]);
    bed.run("UPDATE generations SET story = 'another' WHERE right(id::text, 2) > '02'").await;
    bed.run("DELETE FROM generations WHERE right(id::text, 2) = '14'").await;

    let told = bed.shell.fails(7, &["generations", "import", "cats"]);
    assert!(told.contains("11 of them are in the database already") && told.contains(&id(3)), "{told}");
    assert!(told.contains("(line 12) and 1 more") && told.contains("--on-conflict skip"), "{told}");
    assert_eq!(bed.count("SELECT count(*) FROM generations").await, 13);
    let done = bed.shell.json(&["generations", "import", "cats", "--on-conflict", "skip"]);
    assert_eq!((&done["imported"], &done["identical"], &done["skipped"]), (&1.into(), &2.into(), &11.into()));
    assert_eq!(bed.count("SELECT count(*) FROM generations WHERE story = 'another'").await, 11);
}

#[tokio::test]
async fn users_must_be_known_or_are_left_out() {
    let bed = Bed::empty("users").await;
    let (known, unknown) = (id(77), id(78));
    bed.run(format!("INSERT INTO users (id, username) VALUES ('{known}', 'cat')")).await;
    let mut cats = lines(3);
    cats[0] = cats[0].replace("\"degraded\"", &format!("\"user_id\":\"{known}\",\"degraded\""));
    cats[2] = cats[2].replace("\"degraded\"", &format!("\"user_id\":\"{unknown}\",\"degraded\""));
    fs::write(bed.shell.path("cats"), cats.join("\n")).unwrap();
    let told = bed.shell.fails(4, &["generations", "import", "cats"]);
    assert!(told.contains(&format!("{unknown} (line 3)")) && told.contains("--without-users"), "{told}");
    assert_eq!(bed.count("SELECT count(*) FROM generations").await, 0);
    let told = bed.shell.succeeds(&["generations", "import", "cats", "--without-users"]);
    assert!(told.contains("1 cat imported without the user"), "{told}");
    assert_eq!(bed.count("SELECT count(*) FROM generations WHERE user_id IS NOT NULL").await, 1);
}

#[tokio::test]
async fn pictures_in_the_store_are_not_missed() {
    let bed = Bed::empty("pictures").await;
    let key = "images/v1/ab/cd/there.png";
    fs::create_dir_all(bed.shell.path("data").join("images/v1/ab/cd")).unwrap();
    fs::write(bed.shell.path("data").join(key), "meow").unwrap();
    let mut cats = lines(2);
    cats[0] = cats[0].replace("\"degraded\"", &format!("\"image_path\":\"{key}\",\"degraded\""));
    cats[1] = cats[1].replace("\"degraded\"", "\"image_path\":\"images/v1/x.png\",\"degraded\"");
    fs::write(bed.shell.path("cats"), cats.join("\n")).unwrap();
    let told = bed.shell.succeeds(&["generations", "import", "cats"]);
    assert!(told.contains("1 picture not in the image store, such as images/v1/x.png"), "{told}");
}
