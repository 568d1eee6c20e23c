//! The analysis as people read it.

use maud::{Markup, html};

use crate::dashboard::parts::card::{card, facts};
use crate::dashboard::parts::chart::{Band, bands};
use crate::dashboard::parts::table::{Column, table};
use crate::model::amount::{bytes, percent};
use crate::model::analysis::{Analysis, LanguageShare};
use crate::model::figures::{counted, grouped};

/// Languages that have a colour of their own.
const LANGUAGES: usize = 7;

/// Everything in it, a box for each part.
pub(super) fn cards(analysis: &Analysis) -> Markup {
    html! {
        div.grid {
            (languages(analysis))
            (distributions(analysis))
            (measures(analysis))
            (advice(analysis))
            (hotspots(analysis))
            (left_out(analysis))
        }
    }
}

fn languages(analysis: &Analysis) -> Markup {
    // Prose without a line of code says nothing here.
    let with_code: Vec<&LanguageShare> = analysis.languages.iter().filter(|language| language.sloc > 0).collect();
    let (shown, rest) = with_code.split_at(with_code.len().min(LANGUAGES));
    let mut parts: Vec<Band> =
        shown.iter().map(|language| Band { name: language.name.clone(), share: language.share }).collect();
    if !rest.is_empty() {
        let share = rest.iter().map(|language| language.share).sum();
        parts.push(Band { name: counted(rest.len() as u64, "other", "others"), share });
    }
    let rows = with_code.iter().map(|language| {
        vec![
            html! { (language.name) },
            html! { (percent(language.share)) },
            html! { (grouped(language.sloc)) },
            html! { (grouped(language.comments)) },
            html! { (grouped(language.files)) },
        ]
    });
    let columns = [
        Column::text("Language"),
        Column::number("Share"),
        Column::number("Lines"),
        Column::number("Comments"),
        Column::number("Files"),
    ];
    card(
        "Languages",
        &html! {
            @if with_code.is_empty() { p.muted { "No language was recognised." } }
            @else { (bands("Languages by lines of code", "kinds", &parts)) (table("Languages", &columns, rows)) }
        },
    )
}

fn distributions(analysis: &Analysis) -> Markup {
    let told = &analysis.distributions;
    let charts: [(&str, [&str; 4], [f64; 4]); 5] = [
        ("Function length, in lines", ["up to 15", "16 to 30", "31 to 60", "over 60"], told.function_length),
        ("Cognitive complexity", ["up to 5", "6 to 15", "16 to 25", "over 25"], told.cognitive),
        ("Cyclomatic complexity", ["up to 5", "6 to 10", "11 to 25", "over 25"], told.cyclomatic),
        ("Nesting", ["up to 2", "3", "4", "over 4"], told.nesting),
        ("File length, in lines of code", ["up to 200", "201 to 500", "501 to 1,000", "over 1,000"], told.file_length),
    ];
    let measured = charts.iter().filter(|(_, _, shares)| shares.iter().sum::<f64>() > 0.0);
    card(
        "How much of the code is how long and how complex",
        &html! {
            @for (label, names, shares) in measured {
                div.stack.tight {
                    h3 { (label) }
                    (bands(label, "risk", &names.iter().zip(shares).map(|(name, share)| Band { name: (*name).to_owned(), share: *share }).collect::<Vec<_>>()))
                }
            }
            @if charts.iter().all(|(_, _, shares)| shares.iter().sum::<f64>() <= 0.0) { p.muted { "There is no function to measure." } }
        },
    )
}

fn measures(analysis: &Analysis) -> Markup {
    let metrics = &analysis.metrics;
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let spread = |mean: f64, most: u64| format!("{mean:.1} on average, {} at most", grouped(most));
    let pairs = [
        ("Lines of code", grouped(analysis.sloc)),
        ("Size", bytes(analysis.repo_size_kb.saturating_mul(1024))),
        ("Entries", grouped(analysis.entries)),
        ("Files parsed", grouped(analysis.files_parsed)),
        ("Functions", grouped(metrics.function_count)),
        ("Function length", spread(metrics.function_length_avg, metrics.function_length_max)),
        ("Nesting", spread(metrics.nesting_depth_avg, metrics.nesting_depth_max)),
        ("Cyclomatic complexity", spread(metrics.complexity_avg, metrics.complexity_max)),
        ("Cognitive complexity", spread(metrics.cognitive_avg, metrics.cognitive_max)),
        ("Line length", spread(metrics.line_length_avg, metrics.line_length_max)),
        ("Comments", percent(metrics.comment_ratio)),
        ("In tests", percent(metrics.test_ratio)),
        ("Duplicated", percent(metrics.duplication_ratio)),
        ("Types", yes(metrics.has_type_hints)),
        ("Continuous integration", yes(analysis.has_ci)),
        ("Documentation", yes(analysis.has_documentation)),
        ("Licence", yes(analysis.has_license)),
    ];
    card("Measures", &html! { p { (analysis.summary) } (facts(pairs.map(|(name, value)| (name, html! { (value) })))) })
}

fn advice(analysis: &Analysis) -> Markup {
    let lists = [
        ("Strengths", &analysis.strengths),
        ("Weaknesses", &analysis.weaknesses),
        ("What to do first", &analysis.recommendations),
    ];
    html! {
        @if lists.iter().any(|(_, sentences)| !sentences.is_empty()) {
            (card("What to make of it", &html! {
                @for (title, sentences) in lists.iter().filter(|(_, sentences)| !sentences.is_empty()) {
                    div.stack.tight { h3 { (title) } ul.plain { @for sentence in *sentences { li { (sentence) } } } }
                }
            }))
        }
    }
}

fn hotspots(analysis: &Analysis) -> Markup {
    let columns = [
        Column::text("Function"),
        Column::number("Lines"),
        Column::number("Cognitive"),
        Column::number("Cyclomatic"),
        Column::number("Nesting"),
    ];
    let rows = analysis.hotspots.iter().map(|spot| {
        let function = &spot.function;
        vec![
            html! { code { (function.name) } br; span.small.muted { (spot.path) ":" (function.line) } },
            html! { (grouped(function.length)) },
            html! { (grouped(function.cognitive)) },
            html! { (grouped(function.cyclomatic)) },
            html! { (grouped(function.nesting)) },
        ]
    });
    html! {
        @if !analysis.hotspots.is_empty() {
            (card("Most in need of care", &table("Functions most in need of care", &columns, rows)))
        }
    }
}

fn left_out(analysis: &Analysis) -> Markup {
    let columns = [Column::text("Why"), Column::number("Files"), Column::number("Size"), Column::text("Such as")];
    let rows = analysis.left_out.iter().map(|left| {
        let reason = serde_json::to_value(left.reason).ok();
        let reason = reason.as_ref().and_then(|word| word.as_str()).unwrap_or_default().replace('_', " ");
        vec![
            html! { (reason) },
            html! { (grouped(left.files)) },
            html! { (bytes(left.bytes)) },
            html! { span.small { (left.examples.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ")) } },
        ]
    });
    html! {
        @if !analysis.left_out.is_empty() || !analysis.notes.is_empty() {
            (card("Left out of the score", &html! {
                @if !analysis.left_out.is_empty() { (table("Files left out of the score", &columns, rows)) }
                @if !analysis.notes.is_empty() {
                    details {
                        summary { (counted(analysis.notes.len() as u64, "note", "notes")) " on single files" }
                        ul.plain { @for note in &analysis.notes { li { code { (note.path) } " " (note.note) } } }
                    }
                }
            }))
        }
    }
}
