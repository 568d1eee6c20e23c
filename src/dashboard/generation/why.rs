//! Why this cat: the parts of its score, and what each attribute comes from.

use maud::{Markup, html};

use crate::dashboard::parts::card::card;
use crate::dashboard::parts::chart::{Bar, bars};
use crate::dashboard::parts::table::{Column, table};
use crate::model::amount::percent;
use crate::model::generation::Generation;
use crate::model::why::{Reason, Why};

/// The score's parts as bars, and the attributes with their reasons; nothing where another program made the cat.
pub(super) fn cards(cat: &Generation) -> Markup {
    let (Some(attributes), Some(analysis)) = (&cat.cat_attributes, &cat.analysis_data) else { return html! {} };
    let Some(why) = Why::of_stored(attributes, analysis) else { return html! {} };
    html! { div.grid { (score(&why)) (reasons(&why.attributes)) } }
}

fn score(why: &Why) -> Markup {
    let most = why.score_terms.iter().map(|term| term.weight).fold(f64::MIN_POSITIVE, f64::max);
    let list: Vec<Bar> = why
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
            @match why.score {
                Some(score) => p {
                    strong.big { (format!("{score:.1}")) } " of 10, by the rules " code { (why.score_model) } ", trusted "
                    (percent(why.confidence))
                }
                None => p { "No score: " (why.score_reason.as_deref().unwrap_or("there is too little code")) }
            }
            @if !list.is_empty() {
                (bars("Parts of the score", &list))
                p.small.muted { "A part can give as many points as its bar is long; the filled length is what it gave." }
            }
        },
    )
}

fn reasons(reasons: &[Reason]) -> Markup {
    let rows = reasons.iter().map(|reason| {
        vec![
            html! { (reason.attribute) },
            html! { strong { (reason.value.replace('_', " ")) } },
            html! { (reason.because) },
        ]
    });
    let columns = [Column::text("Attribute"), Column::text("Is"), Column::text("Because")];
    card("From measure to cat", &table("What each attribute of the cat comes from", &columns, rows))
}
