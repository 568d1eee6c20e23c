//! What lists and exports can be asked for.

use super::bed::Bed;

#[tokio::test]
async fn each_filter_lets_in_what_it_says() {
    let bed = Bed::empty("filters").await;
    bed.run(
        r"INSERT INTO generations (id, created_at, github_url, repo_owner, repo_name, primary_language, code_quality_score,
                                    cat_attributes, analysis_data)
           SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, now() AT TIME ZONE 'utc' - n * interval '1 day',
                  'https://github.com/o' || n % 2 || '/n' || n, 'o' || n % 2, 'n' || n,
                  CASE WHEN n < 5 THEN 'Rust' END, CASE n WHEN 9 THEN 'NaN' WHEN 8 THEN NULL ELSE n::numeric END,
                  jsonb_build_object('size', CASE n % 3 WHEN 0 THEN 'large' ELSE 'tiny' END, 'hats', jsonb_build_array(n, 'x')),
                  jsonb_build_object('metrics', jsonb_build_object('has_tests', n < 4, 'n', n))
           FROM generate_series(1, 9) AS n",
    )
    .await;
    for (arguments, expected) in [
        (&["--owner", "o1"][..], "13579"),
        (&["--owner", "o1", "--name", "n3"], "3"),
        (&["--name", "n4"], "4"),
        (&["--repository", "o0/n4"], "4"),
        (&["--url", "https://github.com/o1/n5"], "5"),
        (&["--language", "Rust"], "1234"),
        (&["--min-score", "6"], "67"),
        (&["--max-score", "2"], "12"),
        (&["--min-score", "2", "--max-score", "3.0"], "23"),
        (&["--min-score", "-1", "--max-score", "99"], "1234567"),
        (&["--attribute", "size=large"], "369"),
        (&["--attribute", "hats=[7]"], "7"),
        (&["--attribute", "hats=[7]", "--attribute", "hats=[\"x\"]"], "7"),
        (&["--attribute", "size=large", "--analysis", "metrics.has_tests=true"], "3"),
        (&["--analysis", "metrics.n=4"], "4"),
        (&["--analysis", "metrics.n=\"4\""], ""),
        (&["--analysis", "metrics={\"n\": 4, \"has_tests\": false}"], "4"),
        (&["--since", "84h"], "123"),
        (&["--until", "180h"], "89"),
        (&["--since", "180h", "--until", "84h"], "4567"),
        (
            &["--since", "84h", "--owner", "o1", "--attribute", "size=tiny", "--language", "Rust", "--max-score", "5"],
            "1",
        ),
        (&["--attribute", "size=large", "--limit", "2"], "36"),
        (&["--attribute", "size=large", "--after", "00000000-0000-0000-0000-000000000003"], "69"),
        (&["--limit", "2", "--after", "00000000-0000-0000-0000-000000000007"], "89"),
    ] {
        assert_eq!(bed.listed(arguments).concat(), expected, "{arguments:?}");
    }
    let exported = bed.shell.succeeds(&["generations", "export", "--owner", "o1", "--attribute", "size=large"]);
    assert_eq!(exported.lines().count(), 2, "{exported}");
    assert!(bed.shell.succeeds(&["generations", "list", "--owner", "nobody"]).contains("No such cats"));
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let bed = Bed::empty("refused_filters").await;
    for (arguments, told) in [
        (&["--attribute", "size"][..], "write KEY=VALUE"),
        (&["--attribute", ".=1"], "a key is empty"),
        (&["--attribute", "size=large", "--attribute", "size=tiny"], "cannot both hold"),
        (&["--min-score", "nan"], "a score is a number"),
        (&["--min-score", "much"], "a score is a number"),
        (&["--since", "yesterday"], "RFC 3339"),
        (&["--repository", "a/b", "--owner", "a"], "cannot be used with"),
    ] {
        let said = bed.shell.fails(2, &[&["generations", "list"], arguments].concat());
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
    let said = bed.shell.fails(4, &["generations", "list", "--after", "00000000-0000-0000-0000-000000000001"]);
    assert!(said.contains("there is no generation 00000000-0000-0000-0000-000000000001"), "{said}");
}

#[tokio::test]
async fn what_is_rare_is_found_behind_the_newest() {
    let bed = Bed::empty("rare").await;
    // More than a list looks at one after the other, and those that are asked for on both sides.
    bed.run(
        r#"INSERT INTO generations (id, created_at, github_url, cat_attributes)
           SELECT md5(n::text)::uuid, '2026-01-01'::timestamp - n * interval '1 s', 'https://github.com/o/n',
                  CASE WHEN n IN (3, 5000, 5001, 5002, 6000) THEN '{"size": "rare", "n": true}' ELSE '{"size": "common"}' END::jsonb
           FROM generate_series(1, 6100) AS n"#,
    )
    .await;
    let list = |arguments: &[&str]| {
        let cats = bed.shell.json(&[&["generations", "list", "--attribute", "size=rare"], arguments].concat());
        cats.as_array().unwrap().iter().map(|cat| cat["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = list(&[]);
    assert_eq!(all.len(), 5);
    for limit in ["1", "2", "3"] {
        let mut pages = list(&["--limit", limit]);
        while let Some(last) = pages.last().cloned() {
            let page = list(&["--limit", limit, "--after", &last]);
            if page.is_empty() {
                break;
            }
            pages.extend(page);
        }
        assert_eq!(pages, all, "in pages of {limit}");
    }
}
