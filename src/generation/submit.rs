//! From what somebody typed to a job: the repository is parsed and checked before anything is stored.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use crate::config::{Config, Fetch};
use crate::db::{Db, generations, inspect};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{GenerationRequest, JobKind, NewJob, Start};
use crate::model::repository::{LOCAL_OWNER, MAX_URL_BYTES, Source, check_reference};
use crate::model::trace::Traceparent;
use crate::model::unique::Unique;
use crate::providers::receiver::Receiver;

/// What may be said beside the repository.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Branch, tag or commit; wins over one in the URL.
    pub reference: Option<String>,
    /// From -100 to 100; a point is worth 6 seconds of waiting.
    pub priority: i16,
    /// When it may start.
    pub start: Start,
    /// Not to be started after this time.
    pub deadline: Option<DateTime<Utc>>,
    /// How long one attempt may take, in seconds; as the worker is set where it is absent.
    pub timeout_seconds: Option<i32>,
    /// Attempts before it is discarded; as `worker.max_attempts` where it is absent.
    pub max_attempts: Option<u16>,
    /// Keeps a second job from being enqueued.
    pub unique: Option<Unique>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Who is told how it ended.
    pub webhook_url: Option<String>,
    /// Who asks.
    pub user_id: Option<Uuid>,
    /// The finished job that it does again.
    pub rerun_of: Option<Uuid>,
    /// The trace that it belongs to.
    pub traceparent: Option<Traceparent>,
}

/// The job that turns `repository` (a URL or a local path) into a cat.
pub fn generation_job(repository: &str, wishes: Wishes, config: &Config) -> Result<NewJob> {
    let source = Source::parse(repository, &config.fetch.allowed_hosts, &config.fetch.private_hosts)?;
    let reference = wishes.reference.or_else(|| source.reference().map(ToOwned::to_owned));
    if let Some(reference) = &reference {
        check_reference(reference)?;
    }
    let source = match source {
        Source::Local(path) => Source::Local(allowed_path(&path, &config.fetch.local_roots)?),
        remote @ Source::Remote(_) => remote,
    };
    let host = match &source {
        Source::Remote(url) => Some(url.host.clone()),
        Source::Local(_) => None,
    };
    let github_url = source.canonical();
    // An index on the URL takes no more; found out at the end, it would cost every attempt.
    if github_url.len() > MAX_URL_BYTES {
        let what = format!("the path of the repository is too long: its URL has {} bytes", github_url.len());
        return Err(Failure::new(Kind::Invalid, what).hint(format!("{MAX_URL_BYTES} are allowed: move it up")));
    }
    let webhook_url = wishes.webhook_url.map(|url| receiver(&url, config)).transpose()?;
    let request = GenerationRequest { github_url, reference, webhook_url };
    let payload = serde_json::to_value(request)
        .map_err(|error| Failure::new(Kind::Internal, "the request cannot be written").source(error))?;
    Ok(NewJob {
        priority: wishes.priority,
        start: wishes.start,
        deadline: wishes.deadline,
        timeout_seconds: wishes.timeout_seconds,
        max_attempts: wishes.max_attempts.unwrap_or(config.worker.max_attempts),
        unique: wishes.unique,
        tags: wishes.tags,
        user_id: wishes.user_id,
        rerun_of: wishes.rerun_of,
        limit_key: host,
        traceparent: wishes.traceparent.map(|traceparent| traceparent.to_string()),
        ..NewJob::new(JobKind::Generation, payload)
    })
}

/// Refuses what only people who sit at the machine may name: a local repository.
pub fn refuse_local(repository: &str, fetch: &Fetch) -> Result<()> {
    match Source::parse(repository, &fetch.allowed_hosts, &fetch.private_hosts)? {
        Source::Remote(_) => Ok(()),
        Source::Local(_) => Err(Failure::new(Kind::Refused, "local repositories cannot be asked for over HTTP")
            .hint("send a URL such as https://github.com/owner/name")),
    }
}

/// Who is told, as it is stored; fails where nobody may be told at this URL.
pub fn receiver(url: &str, config: &Config) -> Result<String> {
    Ok(Receiver::parse(url, &config.webhooks, &config.fetch.private_hosts)?.to_string())
}

/// Owner and name of a repository as people name it: `owner/name`, or a URL in any form.
pub fn owner_and_name(text: &str, fetch: &Fetch) -> Result<(String, String)> {
    if let Some((owner, name)) = text.rsplit_once('/')
        && !text.contains(':')
        && !text.starts_with(['/', '.'])
        && !fetch.allowed_hosts.iter().any(|host| text.starts_with(&format!("{host}/")))
    {
        return Ok((owner.to_owned(), name.to_owned()));
    }
    match Source::parse(text, &fetch.allowed_hosts, &fetch.private_hosts)? {
        Source::Remote(url) => Ok((url.owner, url.name)),
        Source::Local(path) => {
            let name = path.canonicalize().unwrap_or(path).file_name().map(|name| name.to_string_lossy().into_owned());
            Ok((LOCAL_OWNER.to_owned(), name.unwrap_or_default()))
        }
    }
}

/// What a finished generation job was asked to do, for a job that does it again.
pub async fn request_of(db: &Db, id: Uuid) -> Result<GenerationRequest> {
    let job = match inspect::job(db, id).await {
        Ok(job) => job,
        Err(failure) if failure.kind() == Kind::NotFound => {
            // Its history was pruned, perhaps; its cat tells what it was.
            let cat = generations::get(db, id).await?.ok_or(failure)?;
            return Ok(GenerationRequest { github_url: cat.github_url, reference: None, webhook_url: None });
        }
        Err(failure) => return Err(failure),
    };
    if !job.state()?.is_final() {
        return Err(Failure::new(Kind::Conflict, format!("job {id} is {}, not finished", job.state))
            .hint("wait for its end, or leave it to run"));
    }
    GenerationRequest::deserialize(&job.payload).map_err(|error| {
        Failure::new(Kind::Invalid, format!("job {id} is no generation but a {} job", job.kind)).source(error)
    })
}

/// A local path as workers will see it: absolute, without links. They check again, with their own roots.
fn allowed_path(path: &Path, roots: &[PathBuf]) -> Result<PathBuf> {
    let path = path.canonicalize().map_err(|error| {
        Failure::new(Kind::NotFound, format!("there is no repository at {}", path.display()))
            .hint("name the folder of a repository, or a URL such as https://github.com/owner/name")
            .source(error)
    })?;
    let allowed = roots.iter().filter_map(|root| root.canonicalize().ok()).any(|root| path.starts_with(root));
    if allowed {
        return Ok(path);
    }
    Err(Failure::new(Kind::Refused, format!("{} is under none of fetch.local_roots", path.display()))
        .hint("add its folder to fetch.local_roots where the workers run, or use: repo-to-cat demo PATH"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Layers};

    #[test]
    fn a_path_that_no_index_takes_is_refused_before_it_is_enqueued() {
        let root = tempfile::tempdir().unwrap();
        let deep = (0..12).fold(root.path().to_owned(), |path, _| path.join("\u{732b}".repeat(80)));
        std::fs::create_dir_all(&deep).unwrap();
        let environment = Environment::of(&[("HOME", "/home/cat")]);
        let mut config = Config::load(&Layers { environment, ..Layers::default() }).unwrap().config;
        config.fetch.local_roots.push(root.path().to_owned());
        let ask = |path: &Path| generation_job(&path.to_string_lossy(), Wishes::default(), &config);
        assert!(ask(root.path()).is_ok());
        assert_eq!(ask(&deep).unwrap_err().kind(), Kind::Invalid);
    }
}
