//! The cats that a repository had before, and since.

use maud::{Markup, html};

use crate::dashboard::gallery::name;
use crate::dashboard::parts::card::card_with;
use crate::dashboard::parts::chart::spark;
use crate::dashboard::parts::link::href;
use crate::dashboard::parts::table::{Column, table};
use crate::dashboard::parts::time;
use crate::dashboard::visitor::Visitor;
use crate::db::Db;
use crate::db::generations::{self, GenerationFilter};
use crate::model::failure::Result;
use crate::model::generation::Generation;

/// Cats that are shown.
const CATS: i64 = 20;

/// The last cats of a cat's repository, the newest first.
pub(super) async fn of(db: &Db, cat: &Generation) -> Result<Vec<Generation>> {
    let filter = GenerationFilter { url: Some(cat.github_url.clone()), limit: CATS, ..GenerationFilter::default() };
    generations::list(db, &filter).await
}

/// How the score went, and each cat.
pub(super) fn card(cat: &Generation, past: &[Generation], visitor: &Visitor) -> Markup {
    let score = |cat: &Generation| cat.code_quality_score.filter(|score| !score.is_nan());
    let scores: Vec<f64> = past.iter().rev().filter_map(score).collect();
    let columns =
        [Column::text("Painted"), Column::number("Score"), Column::text("Commit"), Column::of_actions("Open")];
    let rows = past.iter().map(|one| {
        vec![
            time::ago(one.created_at, visitor.now),
            html! { (score(one).map_or_else(|| "none".to_owned(), |score| format!("{score:.1}"))) },
            html! { code { (one.commit_oid.as_deref().and_then(|oid| oid.get(..12)).unwrap_or("–")) } },
            html! {
                @if one.id == cat.id { span.muted { "this one" } }
                @else { a href={ "/generations/" (one.id) } { "Open" span.heard { " the cat of " (one.created_at.format("%Y-%m-%d %H:%M")) } } }
            },
        ]
    });
    let more = html! { a href=(href("/gallery", &[("repository", &name(cat))])) { "All in the gallery" } };
    card_with(
        "This repository over time",
        &more,
        &html! {
            @if scores.len() > 1 {
                @let ends = (scores.first().copied().unwrap_or_default(), scores.last().copied().unwrap_or_default());
                p.trend {
                    (spark(&format!("Score over time, from {:.1} to {:.1}", ends.0, ends.1), &scores, (0.0, 10.0)))
                    span { "from " (format!("{:.1}", ends.0)) " to " strong { (format!("{:.1}", ends.1)) } }
                }
            }
            (table("Cats of this repository, the newest first", &columns, rows))
        },
    )
}
