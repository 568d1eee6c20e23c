//! What this process tells of itself, without secrets: log lines on standard error, the log of each job's run
//! ([`joblog`]) and counts for Prometheus ([`metrics`], [`requests`]).

mod exposition;
mod histogram;
pub mod joblog;
pub mod metrics;
pub mod requests;
mod ring;

use std::fmt::Write as _;
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::LazyLock;

pub use exposition::{MEDIA_TYPE, Page, Type};
use indicatif::MultiProgress;
use tracing::Subscriber;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{Log, LogFormat};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::secret::redact;

/// What is drawn on standard error. Log lines are written above it and do not tear it up.
#[must_use]
pub fn drawing() -> &'static MultiProgress {
    static DRAWING: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);
    &DRAWING
}

/// Standard error, with what is drawn there taken aside for each line.
struct Aside;

impl Write for Aside {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        drawing().suspend(|| io::stderr().write_all(event))?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Sends this process's events to standard error as the settings say, and those of jobs to the jobs' logs, too. To be
/// called once.
pub fn start(log: &Log) -> Result<()> {
    let of_jobs = filter("log.job_filter", &log.job_filter)?;
    let keeps_lines = of_jobs.max_level_hint() != Some(LevelFilter::OFF);
    tracing_subscriber::registry()
        .with(lines(log.format, || Aside).with_filter(filter("log.filter", &log.filter)?))
        .with(keeps_lines.then(|| joblog::JobLines.with_filter(of_jobs)))
        .try_init()
        .map_err(|error| Failure::new(Kind::Internal, "the log was started twice").source(error))?;
    if keeps_lines {
        joblog::start_keeping();
    }
    Ok(())
}

fn filter(key: &str, directives: &str) -> Result<EnvFilter> {
    EnvFilter::builder()
        .parse(directives)
        .map_err(|error| Failure::new(Kind::Invalid, format!("`{key}` is \"{directives}\"")).source(error))
}

/// Writes one line per event. Within a traced job it tells the job, its trace and its span.
fn lines<S, W>(format: LogFormat, writer: impl Fn() -> W + Send + Sync + 'static) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: Write,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(Redacting(writer)).with_ansi(false);
    match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    }
}

/// Masks the secrets of each event on its way to the inner writer.
struct Redacting<M>(M);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Redacting<M> {
    type Writer = RedactingWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        RedactingWriter(self.0.make_writer())
    }
}

struct RedactingWriter<W>(W);

impl<W: Write> Write for RedactingWriter<W> {
    /// `tracing` hands over one whole event per call, so that no secret is cut in two.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.0.write_all(redact(&String::from_utf8_lossy(event)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Has panics reported as what they are, faults in this program, in place of the standard message.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        let trace = std::backtrace::Backtrace::capture();
        let mut text = panic_message(info);
        if trace.status() == std::backtrace::BacktraceStatus::Captured {
            _ = write!(text, "\n{trace}");
        }
        // There is nobody left to tell if standard error is closed.
        _ = writeln!(io::stderr(), "{}", redact(&text));
    }));
}

fn panic_message(info: &PanicHookInfo<'_>) -> String {
    let what = info.payload_as_str().unwrap_or("unknown panic");
    let place = info.location().map_or_else(String::new, |place| format!(" ({}:{})", place.file(), place.line()));
    format!(
        "error: a fault in repo-to-cat {}: {what}{place}\n  hint: please report this message and the command that led to \
         it; RUST_BACKTRACE=1 shows more",
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, event: impl FnOnce()) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber = tracing_subscriber::registry().with(lines(format, move || writer.clone()));
        tracing::subscriber::with_default(subscriber, event);
        String::from_utf8(captured.0.lock().unwrap().clone()).unwrap()
    }

    fn connecting() {
        tracing::info!(url = "postgres://cat:s3cret@db/cats", "connecting to https://tok_en@host/x");
    }

    #[test]
    fn no_log_line_shows_credentials() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let line = logged(format, connecting);
            assert!(line.contains("postgres://cat:***@db/cats") && line.contains("https://***@host/x"), "{line}");
            assert!(!line.contains("s3cret") && !line.contains("tok_en"), "{line}");
        }
    }

    #[test]
    fn a_json_line_stays_json() {
        let line: serde_json::Value = serde_json::from_str(&logged(LogFormat::Json, connecting)).unwrap();
        assert_eq!(line["url"], "postgres://cat:***@db/cats");
    }

    #[test]
    fn a_line_of_a_traced_job_names_its_trace() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let run = || {
            let capture = joblog::Capture::begin(uuid::Uuid::nil(), 2, "generation", Some(parent));
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(capture.run(async { tracing::warn!("fetching") }));
            assert_eq!(capture.finish(), None, "nobody keeps lines here");
        };
        let text = logged(LogFormat::Text, run);
        assert!(text.contains("trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\""), "{text}");
        let json = logged(LogFormat::Json, run);
        let told: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&told[0]["message"], &told[1]["message"]), (&"fetching".into(), &"the attempt ended".into()));
        assert!(told[1]["seconds"].is_f64(), "{json}");
        for line in &told {
            let span = &line["span"];
            assert_eq!(
                (&span["name"], &span["claim"], &span["kind"]),
                (&"job".into(), &2.into(), &"generation".into())
            );
            assert_eq!(span["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
            assert_eq!(span["parent_id"], "00f067aa0ba902b7");
            assert_eq!(span["span_id"].as_str().unwrap().len(), 16);
            assert_ne!(span["span_id"], span["parent_id"]);
        }
    }
}
