//! What is logged, and how: one line per event on standard error, without secrets.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::LazyLock;

use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

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

/// Sends this process's events to standard error as the settings say. To be called once.
pub fn start(log: &Log) -> Result<()> {
    let filter = EnvFilter::builder()
        .parse(&log.filter)
        .map_err(|error| Failure::new(Kind::Invalid, format!("`log.filter` is \"{}\"", log.filter)).source(error))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Redacting(|| Aside)).with_ansi(false);
    let started = match log.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failure::new(Kind::Internal, "the log was started twice").source(error))
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

    fn logged(json: bool) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let builder = tracing_subscriber::fmt().with_writer(Redacting(move || writer.clone())).with_ansi(false);
        let event = || tracing::info!(url = "postgres://cat:s3cret@db/cats", "connecting to https://tok_en@host/x");
        if json {
            tracing::subscriber::with_default(builder.json().finish(), event);
        } else {
            tracing::subscriber::with_default(builder.finish(), event);
        }
        String::from_utf8(captured.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn no_log_line_shows_credentials() {
        for json in [false, true] {
            let line = logged(json);
            assert!(line.contains("postgres://cat:***@db/cats") && line.contains("https://***@host/x"), "{line}");
            assert!(!line.contains("s3cret") && !line.contains("tok_en"), "{line}");
        }
    }

    #[test]
    fn a_json_line_stays_json() {
        let line: serde_json::Value = serde_json::from_str(&logged(true)).unwrap();
        assert_eq!(line["fields"]["url"], "postgres://cat:***@db/cats");
    }
}
