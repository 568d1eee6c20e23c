//! What is kept of a job's run, and for which job.

use std::thread;

use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

/// A subscriber as the service has it, whose terminal shows errors only.
fn subscriber() -> impl Subscriber + Send + Sync {
    let filter = |directives| EnvFilter::builder().parse(directives).unwrap();
    let terminal = tracing_subscriber::fmt::layer().with_writer(std::io::sink).with_filter(filter("error"));
    tracing_subscriber::registry().with(terminal).with(JobLines.with_filter(filter("info,quiet=off")))
}

/// Runs a handler as the worker does; what was kept.
fn kept<F: Future<Output = ()>>(handler: impl FnOnce() -> F) -> Vec<String> {
    start_keeping();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    tracing::subscriber::with_default(subscriber(), || log_of(&runtime, handler())).map_or_else(Vec::new, told)
}

fn log_of(runtime: &Runtime, handler: impl Future<Output = ()>) -> Option<JobLog> {
    let capture = Capture::begin(Uuid::from_u128(7), 1, "generation", None);
    runtime.block_on(capture.run(handler));
    capture.finish()
}

fn told(log: JobLog) -> Vec<String> {
    log.lines.into_iter().map(|line| format!("{} {}", line.level, line.message)).collect()
}

#[test]
fn what_a_handler_logs_is_kept_whatever_the_terminal_shows() {
    let lines = kept(|| async {
        tracing::info!(size = 3, breed = "manx", "painting");
        tracing::debug!("not this");
        tracing::warn!(target: "quiet", "nor this");
        tracing::error!("postgres://cat:s3cret@db/cats \u{1b}[31mis\0 gone\n");
    });
    let expected =
        ["INFO painting size=3 breed=\"manx\"", "ERROR postgres://cat:***@db/cats \u{fffd}[31mis\u{fffd} gone"];
    assert_eq!(lines, expected);
}

#[test]
fn a_silent_run_has_no_log() {
    assert_eq!(kept(|| async {}), [""; 0]);
}

#[test]
fn what_threads_and_tasks_do_for_it_is_kept_too() {
    let lines = kept(|| async {
        // The service's subscriber is everybody's, this one is its thread's.
        let subscriber = tracing::dispatcher::get_default(Clone::clone);
        let work = carried(|| tracing::info!("carried to a thread"));
        thread::spawn(move || tracing::dispatcher::with_default(&subscriber, work)).join().unwrap();
        tokio::spawn(carried_future(async {
            tokio::task::yield_now().await;
            tracing::info!("carried to a task");
        }))
        .await
        .unwrap();
        tokio::spawn(async { tracing::info!("somebody else's") }).await.unwrap();
    });
    assert_eq!(lines, ["INFO carried to a thread", "INFO carried to a task"]);
}

#[test]
fn jobs_that_run_side_by_side_keep_their_own_lines() {
    start_keeping();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let logs = tracing::subscriber::with_default(subscriber(), || {
        runtime.block_on(async {
            let run = async |number: u128| {
                let capture = Capture::begin(Uuid::from_u128(number), 1, "generation", None);
                let handler = async {
                    for step in 0..3 {
                        tracing::info!("{number} {step}");
                        tokio::task::yield_now().await;
                    }
                };
                capture.run(handler).await;
                tracing::info!("between jobs");
                capture.finish().unwrap()
            };
            let (one, two) = tokio::join!(run(1), run(2));
            [one, two]
        })
    });
    for (log, number) in logs.into_iter().zip(1..) {
        assert_eq!((log.job_id, log.dropped), (Uuid::from_u128(number), 0));
        assert_eq!(told(log), (0..3).map(|step| format!("INFO {number} {step}")).collect::<Vec<_>>());
    }
}

#[test]
fn what_a_panicking_handler_logged_is_kept() {
    start_keeping();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let log = tracing::subscriber::with_default(subscriber(), || {
        let capture = Capture::begin(Uuid::nil(), 1, "generation", None);
        let handler = async {
            tracing::info!("before the fall");
            std::panic::resume_unwind(Box::new("a fault"));
        };
        let ended: Result<(), _> = runtime.block_on(async { tokio::spawn(capture.run(handler)).await });
        assert!(ended.unwrap_err().is_panic());
        capture.finish()
    });
    assert_eq!(told(log.unwrap()), ["INFO before the fall"]);
}

#[test]
fn a_flood_leaves_its_newest_lines_and_says_how_many_are_missing() {
    start_keeping();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let log = tracing::subscriber::with_default(subscriber(), || {
        log_of(&runtime, async {
            for number in 0..MOST_LINES + 5 {
                tracing::info!("{number}");
            }
        })
    });
    let log = log.unwrap();
    assert_eq!((log.lines.len(), log.dropped), (MOST_LINES, 5));
    assert_eq!(log.lines[0].message, "5");
}

#[test]
fn an_error_is_kept_with_its_causes() {
    let lines = kept(|| async {
        let cause = std::io::Error::other("the disk is full");
        let error =
            crate::model::failure::Failure::new(crate::model::failure::Kind::Environment, "cannot write").source(cause);
        tracing::warn!(error = &error as &dyn std::error::Error, "trying again");
    });
    assert_eq!(lines, ["WARN trying again error=cannot write: the disk is full"]);
}
