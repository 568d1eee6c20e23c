//! Our apalis backend: a channel that the fetcher fills.
//!
//! Everything that could block or fail stays on the other side of the channel, so that the worker loop can do neither.

use std::convert::Infallible;
use std::task::{Context, Poll};

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::layers::Identity;
use apalis_core::task::Task;
use apalis_core::task::task_id::RandomId;
use apalis_core::worker::context::WorkerContext;
use tokio::sync::mpsc;

use crate::queue::Assignment;

/// The jobs of one kind, as a source of apalis tasks. Ends when the fetcher does.
#[derive(Debug)]
pub struct QueueBackend {
    assignments: mpsc::Receiver<Assignment>,
}

impl QueueBackend {
    /// A backend that yields what is sent to the channel.
    #[must_use]
    pub fn new(assignments: mpsc::Receiver<Assignment>) -> Self {
        Self { assignments }
    }
}

impl Backend for QueueBackend {
    type Task = Task<Assignment>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Self::Error>>> {
        self.assignments.poll_recv(context).map(|next| next.map(|assignment| Ok(Task::new(assignment))))
    }

    /// Called when nothing is left to do. A worker whose source has ended still waits to be stopped.
    fn poll_close(&mut self, _: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        self.assignments.close();
        if let Err(error) = worker.stop() {
            tracing::debug!(%error, "the apalis worker had not started");
        }
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for QueueBackend {
    type Args = Assignment;
    type Id = RandomId;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &Self::Config {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Self::Layer {
        Identity::new()
    }
}
