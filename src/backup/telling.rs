//! Telling others how backups go: pings as healthchecks.io has them, and webhooks with JSON.
//!
//! Whoever does not answer never delays or fails a backup: an event is handed over and sent by a task of its own, after
//! those handed over before it, within a bounded time, tried twice, and a failure is only logged.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{Client, StatusCode, Url};
use serde::Serialize;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::config;
use crate::model::backup::trend::Measured;
use crate::model::backup::{BackupName, DrillReport, Manifest, Verdict};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::secret::redact;
use crate::providers::tls;

/// Bytes of a reason that are sent at most.
const MOST_REASON: usize = 10_000;

/// What happened to a backup. As JSON it is what a webhook gets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// What.
    pub event: What,
    /// The database that it is of.
    pub database: String,
    /// Which backup, once it has a name.
    pub backup: Option<BackupName>,
    /// The job; none without a queue.
    pub job: Option<Uuid>,
    /// When.
    pub at: DateTime<Utc>,
    /// What the drill found, where there was one.
    pub verdict: Option<Verdict>,
    /// Why it failed, or was not verified.
    pub reason: Option<String>,
    /// How large it is and how long it took, once that is known.
    pub measured: Option<Measured>,
    /// How it is unlike the one before, in sentences.
    pub alarms: Vec<String>,
}

impl Event {
    /// That a backup is in the store.
    #[must_use]
    pub fn stored(manifest: &Manifest, job: Option<Uuid>) -> Self {
        Self {
            backup: Some(manifest.name.clone()),
            measured: Some(Measured::of(manifest, None)),
            ..Self::new(What::Stored, job, manifest.name.database())
        }
    }

    /// What a drill found.
    #[must_use]
    pub fn drilled(report: &DrillReport, manifest: Option<&Manifest>, job: Option<Uuid>) -> Self {
        let what = if report.verdict == Verdict::Verified { What::Verified } else { What::Failed };
        Self {
            backup: Some(report.backup.clone()),
            verdict: Some(report.verdict),
            reason: report.reason.clone(),
            measured: manifest.map(|manifest| Measured::of(manifest, Some(report))),
            ..Self::new(what, job, report.backup.database())
        }
    }

    /// One of which nothing else is known, now.
    #[must_use]
    pub fn new(event: What, job: Option<Uuid>, database: &str) -> Self {
        Self {
            event,
            database: database.to_owned(),
            backup: None,
            job,
            at: Utc::now(),
            verdict: None,
            reason: None,
            measured: None,
            alarms: Vec::new(),
        }
    }
}

/// What happens to backups that others are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It was begun. Pings `URL/start`.
    Started,
    /// It is in the store, and not proven yet. Pings nobody.
    Stored,
    /// A drill has proven it. Pings `URL`.
    Verified,
    /// It could not be made, or a drill did not prove it. Pings `URL/fail` with the reason.
    Failed,
}

/// Who is told. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Telling {
    client: Client,
    patience: Patience,
    ping: Option<Arc<Listener>>,
    webhook: Option<Arc<Listener>>,
}

/// Somebody who is told, and the task that tells last.
#[derive(Debug)]
struct Listener {
    what: &'static str,
    url: Url,
    last: Mutex<Option<JoinHandle<()>>>,
}

/// How long is waited for what.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// For an answer.
    answer: Duration,
    /// Before the second try.
    pause: Duration,
    /// At the end of the process.
    farewell: Duration,
}

const PATIENCE: Patience =
    Patience { answer: Duration::from_secs(10), pause: Duration::from_secs(1), farewell: Duration::from_secs(5) };

