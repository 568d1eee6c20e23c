//! The body of a request for a cat, and the job that it means.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::{Db, users};
use crate::generation::submit::{Wishes, generation_job, receiver, refuse_local, request_of};
use crate::http::auth::Caller;
use crate::http::error::wrong;
use crate::http::{Problem, Site};
use crate::model::failure::{Failure, Kind};
use crate::model::job::{NewJob, Start};
use crate::model::repository::check_reference;
use crate::model::trace::Traceparent;
use crate::model::unique::{OnConflict, Scope, Unique};
use crate::queue::enqueue::flaw;

/// Stands for a request, so that it may be sent again.
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Characters of an `Idempotency-Key`, at most.
const LONGEST_KEY: usize = 200;

/// A request for a cat: of `github_url` and `rerun_of`, one.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GenerationRequest, example = json!({"github_url": "https://github.com/owner/name"}))]
pub struct Wanted {
    /// The repository.
    #[schema(example = "https://github.com/owner/name")]
    pub github_url: Option<String>,
    /// Branch, tag or commit; the default branch where it is left out.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// From -100 to 100; the higher goes first. A point is worth 6 seconds of waiting.
    #[serde(default)]
    #[schema(minimum = -100, maximum = 100)]
    pub priority: i16,
    /// Not to be started before this time.
    pub run_at: Option<DateTime<Utc>>,
    /// Not to be started before so many seconds have passed.
    pub delay_seconds: Option<u64>,
    /// Not to be started after this time: it is discarded then.
    pub deadline: Option<DateTime<Utc>>,
    /// How long one attempt may take, in seconds.
    #[schema(minimum = 1)]
    pub timeout_seconds: Option<i32>,
    /// Attempts before it is discarded, 1 to 100.
    #[schema(minimum = 1, maximum = 100)]
    pub max_attempts: Option<u16>,
    /// Words to find it by: 32 at most, of 1 to 100 characters.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whose it is; the one who asks where it is left out. Naming another one takes an admin.
    pub user_id: Option<Uuid>,
    /// Keeps a second job from being enqueued: the first one's id is answered instead.
    pub unique_key: Option<String>,
    /// When the key is given back: success (where the job fails for good) or open (where it ends).
    #[schema(pattern = "^(success|open)$")]
    pub unique_scope: Option<String>,
    /// After so many seconds the key may be taken by another job, whatever became of this one.
    pub unique_window_seconds: Option<u64>,
    /// What becomes of the first job while it waits: keep, replace or reschedule.
    #[schema(pattern = "^(keep|replace|reschedule)$")]
    pub on_conflict: Option<String>,
    /// The finished job to do again.
    pub rerun_of: Option<Uuid>,
    /// Who is told of its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://example.org/cats")]
    pub webhook_url: Option<String>,
}

impl Wanted {
    /// The job that it means, where nothing is wrong with it. `key` stands in place of a unique key in the body.
    pub async fn job(
        self,
        site: &Site,
        caller: &Caller,
        key: Option<Unique>,
        traceparent: Option<Traceparent>,
    ) -> Result<NewJob, Problem> {
        let (repository, reference) = self.repository(site).await?;
        if let Some(reference) = &reference {
            check_reference(reference).map_err(|failure| Problem::from(failure).of_field("ref"))?;
        }
        if let Some(url) = &self.webhook_url {
            receiver(url, &site.config).map_err(|failure| Problem::from(failure).of_field("webhook_url"))?;
        }
        let wishes = Wishes {
            start: self.start()?,
            unique: self.unique(caller, key)?,
            user_id: self.user(&site.db, caller).await?,
            reference,
            priority: self.priority,
            deadline: self.deadline,
            timeout_seconds: self.timeout_seconds,
            max_attempts: self.max_attempts,
            tags: self.tags,
            rerun_of: self.rerun_of,
            traceparent,
            webhook_url: self.webhook_url,
        };
        let job = generation_job(&repository, wishes, &site.config)
            .map_err(|failure| Problem::from(failure).of_field("github_url"))?;
        match flaw(&job) {
            Some(flaw) => Err(Problem::from(flaw.failure).of_field(flaw.option)),
            None => Ok(job),
        }
    }

