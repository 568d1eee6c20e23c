//! Asks a host for one commit and receives its objects into a bare repository.

use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use gix::protocol::handshake::Ref;
use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::blocking_io::http::Transport;
use gix::refspec::parse::Operation;
use gix::remote::fetch::{Prepare, RefMap, Shallow, Tags};
use gix::remote::ref_map::Options;
use gix::{ObjectId, Repository};

use super::http::{Client, Ledger, OnReceived};
use super::message::Fetched;
use super::{MB, open_options, reference};
use crate::config;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::repository::{RepositoryUrl, is_commit_id};

/// A conversation with one host about one repository.
pub(super) struct Fetch<'a> {
    pub(super) url: &'a RepositoryUrl,
    pub(super) settings: &'a config::Fetch,
    pub(super) ledger: Ledger,
    pub(super) on_received: OnReceived,
}

/// What a name stands for on the host.
enum Found {
    /// The object and the full name of the branch or tag.
    Object(ObjectId, Option<String>),
    /// `HEAD` names a branch without a commit.
    Unborn(String),
    Nothing,
}

impl Fetch<'_> {
    /// Fetches the commit that `wanted` names (none: the default branch), without its history, into a new bare
    /// repository at `folder`.
    pub(super) fn run(&self, wanted: Option<&str>, folder: &Path) -> Result<Fetched> {
        // Objects that are too large to be read are still received, so that they can be listed with their size.
        let largest = self.settings.max_object_mb.max(self.settings.max_memory_mb / 4).saturating_mul(MB);
        let (kind, options) = (gix::create::Kind::Bare, gix::create::Options::default());
        let repository = gix::ThreadSafeRepository::init_opts(folder, kind, options, open_options(largest))
            .map_err(|e| {
                Failure::new(Kind::Environment, format!("cannot make a repository in {}", folder.display())).source(e)
            })?
            .to_thread_local();
        let names = match wanted {
            None => vec!["HEAD".to_owned()],
            Some(wanted) if is_commit_id(wanted) => vec![wanted.to_ascii_lowercase()],
            Some(wanted) => reference::full_names(wanted),
        };
        let received = self.converse(&repository, &names, |prepared| {
            let found = find(prepared.ref_map(), &names);
            if matches!(found, Found::Object(..)) {
                let depth = Shallow::DepthAtRemote(1.try_into().expect("not zero"));
                prepared.with_shallow(depth).receive(gix::progress::Discard, &AtomicBool::new(false))?;
            }
            Ok(found)
        });
        let (id, reference) = match (received, wanted) {
            (Ok(Found::Object(id, reference)), _) => (id, reference),
            (Ok(Found::Unborn(head)), _) => return Err(reference::unborn(Some(&head), &self.branches(&repository)?)),
            (Ok(Found::Nothing), None) => return Err(reference::unborn(None, &self.branches(&repository)?)),
            (Ok(Found::Nothing), Some(wanted)) => return Err(reference::unknown(wanted, &self.branches(&repository)?)),
            // A host says in its own words that it has no such commit.
            (Err(failure), Some(wanted)) if is_commit_id(wanted) && failure.kind() == Kind::Unusable => {
                return Err(reference::unknown(wanted, &self.branches(&repository)?).source(failure));
            }
            (Err(failure), _) => return Err(failure),
        };
        let commit = reference::commit(&repository, id, wanted.unwrap_or("HEAD"))?;
        let url = self.ledger.moved().unwrap_or_else(|| self.url.clone());
        Ok(Fetched { url: RepositoryUrl { reference: None, ..url }, commit: commit.to_string(), reference })
    }

    /// The names of the branches, for a message.
    fn branches(&self, repository: &Repository) -> Result<Vec<String>> {
        self.converse(repository, &["refs/heads/*:refs/heads/*".to_owned()], |prepared| {
            let names = prepared
                .ref_map()
                .remote_refs
                .iter()
                .filter_map(|reference| Some(reference.unpack().0.strip_prefix(b"refs/heads/")?.to_owned()));
            Ok(names.map(|name| String::from_utf8_lossy(&name).into_owned()).collect())
        })
    }

    /// Connects, learns what `names` stand for on the host, and goes on with `then`.
    fn converse<T>(
        &self,
        repository: &Repository,
        names: &[String],
        then: impl FnOnce(Prepare<'_, '_, Transport<Client>>) -> gix::Result<T>,
    ) -> Result<T> {
        let client = Client::new(self.url, self.settings, self.ledger.clone(), self.on_received.clone())?;
        let talk = || {
            let base = gix::Url::try_from(format!("{}.git", self.url.canonical()).as_str())?;
            let remote = repository.remote_at_without_url_rewrite(base.clone())?.with_fetch_tags(Tags::None);
            let transport = Transport::new_http(client, base, Protocol::V2, false);
            let connection = remote
                .to_connection_with_transport(transport)
                .with_credentials(|_| Ok(None))
                .with_transport_options(Box::new(()));
            // Without a destination no reference is written: the commit's id is all that we need.
            let specs =
                names.iter().map(|name| Ok(gix::refspec::parse(name.as_str().into(), Operation::Fetch)?.to_owned()));
            let options = Options { extra_refspecs: specs.collect::<gix::Result<_>>()?, ..Options::default() };
            then(connection.prepare_fetch(gix::progress::Discard, options)?)
        };
        talk().map_err(|e| self.explain(e))
    }

    /// Turns gix's error into a failure: what happened on the wire says more than what followed from it.
    fn explain(&self, error: gix::Error) -> Failure {
        let name = self.url.canonical();
        if let Some(failure) = self.ledger.take_failure() {
            return failure;
        }
        let io_kind =
            |kind| error.iter_errors().any(|e| e.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == kind));
        if error.is_resource_exhausted() || io_kind(io::ErrorKind::OutOfMemory) {
            return Failure::new(Kind::TooLarge, format!("{name} holds an object that is too large to be received"))
                .hint("the operator may raise fetch.max_object_mb and fetch.max_memory_mb")
                .source(error);
        }
        if io_kind(io::ErrorKind::StorageFull) || io_kind(io::ErrorKind::QuotaExceeded) {
            return Failure::new(Kind::Environment, "the disk is full").hint("free some space").source(error);
        }
        if io_kind(io::ErrorKind::UnexpectedEof) {
            let what = format!("{} ended the answer too early", self.url.host);
            return Failure::new(Kind::Unavailable, what).source(error);
        }
        Failure::new(Kind::Unusable, format!("what {} sends for {name} cannot be understood", self.url.host))
            .hint("is it a Git repository with SHA-1 object ids, served over smart HTTP?")
            .source(error)
    }
}

fn find(map: &RefMap, names: &[String]) -> Found {
    for name in names {
        if is_commit_id(name) {
            return ObjectId::from_hex(name.as_bytes()).map_or(Found::Nothing, |id| Found::Object(id, None));
        }
        let Some(found) = map.remote_refs.iter().find(|reference| reference.unpack().0 == name.as_str()) else {
            continue;
        };
        return match found {
            Ref::Unborn { target, .. } => Found::Unborn(target.to_string()),
            Ref::Symbolic { target, object, .. } => Found::Object(*object, Some(target.to_string())),
            Ref::Peeled { object, .. } | Ref::Direct { object, .. } => {
                Found::Object(*object, (name != "HEAD").then(|| name.clone()))
            }
        };
    }
    Found::Nothing
}
