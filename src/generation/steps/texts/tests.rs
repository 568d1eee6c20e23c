//! The texts as a whole: limits for any input, truth for known ones, and six stories to read aloud.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::generation::steps::attributes::describe;
use crate::model::analysis::strategy::{blank, credible, hotspot, language, left_out, wild};
use crate::model::analysis::{Distributions, LeftOutReason, Metrics, ScoreTerm};
use crate::model::repository::LOCAL_OWNER;

fn texts(analysis: &Analysis, name: &str, owner: &str, commit: &str) -> Texts {
    let seed = Seed::of(name, commit);
    write(analysis, &describe(analysis, &seed), name, owner, &seed)
}

/// Ends of sentences: a full stop, question or exclamation mark before a space or the end.
fn sentences(story: &str) -> usize {
    let ends = story.char_indices().filter(|(_, c)| ".!?".contains(*c));
    ends.filter(|(at, _)| story[at + 1..].chars().next().is_none_or(|next| next == ' ')).count()
}

fn check(texts: &Texts) -> Result<(), TestCaseError> {
    let story = &texts.story;
    prop_assert!((3..=5).contains(&sentences(story)), "{} sentences: {story}", sentences(story));
    prop_assert!(story.chars().count() <= 1_200, "{} characters: {story}", story.chars().count());
    for line in [&texts.meme_text_top, &texts.meme_text_bottom] {
        prop_assert!(line.chars().count() <= MEME_LINE_MAX, "{line}");
        prop_assert!((2..=8).contains(&line.split_whitespace().count()), "{line}");
        prop_assert_eq!(&line.to_uppercase(), line);
    }
    for text in [story, &texts.meme_text_top, &texts.meme_text_bottom] {
        prop_assert!(!text.contains(['{', '}', '<', '>', '`', '*', '\n']), "{text}");
        prop_assert!(!text.chars().any(char::is_control), "{text:?}");
        prop_assert!(!text.contains("NaN") && !text.contains(" inf") && !text.contains("  "), "{text}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_analysis_and_any_name_keep_to_the_limits(
        analysis in prop_oneof![wild(), credible()],
        name in any::<String>(), owner in any::<String>(), commit in "[0-9a-f]{8}",
    ) {
        let texts = texts(&analysis, &name, &owner, &commit);
        check(&texts)?;
        prop_assert_eq!(&texts, &self::texts(&analysis, &name, &owner, &commit));
    }

    #[test]
    fn another_commit_often_tells_another_story(analysis in credible()) {
        let stories: BTreeSet<_> = (0..20).map(|n| texts(&analysis, "r", "o", &n.to_string()).story).collect();
        prop_assert!(stories.len() >= 15, "{} stories of 20", stories.len());
    }
}

#[test]
fn a_repository_on_this_machine_has_no_owner_to_tell_of() {
    let stories = |owner| (0..60).map(move |n| texts(&full(), "cat", owner, &n.to_string()).story);
    assert!(stories("somebody").any(|story| story.contains("somebody")));
    assert!(stories(LOCAL_OWNER).all(|story| !story.contains(LOCAL_OWNER)));
}

#[test]
fn every_template_can_be_filled_and_is_one_sentence() {
    let full = full();
    let cat = describe(&full, &Seed::of("r", "c"));
    let subject = Subject::new(&full, &cat, "name", "owner");
    let rows = openings::OPENINGS.iter().chain(facts::all()).chain(closings::CLOSINGS);
    for template in rows.flat_map(|row| row.say) {
        let sentence = template.fill(&subject).unwrap_or_else(|| panic!("a placeholder without value: {}", template.0));
        assert_eq!(sentences(&sentence), 1, "{sentence}");
        assert!(sentence.ends_with(['.', '!', '?']), "{sentence}");
        assert!(sentence.chars().next().is_some_and(|c| !c.is_lowercase()), "{sentence}");
    }
    for (top, bottom) in memes::MEMES.iter().flat_map(|row| row.say) {
        for template in [top, bottom] {
            assert!(line(template, &subject).is_some(), "{}", template.0);
        }
    }
}

#[test]
fn there_is_enough_to_choose_from() {
    let openings: usize = openings::OPENINGS.iter().map(|row| row.say.len()).sum();
    assert!(openings >= 8, "{openings} openings");
    let mut phrasings: BTreeMap<&str, usize> = BTreeMap::new();
    for row in facts::all() {
        *phrasings.entry(row.topic).or_default() += row.say.len();
    }
    assert!(phrasings.len() >= 12 && phrasings.values().all(|count| *count >= 3), "{phrasings:?}");
}

#[test]
fn what_is_there_is_never_missed_and_what_is_not_is_never_praised() {
    let missing =
        ["no test", "no CI", "no licence", "No CI", "no sign", "without documentation", "documentation we found none"];
    let present = [
        "has CI",
        "CI stands",
        "a licence file, which",
        "licence is on file",
        "licence hangs",
        "Its tests",
        "in tests",
    ];
    let bare = Analysis {
        has_ci: false,
        has_license: false,
        has_documentation: false,
        metrics: Metrics { has_tests: false, ..full().metrics },
        ..full()
    };
    for n in 0..200 {
        let commit = n.to_string();
        let kept = texts(&full(), "r", "o", &commit);
        for words in missing {
            assert!(!kept.story.contains(words), "{words}: {}", kept.story);
        }
        let neglected = texts(&bare, "r", "o", &commit);
        for words in present {
            assert!(!neglected.story.contains(words), "{words}: {}", neglected.story);
        }
    }
}

#[test]
fn the_most_telling_fact_is_always_told_once() {
    for n in 0..200 {
        let story = texts(&python(), "spaghetti", "o", &n.to_string()).story;
        assert_eq!(story.matches("build_report()").count(), 1, "{story}");
        assert_eq!(story.matches("900 lines").count(), 1, "{story}");
    }
}

#[test]
fn no_figure_is_told_twice() {
    for n in 0..200 {
        let story = texts(&javascript(), "shopfront", "o", &n.to_string()).story;
        for figure in ["11,400", "184 lines", "4.7"] {
            assert!(story.matches(figure).count() <= 1, "{figure} twice: {story}");
        }
    }
}

#[test]
fn a_name_that_a_caption_cannot_hold_is_left_out_of_it() {
    let ordinary = python();
    let lines_of = |name: &str| {
        let spot = hotspot("a.py", name, 900, 148, 412);
        let analysis = Analysis { hotspots: vec![spot], ..ordinary.clone() };
        (0..150).map(|n| texts(&analysis, "r", "o", &n.to_string())).fold(String::new(), |lines, texts| {
            check(&texts).expect("the limits hold");
            format!("{lines}\n{}\n{}", texts.meme_text_top, texts.meme_text_bottom)
        })
    };
    assert!(lines_of("build_report").contains("INTO BUILD_REPORT()"));
    for name in ["a b c d e f g h i", "größe", "an_identifier_of_a_great_many_characters", "<anonymous>", "\u{202e}"]
    {
        assert!(!lines_of(name).contains("I WENT INTO"), "{name}");
    }
}

#[test]
fn numbers_and_nouns_agree() {
    let one = Analysis {
        sloc: 1,
        repo_size_kb: 1,
        entries: 1,
        left_out: vec![left_out(LeftOutReason::Vendored, 1)],
        ..blank()
    };
    let stories: String = (0..300).map(|n| texts(&one, "one", "o", &n.to_string()).story).collect();
    assert!(stories.contains("1 line of code") && stories.contains("1 file "));
    assert!(!stories.contains("1 lines") && !stories.contains("1 files"));
}

/// A term of the score.
fn term(label: &str, weight: f64, value: f64) -> ScoreTerm {
    ScoreTerm {
        name: label.to_lowercase().replace(' ', "_"),
        label: label.into(),
        weight,
        value,
        contribution: 10.0 * weight * value,
        because: String::new(),
    }
}

/// Everything that a template can ask for.
fn full() -> Analysis {
    Analysis {
        code_quality_score: Some(7.0),
        primary_language: Some("Python".into()),
        languages: vec![language("Python", 9_000, 0.75), language("C", 3_000, 0.25)],
        entries: 400,
        sloc: 12_000,
        has_ci: true,
        has_documentation: true,
        has_license: true,
        score_terms: vec![term("Tests", 0.15, 1.0), term("Nesting", 0.1, 0.1)],
        hotspots: vec![hotspot("src/app.py", "run", 120, 30, 50)],
        left_out: vec![left_out(LeftOutReason::Vendored, 12)],
        metrics: Metrics {
            function_length_avg: 11.0,
            function_length_max: 120,
            function_count: 640,
            has_tests: true,
            test_ratio: 0.3,
            nesting_depth_max: 7,
            comment_ratio: 0.2,
            lines_too_long_pct: 9.0,
            line_length_max: 1_200,
            ..Metrics::default()
        },
        ..blank()
    }
}

fn python() -> Analysis {
    Analysis {
        code_quality_score: Some(3.1),
        primary_language: Some("Python".into()),
        languages: vec![language("Python", 6_210, 1.0)],
        repo_size_kb: 2_300,
        entries: 41,
        sloc: 6_210,
        hotspots: vec![hotspot("reports/build.py", "build_report", 900, 148, 412)],
        score_terms: vec![term("Function size", 0.25, 0.05), term("Documentation", 0.05, 1.0)],
        has_documentation: true,
        metrics: Metrics {
            function_length_avg: 64.0,
            function_length_max: 900,
            function_count: 88,
            nesting_depth_max: 9,
            comment_ratio: 0.02,
            duplication_ratio: 0.14,
            lines_too_long_pct: 11.0,
            ..Metrics::default()
        },
        ..blank()
    }
}

fn tiny() -> Analysis {
    Analysis {
        primary_language: Some("Lua".into()),
        languages: vec![language("Lua", 38, 1.0)],
        repo_size_kb: 4,
        entries: 2,
        sloc: 38,
        metrics: Metrics { function_count: 2, function_length_avg: 9.0, function_length_max: 14, ..Metrics::default() },
        ..blank()
    }
}

fn monolith() -> Analysis {
    Analysis {
        code_quality_score: Some(6.4),
        primary_language: Some("Go".into()),
        languages: vec![language("Go", 1_802_344, 0.91), language("Shell", 178_000, 0.09)],
        repo_size_kb: 412_000,
        entries: 22_400,
        sloc: 1_980_344,
        has_ci: true,
        has_documentation: true,
        has_license: true,
        hotspots: vec![hotspot("pkg/apis/validation/validate.go", "ValidateEverything", 612, 164, 201)],
        left_out: vec![left_out(LeftOutReason::Vendored, 5_120), left_out(LeftOutReason::Generated, 1_400)],
        distributions: Distributions { file_length: [0.2, 0.2, 0.15, 0.45], ..Distributions::default() },
        score_terms: vec![term("Tests", 0.15, 0.98), term("File size", 0.05, 0.2)],
        metrics: Metrics {
            function_length_avg: 19.0,
            function_length_max: 612,
            function_count: 71_003,
            nesting_depth_max: 8,
            comment_ratio: 0.18,
            has_tests: true,
            test_ratio: 0.41,
            has_type_hints: true,
            duplication_ratio: 0.09,
            ..Metrics::default()
        },
        ..blank()
    }
}

fn immaculate() -> Analysis {
    Analysis {
        code_quality_score: Some(9.6),
        primary_language: Some("Rust".into()),
        languages: vec![language("Rust", 4_812, 1.0)],
        repo_size_kb: 640,
        entries: 58,
        sloc: 4_812,
        has_ci: true,
        has_documentation: true,
        has_license: true,
        score_terms: vec![term("Function size", 0.25, 0.99), term("Tests", 0.15, 1.0)],
        metrics: Metrics {
            function_length_avg: 8.0,
            function_length_max: 31,
            function_count: 412,
            nesting_depth_max: 2,
            comment_ratio: 0.21,
            has_tests: true,
            test_ratio: 0.38,
            has_type_hints: true,
            duplication_ratio: 0.01,
            ..Metrics::default()
        },
        ..blank()
    }
}

fn javascript() -> Analysis {
    Analysis {
        code_quality_score: Some(4.7),
        primary_language: Some("JavaScript".into()),
        languages: vec![language("JavaScript", 8_900, 0.78), language("CSS", 2_500, 0.22)],
        repo_size_kb: 7_800,
        entries: 210,
        sloc: 11_400,
        has_documentation: true,
        has_license: true,
        hotspots: vec![hotspot("src/app.js", "<anonymous>", 184, 28, 44)],
        left_out: vec![left_out(LeftOutReason::Minified, 6)],
        metrics: Metrics {
            line_length_max: 2_104,
            function_length_avg: 14.0,
            function_length_max: 184,
            function_count: 903,
            nesting_depth_max: 6,
            comment_ratio: 0.05,
            ..Metrics::default()
        },
        ..blank()
    }
}

fn no_code() -> Analysis {
    Analysis {
        repo_size_kb: 96,
        entries: 12,
        has_documentation: true,
        has_license: true,
        left_out: vec![left_out(LeftOutReason::NotCode, 11)],
        ..blank()
    }
}

/// Three commits' texts, for reading.
fn sheet(analysis: &Analysis, name: &str, owner: &str) -> String {
    let of = |commit: &str| {
        let Texts { story, meme_text_top, meme_text_bottom } = texts(analysis, name, owner, commit);
        format!("{story}\n  {meme_text_top} / {meme_text_bottom}")
    };
    ["a1", "b2", "c3"].map(of).join("\n\n")
}

#[test]
fn six_repositories_and_their_stories() {
    insta::assert_snapshot!("tiny", sheet(&tiny(), "moonlight", "ada"));
    insta::assert_snapshot!("monolith", sheet(&monolith(), "megacluster", "bigcorp"));
    insta::assert_snapshot!("immaculate", sheet(&immaculate(), "tidy-crate", "grace"));
    insta::assert_snapshot!("javascript", sheet(&javascript(), "shopfront", "webshop"));
    insta::assert_snapshot!("python", sheet(&python(), "monthly-numbers", "finance"));
    insta::assert_snapshot!("no_code", sheet(&no_code(), "awesome-lists", "someone"));
}
