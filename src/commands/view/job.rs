//! One job, with its steps and what became of its attempts.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::amount::{duration, relative};
use super::look::Look;
use crate::db::attempts::AttemptRow;
use crate::db::inspect::JobRow;
use crate::db::steps::StepRow;
use crate::model::job::{JobKind, JobState};

/// The job for people.
#[must_use]
pub fn render(
    job: &JobRow,
    subject: &str,
    steps: &[StepRow],
    attempts: &[AttemptRow],
    now: DateTime<Utc>,
    look: &Look,
) -> String {
    let mut text = format!("{}\n", look.heading(&format!("Job {}", job.id)));
    let mut line = |name: &str, value: &str| _ = writeln!(text, "  {name:<10}{value}");
    line("subject", subject);
    line("kind", &job.kind);
    line("state", &job.state);
    line("priority", &job.priority.to_string());
    line("enqueued", &at(job.created_at, now));
    if job.finished_at.is_none() {
        line("due", &at(job.run_at, now));
    }
    if let Some(started) = job.started_at {
        line("claimed", &at(started, now));
    }
    if let Some(finished) = job.finished_at {
        line("ended", &at(finished, now));
    }
    line("failed", &format!("{} of {} attempts", job.attempts, job.max_attempts));
    if job.deaths > 0 {
        line("lost", &format!("its worker {} times", job.deaths));
    }
    if let Some(key) = &job.unique_key {
        line("key", key);
    }
    if let Some(worker) = job.worker_id {
        line("worker", &worker.to_string());
    }
    if job.state == JobState::Completed.name() && job.kind == JobKind::Generation.name() {
        line("cat", &format!("repo-to-cat generations show {}", job.id));
    }
    write_steps(&mut text, steps, job.state == JobState::Running.name(), look);
    for attempt in attempts {
        write_attempt(&mut text, attempt, now, look);
    }
    text
}

fn write_steps(text: &mut String, steps: &[StepRow], job_runs: bool, look: &Look) {
    let mut steps: Vec<_> = steps.iter().collect();
    steps.sort_by_key(|step| step.started_at);
    if !steps.is_empty() {
        _ = writeln!(text, "\n{}", look.heading("Steps"));
    }
    for step in steps {
        let took = step.finished_at.and_then(|finished| (finished - step.started_at).to_std().ok());
        let how_far = match took {
            Some(took) => duration(took),
            None if job_runs => step.detail.clone().unwrap_or_else(|| "running".into()),
            None => "not done".into(),
        };
        _ = writeln!(text, "  {:<12}{how_far}", step.step);
    }
}

fn write_attempt(text: &mut String, attempt: &AttemptRow, now: DateTime<Utc>, look: &Look) {
    let heading = format!("Attempt {}: {}", attempt.claim, attempt.outcome.replace('_', " "));
    _ = writeln!(text, "\n{}", look.heading(&heading));
    _ = writeln!(text, "  {:<10}{}", "ended", at(attempt.finished_at, now));
    if let (Some(class), Some(error)) = (&attempt.error_class, &attempt.error) {
        _ = writeln!(text, "  {:<10}{error}\n  {:<10}{class}", "error", "class");
    }
    for cause in &attempt.causes {
        _ = writeln!(text, "  {:<10}{cause}", "caused by");
    }
    if let Some(hint) = &attempt.hint {
        _ = writeln!(text, "  {:<10}{hint}", "hint");
    }
}

fn at(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    format!("{}, {}", time.format("%Y-%m-%d %H:%M:%S UTC"), relative(time, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_runs_only_while_its_job_does() {
        let step = StepRow {
            step: "analyse".into(),
            done: false,
            started_at: DateTime::UNIX_EPOCH,
            finished_at: None,
            fraction: None,
            detail: Some("12 of 40 files".into()),
            output: None,
        };
        let shown = |job_runs| {
            let mut text = String::new();
            write_steps(&mut text, std::slice::from_ref(&step), job_runs, &Look::plain());
            text
        };
        assert_eq!(shown(true), "\nSteps\n  analyse     12 of 40 files\n");
        assert_eq!(shown(false), "\nSteps\n  analyse     not done\n");
    }
}
