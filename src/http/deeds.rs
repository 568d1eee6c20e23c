//! What callers change is written down before it is done, and how it went after.

use serde_json::Value;

use super::auth::Caller;
use super::{Site, request_id};
use crate::db::audit::{self, Deed};
use crate::model::failure::Result;
use crate::model::secret::redact;
use crate::model::webhook::without_secrets;

/// By which door a caller came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The interface for services.
    Http,
    /// The pages for people.
    Dashboard,
}

impl Via {
    const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Dashboard => "dashboard",
        }
    }
}

/// What a caller is about to change.
#[derive(Debug)]
pub struct Act<'a> {
    /// Who.
    pub caller: &'a Caller,
    /// By which door.
    pub via: Via,
    /// What, such as `jobs.cancel`.
    pub action: &'a str,
    /// To what: an id or a name.
    pub target: Option<&'a str>,
    /// How: what was asked for. Secrets in it are not written down.
    pub detail: Option<Value>,
}

impl Site {
    /// Does it, and writes down that it is done, by whom and how it went. What cannot be written down is not done.
    pub fn perform<T>(&self, act: Act<'_>, doing: impl Future<Output = Result<T>>) -> impl Future<Output = Result<T>> {
        // What is done may be a large future; those that wait for it stay small.
        let doing = Box::pin(doing);
        async move {
            let request = request_id::current();
            let (target, detail) = (act.target.map(redact), act.detail.map(without_secrets));
            let deed = Deed {
                user_id: act.caller.user_id,
                token_id: act.caller.token_id,
                who: &act.caller.name,
                via: act.via.name(),
                action: act.action,
                target: target.as_deref(),
                detail: detail.as_ref(),
                request_id: request.as_deref(),
            };
            let id = audit::begin(&self.db, &deed).await?;
            let done = doing.await;
            let outcome = done.as_ref().map_or_else(|failure| redact(&failure.to_string()), |_| "done".to_owned());
            if let Err(failure) = audit::end(&self.db, id, &outcome).await {
                tracing::warn!(audit = id, outcome, %failure, "the outcome of a deed could not be written down");
            }
            done
        }
    }
}
