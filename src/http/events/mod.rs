//! `/v1/generations/{id}/events` and `/v1/events`: what happens, told as it happens (server-sent events).
//!
//! Nothing is written down for this: [`story`] tells one generation's events from what is kept of it, [`feed`] looks up
//! what happens to all jobs, once for all who listen. Streams are pulled: a client that does not read holds its place and
//! no memory.

mod all;
mod feed;
mod places;
mod story;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt as _, stream};
use serde::Deserialize;
use tokio::time::sleep;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Site;
use super::auth::{Reader, identify};
use super::error::{Details, Problem};
use super::input::{Id, Params};
use super::refusals::OfFinding;
use crate::db::events::Story;
use crate::db::{generations, inspect};
use crate::model::failure::Kind;
use crate::model::token::Scope;
pub use feed::{Feed, Pace};
use story::Seen;

/// How long a client is asked to wait before it comes back.
const RETRY: Duration = Duration::from_secs(2);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(of_generation)).routes(routes!(of_all))
}

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Since {
    /// The id of the last event that was received, as in the header `Last-Event-ID`, which wins.
    last_event_id: Option<String>,
}

/// The id of the last event that the client received.
fn last_event_id(headers: &HeaderMap, since: Since) -> Option<String> {
    let header = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(ToOwned::to_owned);
    header.or(since.last_event_id).filter(|id| !id.is_empty())
}

/// Follows one generation to its end: `state`, `step`, `progress`, `attempt` and, last, `end`. Who comes back with the id of
/// the last event gets what was missed; after the end, 204, upon which browsers stay away.
#[utoipa::path(
    get, path = "/v1/generations/{id}/events", tag = "events", operation_id = "events_of_generation", security(("token" = ["read"])),
    params(("id" = Uuid, Path, description = "The generation"), Since,
           ("last-event-id" = Option<String>, Header, description = "The id of the last event that was received")),
    responses(
        (status = 200, description = "Events, until it ends", body = String, content_type = "text/event-stream"),
        (status = 204, description = "All was told"),
        OfFinding,
        (status = 503, description = "Too many streams are open", body = Details, content_type = "application/problem+json"),
    )
)]
async fn of_generation(
    State(site): State<Site>,
    Reader(caller): Reader,
    Id(id): Id,
    headers: HeaderMap,
    Params(since): Params<Since>,
) -> Result<Response, Problem> {
    let seen = last_event_id(&headers, since).and_then(|id| id.parse::<Seen>().ok());
    let place = site.feed.places().take(caller.token_id)?;
    let Some(news) = site.feed.follow(&site.db, &site.stop, id).await? else {
        // An imported one had no job, and old jobs are forgotten: nothing more happens to either.
        return match generations::get(&site.db, id).await? {
            Some(_) => Ok(StatusCode::NO_CONTENT.into_response()),
            None => Err(inspect::unknown(id).into()),
        };
    };
    let is_over = |story: &Story| story.finished_at.is_some();
    let first = Arc::clone(&news.borrow());
    if let Some(seen) = seen
        && is_over(&first)
        && story::tell(seen, &first).is_empty()
    {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    // The place is held for as long as the stream.
    let told = stream::unfold((Some(news), seen.unwrap_or_default(), place), move |(news, seen, place)| async move {
        let mut news = news?;
        // An error means that nobody looks any more: the service stops.
        news.changed().await.ok()?;
        let story = Arc::clone(&news.borrow_and_update());
        let told = story::tell(seen, &story);
        let seen = told.last().map_or(seen, |(_, _, seen)| *seen);
        let events: Vec<_> =
            told.into_iter().map(|(name, data, seen)| event(name, &seen.to_string(), data.to_string())).collect();
        Some((stream::iter(events), ((!is_over(&story)).then_some(news), seen, place)))
    });
    Ok(answer(&site, headers, told.flatten()))
}

/// Tells what happens to all jobs: `state` when one is enqueued, `end` when one ended, and `stats`, how many there are,
/// while that changes. Who comes back with the id of the last event gets what was missed of the last hour, 1000 events at
/// most; else `reset`, upon which it is to look anew.
#[utoipa::path(
    get, path = "/v1/events", tag = "events", operation_id = "events_of_all", security(("token" = ["read"])),
    params(Since, ("last-event-id" = Option<String>, Header, description = "The id of the last event that was received")),
    responses(
        (status = 200, description = "Events, without end", body = String, content_type = "text/event-stream"),
        (status = 503, description = "Too many streams are open", body = Details, content_type = "application/problem+json"),
    )
)]
async fn of_all(
    State(site): State<Site>,
    Reader(caller): Reader,
    headers: HeaderMap,
    Params(since): Params<Since>,
) -> Result<Response, Problem> {
    let last = last_event_id(&headers, since);
    let place = site.feed.places().take(caller.token_id)?;
    let told = all::stream(&site, last.as_deref(), place).await?;
    Ok(answer(&site, headers, told))
}

fn event(name: &str, id: &str, data: String) -> Event {
    Event::default().event(name).id(id).data(data)
}

/// A stream of events that ends when the service stops, or when who listens, as the headers of the request tell, may not any
/// more.
fn answer(site: &Site, asked: HeaderMap, told: impl Stream<Item = Event> + Send + 'static) -> Response {
    let (listening, stop) = (site.clone(), site.stop.clone());
    let end = async move { _ = stop.run_until_cancelled(refused(&listening, &asked)).await };
    let hint = stream::iter([Event::default().retry(RETRY)]);
    let told = hint.chain(told).take_until(Box::pin(end)).map(Ok::<_, Infallible>);
    let alive = KeepAlive::new().interval(site.feed.heartbeat());
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
        // nginx keeps answers back otherwise.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Sse::new(told).keep_alive(alive)).into_response()
}

/// Returns when what was shown by these headers lets nobody look any more. While that cannot be found out, it does.
async fn refused(site: &Site, headers: &HeaderMap) {
    loop {
        sleep(site.feed.check()).await;
        match identify(site, headers, &Method::GET).await {
            Ok(caller) if caller.require(Scope::Read).is_ok() => {}
            Err(failure) if failure.kind() != Kind::Unauthorized => {}
            _ => return,
        }
    }
}