    /// The repository and its reference, with what a finished job was asked to do in place of what is not said.
    async fn repository(&self, site: &Site) -> Result<(String, Option<String>), Problem> {
        match (&self.github_url, self.rerun_of) {
            (Some(url), None) => {
                refuse_local(url, &site.config.fetch)
                    .map_err(|failure| Problem::from(failure).of_field("github_url"))?;
                Ok((url.clone(), self.reference.clone()))
            }
            (None, Some(id)) => {
                let request = request_of(&site.db, id).await;
                let request = request.map_err(|failure| Problem::from(failure).of_field("rerun_of"))?;
                Ok((request.github_url, self.reference.clone().or(request.reference)))
            }
            _ => Err(wrong(
                "github_url",
                "of github_url and rerun_of, one must be given",
                r#"send {"github_url": "https://github.com/owner/name"}"#,
            )),
        }
    }

    fn start(&self) -> Result<Start, Problem> {
        match (self.run_at, self.delay_seconds) {
            (None, None) => Ok(Start::Now),
            (Some(at), None) => Ok(Start::At(at)),
            (None, Some(seconds)) => Ok(Start::After(Duration::from_secs(seconds))),
            (Some(_), Some(_)) => {
                Err(wrong("delay_seconds", "run_at and delay_seconds are given", "one of them says when to start"))
            }
        }
    }

    fn unique(&self, caller: &Caller, key: Option<Unique>) -> Result<Option<Unique>, Problem> {
        let of = |field: &'static str| move |failure: Failure| Problem::from(failure).of_field(field);
        let unique = match (&self.unique_key, key) {
            (Some(_), Some(_)) => {
                return Err(wrong(
                    "unique_key",
                    "unique_key and Idempotency-Key are given",
                    "the header is the unique key of a request that may be sent again: give one of them",
                ));
            }
            (Some(key), None) => Unique::key(own_key(caller, key)),
            (None, Some(key)) => key,
            (None, None) => {
                let options =
                    self.unique_scope.is_some() || self.unique_window_seconds.is_some() || self.on_conflict.is_some();
                return if options {
                    let what = "options of a unique key are given, but no key";
                    Err(wrong("unique_key", what, "add unique_key"))
                } else {
                    Ok(None)
                };
            }
        };
        let scope = self.unique_scope.as_deref().map_or(Ok(Scope::default()), Scope::from_name);
        let on_conflict = self.on_conflict.as_deref().map_or(Ok(OnConflict::default()), OnConflict::from_name);
        Ok(Some(Unique {
            scope: scope.map_err(of("unique_scope"))?,
            window: self.unique_window_seconds.map(Duration::from_secs),
            on_conflict: on_conflict.map_err(of("on_conflict"))?,
            ..unique
        }))
    }

    /// Whose it is. Naming another one takes an admin.
    async fn user(&self, db: &Db, caller: &Caller) -> Result<Option<Uuid>, Problem> {
        let Some(user) = self.user_id.filter(|user| caller.user_id != Some(*user)) else { return Ok(caller.user_id) };
        caller.require(crate::model::token::Scope::Admin).map_err(|problem| problem.of_field("user_id"))?;
        match users::find(db, &user.to_string()).await {
            Ok(user) => Ok(Some(user.id)),
            Err(failure) if failure.kind() == Kind::NotFound => {
                Err(wrong("user_id", failure.what().to_owned(), "see GET /v1/users"))
            }
            Err(failure) => Err(failure.into()),
        }
    }
}

/// A unique key of whoever asks. Who has it may put another job in place of the one that has it, or keep others from having
/// one: that is for its user only, and for admins, whose keys are those of the command line.
fn own_key(caller: &Caller, key: &str) -> String {
    let user = caller.user_id.filter(|_| !caller.scopes.allows(crate::model::token::Scope::Admin));
    user.filter(|_| !key.is_empty()).map_or_else(|| key.to_owned(), |user| format!("{user}/{key}"))
}

/// The header `Idempotency-Key`, as the unique key of what the caller asks for in `body`. Others' keys are not theirs.
pub fn idempotency_key(headers: &HeaderMap, caller: &Caller, body: &impl Serialize) -> Result<Option<Unique>, Problem> {
    let mut values = headers.get_all(KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=LONGEST_KEY).contains(&key.len()) && values.next().is_none());
    let Some(key) = key else {
        return Err(wrong(
            "Idempotency-Key",
            "the header Idempotency-Key is none",
            format!("send it once, of 1 to {LONGEST_KEY} visible ASCII characters"),
        ));
    };
    let key = caller.user_id.map_or_else(|| key.to_owned(), |user| format!("{user} {key}"));
    Ok(Some(Unique { fingerprint: Some(fingerprint(body)), ..Unique::key(key) }))
}

/// The same for two bodies that say the same, however they are written.
fn fingerprint(body: &impl Serialize) -> String {
    let said = serde_json::to_vec(body).unwrap_or_default();
    Sha256::digest(said).iter().map(|byte| format!("{byte:02x}")).collect()
}
