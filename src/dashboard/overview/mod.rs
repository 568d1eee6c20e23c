//! How all does, at a glance; each figure leads to what is behind it.

mod disk;
mod health;
mod pace;
mod queue;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use maud::{Markup, html};

use super::Routes;
use super::gallery::{ask, strip};
use super::page::{Nav, Page, page};
use super::parts::badge::Tone;
use super::parts::card::tile;
use super::parts::{amount, empty::empty, time};
use super::visitor::Visitor;
use crate::db::backups;
use crate::db::generations::{self, GenerationFilter};
use crate::db::schedules::{self, ScheduleRow};
use crate::db::stats::{self, Amount, Fault, KindStats, Part, Stats};
use crate::http::{Problem, Site};
use crate::model::backup::Standing;
use crate::model::generation::Generation;

/// Cats that are shown.
const CATS: i64 = 6;

pub(super) fn routes() -> Routes {
    Router::new().route("/", get(show))
}

/// Everything that is on the page.
struct Overview {
    stats: Stats,
    trend: Option<Vec<Part>>,
    faults: Vec<Fault>,
    schedules: Vec<ScheduleRow>,
    standings: Vec<Standing>,
    cats: Vec<Generation>,
    fresh_hours: u64,
}

async fn show(State(site): State<Site>, visitor: Visitor) -> Result<Page, Problem> {
    let db = &site.db;
    let newest = GenerationFilter { limit: CATS, ..GenerationFilter::default() };
    // Together: none waits for another, and the page is as slow as the slowest.
    let (stats, trend, faults, schedules, standings, cats) = tokio::try_join!(
        stats::stats(db, None),
        stats::trend(db, &site.past),
        stats::faults(db),
        schedules::list(db),
        backups::standings(db),
        generations::list(db, &newest),
    )?;
    let fresh_hours = site.config.backup.fresh_hours;
    let overview = Overview { stats, trend, faults, schedules, standings, cats, fresh_hours };
    let content = html! {
        // Not in what renews itself: what is being typed would be lost.
        (ask::form(&visitor))
        div.stack #overview data-live { (overview.render(&visitor, &disk::card(&site.config))) }
    };
    Ok(page("Overview", Nav::Overview, &visitor, &content))
}

impl Overview {
    fn render(&self, visitor: &Visitor, disk: &Markup) -> Markup {
        html! {
            @if let Some(held) = &self.stats.held {
                div.flash.warn role="status" {
                    span.mark aria-hidden="true" { "!" }
                    p { strong { "The queue is held. " } (held.because) ". " a href="/queues" { "Look, and say go" } "." }
                }
            }
            div.tiles { (self.tiles()) }
            div.grid {
                (pace::throughput(self.trend.as_deref()))
                (pace::waits(self.trend.as_deref()))
                (queue::kinds(&self.stats))
                (queue::faults(&self.faults))
                (queue::workers(&self.stats))
                (health::slots(&self.schedules, visitor.now))
                (health::backups(&self.standings, self.fresh_hours))
                (disk)
                (self.newest())
            }
        }
    }

    fn tiles(&self) -> Markup {
        let sum = |of: fn(&KindStats) -> Option<Amount>| self.stats.kinds.iter().filter_map(of).sum::<Amount>();
        let waiting = sum(|kind| Some(kind.available));
        let running = sum(|kind| Some(kind.running));
        let completed = sum(|kind| kind.recent.as_ref().map(|recent| recent.completed_last_hour));
        let discarded = sum(|kind| kind.recent.as_ref().map(|recent| recent.discarded_last_hour));
        let oldest = self.stats.kinds.iter().filter_map(|kind| kind.oldest_seconds).reduce(f64::max);
        let alive = self.stats.workers.iter().filter(|worker| !worker.lapsed).count();
        html! {
            (tile("Waiting", &amount::text(waiting), &html! {
                @if oldest.is_some() { "oldest for " (time::lasting(oldest)) } @else { "nobody waits" }
            }, "/jobs?state=available", Tone::Plain))
            (tile("Running", &amount::text(running), &html! { "right now" }, "/jobs?state=running", Tone::Busy))
            (tile("Completed", &amount::text(completed), &html! { "in the last hour" }, "/jobs?state=completed&ended_since=1h", Tone::Good))
            (tile("Discarded", &amount::text(discarded), &html! { "in the last hour" }, "/jobs?state=discarded&ended_since=1h",
                  if discarded.jobs > 0 { Tone::Bad } else { Tone::Plain }))
            (tile("Workers", &alive.to_string(), &html! { "with a good lease" }, "/queues",
                  if alive > 0 { Tone::Good } else { Tone::Warn }))
            (health::verified(&self.standings, self.fresh_hours))
        }
    }

    fn newest(&self) -> Markup {
        html! {
            section.card.wide {
                div.head { h2 { "Newest cats" } a href="/gallery" { "All of them" } }
                @if self.cats.is_empty() {
                    (empty("No cats yet.", &html! {
                        p { "Ask for one here, or in a shell, and watch it grow:" }
                        pre { code { "repo-to-cat enqueue https://github.com/owner/name" } }
                    }))
                } @else { (strip(&self.cats)) }
            }
        }
    }
}
