//! Why this cat: the parts of its score, and what each attribute comes from.

use maud::{Markup, html};
use serde_json::Value;

use crate::dashboard::parts::card::card;
use crate::dashboard::parts::chart::{Bar, bars};
use crate::dashboard::parts::table::{Column, table};
use crate::model::amount::percent;
use crate::model::analysis::Analysis;
use crate::model::generation::Generation;

/// The score's parts as bars, and the attributes with their reasons.
pub(super) fn cards(cat: &Generation, analysis: Option<&Analysis>) -> Markup {
    html! {
        div.grid {
            @if let Some(analysis) = analysis { (score(analysis)) }
            (attributes(cat, analysis))
        }
    }
}

fn score(analysis: &Analysis) -> Markup {
    let most = analysis.score_terms.iter().map(|term| term.weight).fold(f64::MIN_POSITIVE, f64::max);
    let list: Vec<Bar> = analysis
        .score_terms
        .iter()
        .map(|term| Bar {
            name: html! { (term.label) },
            share: term.weight * term.value / most,
            of: term.weight / most,
            value: format!("{:.2} of {:.2} points", term.contribution, term.weight * 10.0),
            note: html! { (term.because) },
        })
        .collect();
    card(
        "Why this score",
        &html! {
            @match analysis.code_quality_score {
                Some(score) => p { strong.big { (format!("{score:.1}")) } " of 10, by the rules " code { (analysis.score_model) } ", trusted " (percent(analysis.confidence)) }
                None => p { "No score: " (analysis.score_reason.as_deref().unwrap_or("there is too little code")) }
            }
            @if !list.is_empty() {
                (bars("Parts of the score", &list))
                p.small.muted { "A part can give as many points as its bar is long; the filled length is what it gave." }
            }
        },
    )
}

fn attributes(cat: &Generation, analysis: Option<&Analysis>) -> Markup {
    let Some(Value::Object(words)) = &cat.cat_attributes else { return html! {} };
    let word = |key: &str| match words.get(key) {
        Some(Value::String(word)) => Some(word.replace('_', " ")),
        _ => None,
    };
    let known = ["breed", "color", "size", "age", "expression", "background"];
    let rows = known.into_iter().filter_map(|key| {
        Some(vec![html! { (key) }, html! { strong { (word(key)?) } }, html! { (reason(key, analysis)) }])
    });
    card(
        "From measure to cat",
        &table(
            "What each attribute of the cat comes from",
            &[Column::text("Attribute"), Column::text("Is"), Column::text("Because")],
            rows,
        ),
    )
}

/// The measure behind an attribute, in words.
fn reason(attribute: &str, analysis: Option<&Analysis>) -> String {
    let Some(analysis) = analysis else { return "it is not known any more".to_owned() };
    let language = analysis.primary_language.as_deref().unwrap_or("no language");
    let score = analysis.code_quality_score.map_or_else(|| "no score".to_owned(), |score| format!("score {score:.1}"));
    match attribute {
        "breed" | "background" => format!("most of the code is {language}"),
        "color" => "chosen by repository and commit, of those that the breed comes in".to_owned(),
        "size" => format!("{} KB at this commit", crate::model::figures::grouped(analysis.repo_size_kb)),
        "age" => score,
        _ => format!("{score}, {}", if analysis.metrics.has_tests { "with tests" } else { "without tests" }),
    }
}
