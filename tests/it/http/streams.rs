//! Streams of events within one process: signs of life, how many there may be, how they end.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, Response};
use futures_util::StreamExt as _;
use repo_to_cat::backup::yard::Premises;
use repo_to_cat::config::{Auth, Config, Environment, Layers};
use repo_to_cat::db::{tokens, users};
use repo_to_cat::http::events::{Feed, Pace};
use repo_to_cat::http::{Site, router};
use repo_to_cat::model::token::{Scope, Scopes};
use repo_to_cat::providers::pictures::Pictures;
use repo_to_cat::queue::enqueue::enqueue_all;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::queue::bed::{Bed, plain_job, probe};
use crate::support::postgres::program;

/// A site that looks often.
fn site(bed: &Bed, folder: &std::path::Path, pace: Pace) -> Site {
    let environment = Environment::of(&[("HOME", folder.to_str().unwrap())]);
    let mut loaded = Config::load(&Layers { environment, ..Layers::default() }).unwrap();
    loaded.config.http.auth = Auth::None;
    let premises = Premises::new(loaded.config.clone(), Pictures::open(folder).unwrap(), program().to_owned());
    let site = Site::new(bed.db.clone(), premises, loaded, CancellationToken::new());
    Site { feed: Feed::new(pace), ..site }
}

fn pace() -> Pace {
    let short = Duration::from_millis(20);
    let long = Duration::from_secs(3600);
    Pace { look: short, count: short, heartbeat: long, check: short, streams: 2, streams_each: 2 }
}

async fn ask(site: &Site, path: &str) -> Response<Body> {
    let pages = repo_to_cat::dashboard::pages();
    router(site.clone(), pages.routes).oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap()
}

/// Reads until the text holds `word`; what was read.
async fn until(stream: &mut BodyDataStream, word: &str) -> String {
    let mut text = String::new();
    while !text.contains(word) {
        let piece = stream.next().await.unwrap_or_else(|| panic!("it ended before {word:?}: {text}")).unwrap();
        text += std::str::from_utf8(&piece).unwrap();
    }
    text
}

#[tokio::test]
async fn a_stream_on_which_nothing_happens_shows_signs_of_life_and_ends_with_the_service() {
    let (bed, folder) = (Bed::make().await, tempfile::tempdir().unwrap());
    let job = bed.enqueue(plain_job()).await;
    let heartbeat = Duration::from_millis(30);
    let site = site(&bed, folder.path(), Pace { heartbeat, count: Duration::from_secs(3600), ..pace() });
    let mut streams = Vec::new();
    for path in ["/v1/events".to_owned(), format!("/v1/generations/{job}/events")] {
        let mut stream = ask(&site, &path).await.into_body().into_data_stream();
        assert!(until(&mut stream, "retry: ").await.contains("retry: 2000"));
        until(&mut stream, ":\n\n").await;
        until(&mut stream, ":\n\n").await;
        streams.push(stream);
    }
    site.stop.cancel();
    for stream in streams {
        stream.collect::<Vec<_>>().await;
    }
}

#[tokio::test]
async fn there_are_places_for_so_many_and_one_that_leaves_makes_room() {
    let (bed, folder) = (Bed::make().await, tempfile::tempdir().unwrap());
    let site = site(&bed, folder.path(), pace());
    let (first, second) = (ask(&site, "/v1/events").await, ask(&site, "/v1/events").await);
    assert_eq!([first.status(), second.status()], [200, 200]);
    let refused = ask(&site, "/v1/events").await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    drop(first);
    assert_eq!(ask(&site, "/v1/events").await.status(), 200);
}

#[tokio::test]
async fn a_stream_ends_when_its_token_works_no_more() {
    let (bed, folder) = (Bed::make().await, tempfile::tempdir().unwrap());
    let mut site = site(&bed, folder.path(), pace());
    let mut config = (*site.config).clone();
    config.http.auth = Auth::Token;
    site.config = Arc::new(config);
    let user = users::add(&bed.db, "reader", None).await.unwrap();
    let scopes = Scopes::from_iter([Scope::Read]);
    let (token, row) = tokens::create(&bed.db, user.id, "t", &scopes, None).await.unwrap();
    let job = bed.enqueue(plain_job()).await;
    let mut streams = Vec::new();
    for path in ["/v1/events".to_owned(), format!("/v1/generations/{job}/events")] {
        let request = Request::get(path).header("authorization", format!("Bearer {}", token.reveal()));
        let pages = repo_to_cat::dashboard::pages();
        let answer = router(site.clone(), pages.routes).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200);
        let mut stream = answer.into_body().into_data_stream();
        until(&mut stream, "event: ").await;
        streams.push(stream);
    }
    assert!(tokens::revoke(&bed.db, row.id).await.unwrap());
    for stream in streams {
        stream.collect::<Vec<_>>().await;
    }
}

#[tokio::test]
async fn counts_are_told_at_once_and_when_they_change() {
    let (bed, folder) = (Bed::make().await, tempfile::tempdir().unwrap());
    let site = site(&bed, folder.path(), pace());
    let mut stream = ask(&site, "/v1/events").await.into_body().into_data_stream();
    until(&mut stream, "event: stats").await;
    let job = bed.enqueue(probe()).await;
    let told = until(&mut stream, "\"jobs\":1.0").await;
    assert!(told.contains(&job.to_string()) && told.contains("event: state"), "{told}");
    let worker = bed.worker().await;
    assert!(bed.complete(&bed.claim(worker).await).await);
    until(&mut stream, "event: end").await;
}

#[tokio::test]
async fn a_client_that_reads_too_slowly_is_told_to_look_anew() {
    let (bed, folder) = (Bed::make().await, tempfile::tempdir().unwrap());
    let site = site(&bed, folder.path(), pace());
    let mut slow = ask(&site, "/v1/events").await.into_body().into_data_stream();
    let mut quick = ask(&site, "/v1/events").await.into_body().into_data_stream();
    until(&mut slow, "event: stats").await;
    for _ in 0..3 {
        let jobs = enqueue_all(&bed.db, &vec![probe(); 500]).await.unwrap();
        until(&mut quick, &jobs[499].id.to_string()).await;
    }
    let told = until(&mut slow, "event: reset").await;
    assert!(!told.contains("event: state"), "what is kept is kept for all, and for nobody longer: {told}");
}
