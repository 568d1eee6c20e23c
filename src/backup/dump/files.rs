//! The files of a backup in the making: each is written on a thread of its own.

use std::io;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::plan::Plan;
use super::rows::Waiter;
use super::watch::Halt;
use crate::backup::pipe::{Encoded, Encoder, Recipe, bridge, failure_of};
use crate::model::backup::BackupName;
use crate::model::backup::manifest::{FileRole, StoredFile};
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::vault::Draft;

/// Where files are begun.
pub(super) struct Files<'a> {
    pub draft: &'a Draft,
    pub name: &'a BackupName,
    pub plan: &'a Plan,
    pub halt: &'a Halt,
    /// The threads that write files; they end soon once it is halted.
    pub threads: &'a TaskTracker,
}

impl Files<'_> {
    /// How a file is made beside which others are made, or which is small: one thread compresses it.
    pub fn small(&self) -> Recipe {
        Recipe { threads: 1, ..self.plan.recipe.clone() }
    }

    /// For a thread that waits for async code.
    pub fn waiter(&self) -> Waiter {
        Waiter { runtime: Handle::current(), halted: self.halt.token() }
    }

    /// Makes a file of what `fill` writes; `what` is as [`Plan::file_name`] has it.
    pub async fn write<T: Send + 'static>(
        &self,
        what: &str,
        role: FileRole,
        recipe: Recipe,
        fill: impl FnOnce(&mut Encoder) -> Result<T> + Send + 'static,
    ) -> Result<(StoredFile, T)> {
        let name = self.plan.file_name(self.name, what);
        let upload = self.draft.create(&name).await?;
        let (out, landing) = bridge::upload(upload, Handle::current(), self.halt.reporter());
        let thread = self.threads.spawn_blocking(move || {
            let mut encoder = Encoder::start(&recipe, out)?;
            let filled = fill(&mut encoder)?;
            Ok((encoder.finish()?, filled))
        });
        let (encoded, filled) = thread.await.unwrap_or_else(|panic| {
            Err(Failure::new(Kind::Internal, format!("the thread that wrote {name} broke")).source(panic))
        })?;
        landing.finish().await?;
        let Encoded { raw_bytes, bytes, sha256 } = encoded;
        Ok((StoredFile { name, role, bytes, raw_bytes, sha256 }, filled))
    }
}

/// Why the encoder takes no more: where that is the store's doing, the store's own failure.
pub(super) fn unwritten(error: io::Error) -> Failure {
    failure_of(error, "the dump cannot be passed on")
}
