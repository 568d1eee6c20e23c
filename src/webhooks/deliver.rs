//! The handler of webhooks: tells the receiver, notes what became of it, and leaves trying again to the queue.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::Utc;
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use reqwest::{Response, StatusCode};
use rustls::ClientConfig;
use serde::Deserialize as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::event;
use super::secret::{self, Secrets};
use crate::config::{self, Config};
use crate::db::Db;
use crate::db::deliveries::{self, Tried};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{ClaimedJob, Outcome};
use crate::model::webhook::Ended;
use crate::providers::receiver::{Receiver, asked_to_wait};
use crate::providers::tls;

/// Bytes of an answer that are read at most.
const MOST_READ: usize = 64 << 10;
/// Bytes of it that are kept.
const MOST_KEPT: usize = 500;
/// Who we are.
const AGENT: &str = concat!("repo-to-cat/", env!("CARGO_PKG_VERSION"));

/// Delivers webhooks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Herald {
    settings: config::Webhooks,
    private_hosts: Vec<String>,
    secret_file: PathBuf,
    site: String,
    ca_file: PathBuf,
    /// Made once: reading the machine's authorities takes longer than a delivery.
    tls: Arc<OnceLock<ClientConfig>>,
}

impl Herald {
    /// One that works by the settings.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            settings: config.webhooks.clone(),
            private_hosts: config.fetch.private_hosts.clone(),
            secret_file: secret::file(config),
            site: config.http.public_url.trim_end_matches('/').to_owned(),
            ca_file: config.fetch.ca_file.clone(),
            tls: Arc::default(),
        }
    }

    /// How many are delivered at once.
    #[must_use]
    pub const fn slots(&self) -> usize {
        self.settings.slots
    }

    /// Delivers one. What is delivered may be delivered again: where a worker is lost before it could note so.
    pub async fn run(&self, db: &Db, job: &ClaimedJob, cancel: CancellationToken) -> Outcome {
        let event = match Ended::deserialize(&job.payload) {
            Ok(event) => event,
            Err(error) => {
                let what = format!("the payload of job {} is no event", job.id);
                return Outcome::Discarded(Failure::new(Kind::Invalid, what).source(error));
            }
        };
        let began = Instant::now();
        let mut answer = Answer::default();
        let Some(delivered) = cancel.run_until_cancelled(self.deliver(db, &event, &mut answer)).await else {
            return Outcome::HandedBack;
        };
        let tried = Tried {
            seconds: began.elapsed().as_secs_f32(),
            status: answer.status,
            error: delivered.as_ref().err().map(|failure| failure.what().to_owned()),
            answer: answer.text,
        };
        if let Err(failure) = deliveries::add(db, job, &event, &tried).await {
            tracing::warn!(%failure, "what became of a webhook could not be written down");
        }
        match delivered {
            Ok(()) => {
                tracing::info!(generation = %event.generation_id, status = answer.status, "delivered");
                Outcome::Completed(None)
            }
            Err(failure) if self.is_last(job) || failure.kind() == Kind::Withheld => Outcome::Discarded(failure),
            Err(failure) => Outcome::Failed(failure),
        }
    }

    fn is_last(&self, job: &ClaimedJob) -> bool {
        i32::from(job.attempts) + 1 >= i32::from(self.settings.max_attempts)
    }

    async fn deliver(&self, db: &Db, event: &Ended, answer: &mut Answer) -> Result<()> {
        let receiver = Receiver::parse(&event.url, &self.settings, &self.private_hosts)?;
        let client = receiver.client(self.tls()?, Duration::from_secs(self.settings.timeout_seconds))?;
        // Read each time, so that another secret is in force at once.
        let secrets = Secrets::load(&self.secret_file)?;
        let body = event::body(db, event, &self.site).await?;
        let (id, timestamp) = (event.event_id.to_string(), Utc::now().timestamp());
        let request = client
            .post(receiver.url().clone())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, AGENT)
            .header("webhook-signature", secrets.sign(&id, timestamp, &body))
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .body(body);
        let response = request.send().await.map_err(|error| match receiver.failure(error) {
            // A certificate that ran out is mended soon; an address of our own network stays one.
            failure if failure.what().starts_with("the certificate") => Failure::new(Kind::Unavailable, failure.what()),
            failure => failure,
        })?;
        let verdict = verdict(&response, receiver.host());
        answer.status = Some(response.status().as_u16());
        answer.read(response).await;
        verdict
    }

    fn tls(&self) -> Result<ClientConfig> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls.clone());
        }
        let tls = tls::client_config(&self.ca_file)?;
        Ok(self.tls.get_or_init(|| tls).clone())
    }
}

/// What is kept of an answer.
#[derive(Debug, Default)]
struct Answer {
    status: Option<u16>,
    text: Option<String>,
}

impl Answer {
    /// Reads it as far as it matters. One that breaks off was an answer all the same: its status came first.
    async fn read(&mut self, mut response: Response) {
        let (mut kept, mut read) = (Vec::new(), 0);
        while read < MOST_READ
            && let Ok(Some(chunk)) = response.chunk().await
        {
            let room = MOST_KEPT - kept.len();
            kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
            read += chunk.len();
        }
        // What PostgreSQL does not take in a text.
        let text = String::from_utf8_lossy(&kept).replace('\0', "\u{fffd}");
        self.text = Some(text).filter(|text| !text.is_empty());
    }
}

/// What a status means.
fn verdict(response: &Response, host: &str) -> Result<()> {
    let status = response.status();
    let wait = asked_to_wait(response.headers());
    let failed = |kind, what: &str| Failure::new(kind, format!("{host} {what} (HTTP {})", status.as_u16()));
    let failure = match status {
        status if status.is_success() => return Ok(()),
        StatusCode::GONE => return Err(failed(Kind::Withheld, "wants to be told no more")),
        StatusCode::TOO_MANY_REQUESTS => failed(Kind::Throttled, "asks us to come back later"),
        status if status.is_redirection() => failed(Kind::Unavailable, "redirects, which is not followed"),
        _ => failed(Kind::Unavailable, "does not accept it"),
    };
    let is_heard = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    Err(match wait.filter(|_| is_heard) {
        Some(wait) => failure.after(wait),
        None => failure,
    })
}
