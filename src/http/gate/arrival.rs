//! Bodies that do not come. Who waits for one holds its connection: after a while neither waits any longer.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use axum::extract::Request;
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// How far the body of a request has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Arrival(Arc<AtomicBool>);

impl Arrival {
    /// The request, whose body fails where by `deadline` not all of it is there.
    pub fn by(deadline: Instant, request: Request) -> (Request, Self) {
        let arrival = Self::default();
        if request.body().is_end_stream() {
            return (request, arrival);
        }
        let own = arrival.clone();
        let on_its_way =
            |body: Body| Arriving { data: body.into_data_stream(), deadline, too_late: None, arrival: own };
        (request.map(|body| Body::from_stream(on_its_way(body))), arrival)
    }

    /// Whether its handler waits for more of it, or did until it failed.
    pub fn is_awaited(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A body on its way.
struct Arriving {
    data: BodyDataStream,
    deadline: Instant,
    /// Ends with the deadline; none before there was anything to wait for.
    too_late: Option<Pin<Box<Sleep>>>,
    arrival: Arrival,
}

impl Stream for Arriving {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.data).poll_next(context);
        self.arrival.0.store(next.is_pending(), Ordering::Relaxed);
        if next.is_ready() {
            return next.map_err(Into::into);
        }
        let deadline = self.deadline;
        let too_late = self.too_late.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        ready!(too_late.as_mut().poll(context));
        Poll::Ready(Some(Err("the body did not arrive in time".into())))
    }
}
