//! Against a server that listens, one that is slow, one that refuses, and none.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{Method, Uri};

use super::*;

/// What a server was told, and how it answers.
#[derive(Clone, Default)]
struct Heard {
    requests: Arc<Mutex<Vec<String>>>,
    /// How often it still answers 503.
    refusals: Arc<AtomicUsize>,
    /// Whether it answers at all.
    is_mute: bool,
}

impl Heard {
    fn told(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn hear(State(heard): State<Heard>, method: Method, uri: Uri, body: String) -> axum::http::StatusCode {
    heard.requests.lock().unwrap().push(format!("{method} {uri} {body}"));
    if heard.is_mute {
        std::future::pending::<()>().await;
    }
    let refuses = heard.refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
    if refuses { axum::http::StatusCode::SERVICE_UNAVAILABLE } else { axum::http::StatusCode::OK }
}

async fn serve(heard: &Heard) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(hear).with_state(heard.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn telling(ping_url: &str, webhook_url: &str, patience: Patience) -> Result<Telling> {
    Telling::with_patience(ping_url, webhook_url, Path::new(""), patience)
}

/// Long answers, short pauses.
const BRISK: Patience = Patience { pause: Duration::from_millis(1), farewell: Duration::from_secs(60), ..PATIENCE };

fn event(what: What) -> Event {
    let at = "2026-11-22T03:00:00Z".parse().unwrap();
    let reason = (what == What::Failed).then(|| "postgres://ann:canary@db/cats is gone".to_owned());
    Event {
        event: what,
        database: "cats".to_owned(),
        backup: Some(BackupName::new("cats", at)),
        job: None,
        at,
        verdict: None,
        reason,
        measured: None,
        alarms: Vec::new(),
    }
}

#[tokio::test]
async fn pings_go_where_healthchecks_expects_them_and_in_order() {
    let heard = Heard::default();
    let url = serve(&heard).await;
    let telling = telling(&format!("{url}/a-uuid/?create=1"), "", BRISK).unwrap();
    for what in [What::Started, What::Stored, What::Failed, What::Started, What::Verified] {
        telling.tell(&event(what));
    }
    telling.finish().await;
    assert_eq!(
        heard.told(),
        [
            "POST /a-uuid/start?create=1 ",
            "POST /a-uuid/fail?create=1 postgres://ann:***@db/cats is gone",
            "POST /a-uuid/start?create=1 ",
            "POST /a-uuid/?create=1 "
        ]
    );
}

#[tokio::test]
async fn a_webhook_gets_every_event_and_a_second_try() {
    let heard = Heard::default();
    heard.refusals.store(1, Ordering::Relaxed);
    let telling = telling("", &serve(&heard).await, BRISK).unwrap();
    telling.tell(&event(What::Failed));
    telling.tell(&event(What::Stored));
    telling.finish().await;
    let told = heard.told();
    assert_eq!(told.len(), 3);
    assert_eq!(told[0], told[1]);
    let json: serde_json::Value = serde_json::from_str(told[1].strip_prefix("POST / ").unwrap()).unwrap();
    assert_eq!(json["event"], "failed");
    assert_eq!(json["backup"], "cats_20261122_030000Z");
    assert_eq!(json["reason"], "postgres://ann:***@db/cats is gone");
    assert!(told[2].contains(r#""event":"stored""#));
}

#[tokio::test]
async fn who_never_answers_delays_nothing_but_the_end_and_that_not_for_long() {
    let mute = Heard { is_mute: true, ..Heard::default() };
    let patience = Patience { farewell: Duration::from_millis(50), ..PATIENCE };
    let telling = telling(&serve(&mute).await, "", patience).unwrap();
    telling.tell(&event(What::Started));
    telling.tell(&event(What::Verified));
    // The test ends, though the answer never comes.
    telling.finish().await;
    assert!(mute.told().len() < 2, "the second waits for the first");
}

#[tokio::test]
async fn who_is_not_there_is_given_up() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refuses = Heard::default();
    refuses.refusals.store(usize::MAX, Ordering::Relaxed);
    let telling = telling(&format!("http://{gone}"), &serve(&refuses).await, BRISK).unwrap();
    telling.tell(&event(What::Verified));
    telling.finish().await;
    assert_eq!(refuses.told().len(), 2, "tried twice");
}

#[test]
fn a_url_that_is_none_is_refused_without_being_shown() {
    for url in ["canary", "ftp://canary/x", "https://", "/canary"] {
        let failure = telling(url, "", PATIENCE).unwrap_err();
        assert_eq!(failure.kind(), Kind::Invalid, "{url}");
        assert!(!format!("{failure:?}").contains("canary"), "{url}");
    }
    let listener = Listener::new("ping", "backup.ping_url", "https://ann:canary@hc.example:8443/canary").unwrap();
    assert_eq!(listener.unwrap().place(), "https://hc.example:8443/***");
}
