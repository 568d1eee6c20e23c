//! The card of a cat: what it is, why, its story, where its picture is.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::amount::duration;
use super::analysis;
use super::lists;
use super::look::Look;
use super::section::section;
use super::text::{fit, pad, safe, wrap};
use crate::model::analysis::Analysis;
use crate::model::generation::Generation;
use crate::model::progress::Step;

/// What is on the card beside the row: what only the caller knows.
#[derive(Debug, Clone, Default)]
pub struct Extras {
    /// The file of the captioned picture.
    pub picture: Option<PathBuf>,
    /// The file of the picture without caption.
    pub original: Option<PathBuf>,
    /// Commands to type next, each with what it does.
    pub next: Vec<(String, String)>,
}

/// The card.
#[must_use]
pub fn render(cat: &Generation, extras: &Extras, look: &Look) -> String {
    let mut lines = vec![look.heading(&fit(&title(cat), look.width)), look.dim(&"─".repeat(look.text_width()))];
    lines.push(look.dim(&format!("id {}", cat.id)));
    lines.push(String::new());

    let stored = cat.analysis_data.clone().and_then(|data| serde_json::from_value::<Analysis>(data).ok());
    match (&stored, cat.code_quality_score) {
        (Some(stored), _) => lines.extend(analysis::score(stored, look)),
        (None, Some(score)) if score.is_nan() => lines.push("No score: what was stored is no number".to_owned()),
        (None, Some(score)) => lines.push(format!("{} {score:.1} of 10", look.heading("Score"))),
        (None, None) => lines.push("No score".to_owned()),
    }
    if let Some(stored) = &stored {
        section(&mut lines, "Why this cat", analysis::terms(&stored.score_terms, look), look);
    }
    section(&mut lines, "Attributes", attributes(cat), look);
    let story = cat.story.as_deref().map(|story| wrap(story, look.text_width() - 2)).unwrap_or_default();
    section(&mut lines, "Story", story, look);
    let captions = [&cat.meme_text_top, &cat.meme_text_bottom]
        .into_iter()
        .flatten()
        .flat_map(|line| wrap(line, look.text_width() - 2))
        .collect();
    section(&mut lines, "Caption", captions, look);
    section(&mut lines, "Picture", pictures(cat, extras), look);
    section(&mut lines, "Time", times(cat, look), look);
    let command_width = extras.next.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    let next = |(command, what): &(String, String)| format!("{command:command_width$}  {}", look.dim(what));
    section(&mut lines, "Next", extras.next.iter().map(next).collect(), look);
    lines.join("\n") + "\n"
}

fn title(cat: &Generation) -> String {
    let name = lists::name(cat);
    match cat.commit_oid.as_deref().and_then(|oid| oid.get(..12)) {
        Some(commit) => format!("{name} at {commit}"),
        None => name,
    }
}