/// What is sent.
struct Message {
    url: Url,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Telling {
    /// Tells whom the settings name. `ca_file` holds authorities that are believed beside the public ones; or is empty.
    pub fn new(settings: &config::Backup, ca_file: &Path) -> Result<Self> {
        Self::with_patience(&settings.ping_url, &settings.webhook_url, ca_file, PATIENCE)
    }

    fn with_patience(ping_url: &str, webhook_url: &str, ca_file: &Path, patience: Patience) -> Result<Self> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls::client_config(ca_file)?)
            .no_proxy()
            .timeout(patience.answer)
            .build()
            .map_err(|error| Failure::new(Kind::Environment, "the client for pings cannot be set up").source(error))?;
        let ping = Listener::new("ping", "backup.ping_url", ping_url)?;
        let webhook = Listener::new("webhook", "backup.webhook_url", webhook_url)?;
        Ok(Self { client, patience, ping, webhook })
    }

    /// Hands over an event; returns at once. To be called on a thread of the runtime.
    pub fn tell(&self, event: &Event) {
        if let Some(ping) = &self.ping
            && let Some(message) = ping.ping(event)
        {
            self.send(ping, message);
        }
        if let Some(webhook) = &self.webhook {
            self.send(webhook, webhook.call(event));
        }
    }

    /// Waits for what is under way, at most 5 seconds: before the process ends.
    pub async fn finish(&self) {
        let waiting = async {
            for listener in self.ping.iter().chain(&self.webhook) {
                if let Some(last) = listener.take() {
                    let _ = last.await;
                }
            }
        };
        if timeout(self.patience.farewell, waiting).await.is_err() {
            tracing::warn!("not everybody could be told how the backup went before this process ended");
        }
    }

    fn send(&self, listener: &Arc<Listener>, message: Message) {
        let (client, patience, to) = (self.client.clone(), self.patience, listener.clone());
        let mut last = listener.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.take();
        *last = Some(tokio::spawn(async move {
            if let Some(before) = before {
                let _ = before.await;
            }
            if let Err(first) = message.send(&client).await {
                sleep(patience.pause).await;
                if let Err(error) = message.send(&client).await {
                    let (what, place) = (to.what, to.place());
                    tracing::warn!(%place, %error, %first, "a {what} about a backup was not delivered");
                }
            }
        }));
    }
}

impl Listener {
    fn new(what: &'static str, key: &str, url: &str) -> Result<Option<Arc<Self>>> {
        if url.is_empty() {
            return Ok(None);
        }
        // The URL itself is a secret: who knows it can ping.
        let refused =
            |why: &str| Failure::new(Kind::Invalid, format!("{key} {why}")).hint("as in https://hc.example/UUID");
        let url = Url::parse(url).map_err(|error| refused(&format!("is no URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(refused("is no http or https URL"));
        }
        Ok(Some(Arc::new(Self { what, url, last: Mutex::default() })))
    }

    fn take(&self) -> Option<JoinHandle<()>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Where it is, for logs: without what makes it a secret.
    fn place(&self) -> String {
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}/***", self.url.scheme(), self.url.host_str().unwrap_or_default())
    }

    /// The ping for an event, where there is one.
    fn ping(&self, event: &Event) -> Option<Message> {
        let (path, body) = match event.event {
            What::Stored => return None,
            What::Started => (Some("start"), String::new()),
            What::Verified => (None, event.alarms.join("\n")),
            What::Failed => (Some("fail"), event.reason.as_deref().map(redact).unwrap_or_default()),
        };
        let mut url = self.url.clone();
        if let (Some(path), Ok(mut segments)) = (path, url.path_segments_mut()) {
            segments.pop_if_empty().push(path);
        }
        let body = body.as_bytes()[..body.floor_char_boundary(MOST_REASON)].to_vec();
        Some(Message { url, content_type: "text/plain; charset=utf-8", body })
    }

    fn call(&self, event: &Event) -> Message {
        let reason = event.reason.as_deref().map(redact);
        let body = serde_json::to_vec(&Event { reason, ..event.clone() }).unwrap_or_default();
        Message { url: self.url.clone(), content_type: "application/json", body }
    }
}

impl Message {
    /// Sends it; says in a few words without the URL why that failed.
    async fn send(&self, client: &Client) -> std::result::Result<(), String> {
        let request = client
            .post(self.url.clone())
            .header(reqwest::header::CONTENT_TYPE, self.content_type)
            .header(reqwest::header::USER_AGENT, concat!("repo-to-cat/", env!("CARGO_PKG_VERSION")))
            .body(self.body.clone());
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(answered(answer.status())),
            Err(error) => Err(error.without_url().to_string()),
        }
    }
}

fn answered(status: StatusCode) -> String {
    format!("the answer was {status}")
}

#[cfg(test)]
mod tests;
