//! What is logged while a job runs, kept for those who look at the job later, and the span that ties the run to the
//! trace of whoever asked for it.
//!
//! A run that logs nothing costs one small allocation; one that belongs to a trace costs a span as well. Neither is
//! there where nothing could come of it. A task that the handler spawns, or a thread that it sends work to, is part of
//! the run only if it is told so, by [`carried`] or [`carried_future`]: task and thread begin with a clean sheet.

use std::fmt::{self, Write as _};
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use chrono::Utc;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Instrument as _, Span, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use uuid::Uuid;

use super::ring::Ring;
pub use super::ring::{LONGEST_MESSAGE, LogLine, MOST_BYTES, MOST_LINES};
use crate::model::secret::redact;
use crate::model::trace::Traceparent;

type Lines = Option<Arc<Mutex<Ring>>>;

tokio::task_local! {
    /// Where the lines of the job go that this task or thread works for.
    static LINES: Lines;
}

/// Whether a subscriber is there that fills them.
static KEEPING: AtomicBool = AtomicBool::new(false);

/// Has the lines of jobs kept from here on.
pub(super) fn start_keeping() {
    KEEPING.store(true, Ordering::Relaxed);
}

/// The log of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobLog {
    /// The job.
    pub job_id: Uuid,
    /// Which claim of it.
    pub claim: i32,
    /// The newest lines, in order.
    pub lines: Vec<LogLine>,
    /// How many older ones were dropped.
    pub dropped: u32,
}

/// Watches one attempt at a job. It is the worker's: it outlives a handler that panics or is aborted.
#[derive(Debug)]
pub struct Capture {
    job_id: Uuid,
    claim: i32,
    lines: Lines,
    traced: Option<Traced>,
}

#[derive(Debug)]
struct Traced {
    span: Span,
    started: Instant,
    is_sampled: bool,
}

impl Capture {
    /// Of the attempt `claim` at a job. `traceparent` is the job's, if it has one; a malformed one counts as none.
    #[must_use]
    pub fn begin(job_id: Uuid, claim: i32, kind: &str, traceparent: Option<&str>) -> Self {
        let lines = KEEPING.load(Ordering::Relaxed).then(Arc::default);
        let traced = Traceparent::heard(traceparent).map(|parent| {
            let own = parent.child(rand::random::<u64>().try_into().unwrap_or(NonZeroU64::MIN));
            // The level of an error, so that whatever is logged shows it, however little that is.
            let span = tracing::error_span!(
                "job",
                job = %job_id,
                claim,
                kind,
                trace_id = own.trace_id(),
                span_id = own.span_id(),
                parent_id = parent.span_id(),
            );
            Traced { span, started: Instant::now(), is_sampled: parent.is_sampled() }
        });
        Self { job_id, claim, lines, traced }
    }

    /// Runs the handler as this attempt.
    pub fn run<F: Future>(&self, handler: F) -> impl Future<Output = F::Output> + use<F> {
        let span = self.traced.as_ref().map_or_else(Span::none, |traced| traced.span.clone());
        LINES.scope(self.lines.clone(), handler.instrument(span))
    }

    /// Ends the attempt: what was logged in it, if anything was. Of a sampled trace this is told to the log, for those
    /// who collect spans from there.
    #[must_use]
    pub fn finish(self) -> Option<JobLog> {
        let Self { job_id, claim, lines, traced } = self;
        if let Some(Traced { span, started, .. }) = traced.filter(|traced| traced.is_sampled) {
            let seconds = started.elapsed().as_secs_f64();
            span.in_scope(|| tracing::info!(seconds, "the attempt ended"));
        }
        // A thread of it that nobody waited for may still log; that is nowhere kept.
        let ring = std::mem::take(&mut *lines?.lock().unwrap_or_else(PoisonError::into_inner));
        let (lines, dropped) = ring.into_parts();
        (!lines.is_empty()).then_some(JobLog { job_id, claim, lines, dropped })
    }
}

/// `work`, to be done by another thread as part of the job that this one works for.
pub fn carried<R>(work: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let (lines, span) = (here(), Span::current());
    move || LINES.sync_scope(lines, || span.in_scope(work))
}

/// `work`, to be done by another task as part of the job that this one works for.
pub fn carried_future<F: Future>(work: F) -> impl Future<Output = F::Output> {
    LINES.scope(here(), work.in_current_span())
}

fn here() -> Lines {
    LINES.try_with(Clone::clone).ok().flatten()
}

/// Keeps what is logged on behalf of a job.
#[derive(Debug)]
pub(super) struct JobLines;

impl<S: Subscriber> Layer<S> for JobLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(lines) = here() else { return };
        let mut text = Text { target: event.metadata().target().to_owned(), ..Text::default() };
        event.record(&mut text);
        let line = LogLine {
            at: Utc::now(),
            level: event.metadata().level().to_string(),
            target: text.target,
            message: printable(&redact(&(text.message + &text.fields))),
        };
        lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

/// Control characters of a stranger's message would reach the terminal of whoever reads it, and a NUL no database.
fn printable(text: &str) -> String {
    let stand_in = |c: char| if c.is_control() && c != '\n' && c != '\t' { char::REPLACEMENT_CHARACTER } else { c };
    text.trim_end().chars().map(stand_in).collect()
}

/// An event as one text: the message, then ` name=value` for each field.
#[derive(Debug, Default)]
struct Text {
    target: String,
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail; a broken `Debug` loses its own field only.
        _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            // Where a line of the `log` crate comes from; its target is given as text.
            name if name.starts_with("log.") => Ok(()),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            "log.target" => value.clone_into(&mut self.target),
            _ => self.record_debug(field, &value),
        }
    }

    /// With what caused it.
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_debug(field, &format_args!("{value}"));
        let mut cause = value.source();
        while let Some(error) = cause {
            _ = write!(self.fields, ": {error}");
            cause = error.source();
        }
    }
}

#[cfg(test)]
mod tests;