/// The words that the cat is made of, two a line; whatever else the founding application kept there stays out.
fn attributes(cat: &Generation) -> Vec<String> {
    let Some(Value::Object(values)) = &cat.cat_attributes else { return Vec::new() };
    let word = |key: &str| match values.get(key) {
        Some(Value::String(text)) => Some(text.replace('_', " ")),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let known = ["breed", "color", "size", "age", "expression", "language"];
    let cells: Vec<String> =
        known.iter().filter_map(|key| Some(format!("{} {}", pad(key, 11), pad(&word(key)?, 22)))).collect();
    let mut lines: Vec<String> = cells.chunks(2).map(|pair| pair.join(" ").trim_end().to_owned()).collect();
    if let Some(Value::String(background)) = values.get("background") {
        lines.push(format!("{} {}", pad("background", 11), fit(background, 64)));
    }
    lines
}

fn pictures(cat: &Generation, extras: &Extras) -> Vec<String> {
    let shown = |file: &Option<PathBuf>, key: &Option<String>| match (file, key) {
        (Some(file), _) => Some(safe(&file.to_string_lossy())),
        (None, Some(key)) => Some(safe(key)),
        (None, None) => None,
    };
    // Paths are not cut: people copy them.
    let captioned = shown(&extras.picture, &cat.image_path).map(|path| format!("{} {path}", pad("captioned", 11)));
    let original =
        shown(&extras.original, &cat.original_image_path).map(|path| format!("{} {path}", pad("original", 11)));
    captioned.into_iter().chain(original).collect()
}

fn times(cat: &Generation, look: &Look) -> Vec<String> {
    let Some(Value::Object(seconds)) = &cat.step_seconds else { return Vec::new() };
    let taken =
        |step: Step| seconds.get(step.name())?.as_f64().and_then(|taken| Duration::try_from_secs_f64(taken).ok());
    let steps: Vec<(Step, Duration)> = Step::ALL.iter().filter_map(|&step| Some((step, taken(step)?))).collect();
    if steps.is_empty() {
        return Vec::new();
    }
    let cells: Vec<String> =
        steps.iter().map(|(step, taken)| format!("{} {:>9}", pad(step.name(), 11), duration(*taken))).collect();
    let mut lines: Vec<String> = cells.chunks(3).map(|three| three.join("    ")).collect();
    let sum = duration(steps.iter().map(|(_, taken)| *taken).sum());
    lines.push(format!("{} {}", look.heading(&pad("together", 11)), look.heading(&format!("{sum:>9}"))));
    lines
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::DateTime;
    use serde_json::json;
    use uuid::Uuid;

    use super::super::analysis::tests::example;
    use super::super::steps::tests::screen;
    use super::super::text::width;
    use super::*;

    /// A cat with everything that one can have.
    pub fn cat() -> Generation {
        Generation {
            id: Uuid::from_u128(0x0198_c0de_0000_7000_8000_0000_0000_0001),
            created_at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            github_url: "https://github.com/owner/name".into(),
            repo_owner: Some("owner".into()),
            repo_name: Some("name".into()),
            commit_oid: Some("1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d".into()),
            primary_language: Some("Rust".into()),
            repo_size_kb: Some(4321),
            code_quality_score: Some(7.4),
            cat_attributes: Some(json!({
                "size": "medium", "age": "adult", "breed": "maine_coon", "color": "seal_point", "beauty_score": 7.4,
                "expression": "neutral", "background": "brass gears, and a crab that guards them", "language": "Rust"
            })),
            analysis_data: Some(serde_json::to_value(example()).unwrap()),
            score_model: Some("2026-11.1".into()),
            image_path: Some("images/v1/ab/cd/abcd.png".into()),
            original_image_path: Some("images/v1/01/23/0123.png".into()),
            image_prompt: Some("a cat".into()),
            story: Some(
                "This cat has read the book twice. It owns 6,120 functions and tests a handful of them. \
                         `parse_everything_at_once` is where it hides from visitors. Pet it, but do not refactor it."
                    .into(),
            ),
            meme_text_top: Some("BORROW CHECKED".into()),
            meme_text_bottom: Some("STILL NO TESTS".into()),
            degraded: false,
            step_seconds: Some(json!({
                "fetch": 1.24, "analyse": 4.101, "attributes": 0.0, "texts": 0.002, "prompt": 0.0, "paint": 0.14,
                "caption": 0.03, "store": 0.009
            })),
            user_id: None,
        }
    }

    fn extras() -> Extras {
        let next = |command: &str, what: &str| (command.to_owned(), what.to_owned());
        Extras {
            picture: Some("/var/lib/repo-to-cat/images/v1/ab/cd/abcd.png".into()),
            original: None,
            next: vec![
                next("repo-to-cat generations list", "every cat so far"),
                next("repo-to-cat demo https://github.com/owner/name", "another one"),
            ],
        }
    }

    #[test]
    fn a_card_looks_like_this() {
        let card = render(&cat(), &extras(), &screen(80));
        for line in card.lines() {
            assert!(width(line) <= 80, "{line}");
        }
        insta::assert_snapshot!(card);
    }

    #[test]
    fn a_row_of_the_founding_application_has_a_card_too() {
        let bare = Generation {
            repo_owner: None,
            commit_oid: None,
            cat_attributes: Some(json!({"size": "chonky", "color": "orange"})),
            analysis_data: Some(json!({"code_quality_score": 7.4})),
            step_seconds: None,
            original_image_path: None,
            ..cat()
        };
        insta::assert_snapshot!(render(&bare, &Extras::default(), &screen(80)));
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let colored = render(&cat(), &extras(), &Look { has_color: true, ..screen(80) });
        assert!(colored.contains('\u{1b}'));
        let mut plain = String::new();
        let mut rest = colored.as_str();
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            plain.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        assert_eq!(plain + rest, render(&cat(), &extras(), &screen(80)));
    }
}
