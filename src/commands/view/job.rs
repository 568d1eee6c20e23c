//! One job, with its steps and what became of its attempts.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::amount::{duration, relative};
use super::look::Look;
use super::text::safe;
use crate::db::inspect::JobRow;
use crate::db::life::Attempt;
use crate::db::steps::StepRow;
use crate::model::job::{JobKind, JobState};

/// The job for people.
#[must_use]
pub fn render(
    job: &JobRow,
    subject: &str,
    steps: &[StepRow],
    attempts: &[Attempt],
    now: DateTime<Utc>,
    look: &Look,
) -> String {
    let mut text = format!("{}\n", look.heading(&format!("Job {}", job.id)));
    let mut line = |name: &str, value: &str| _ = writeln!(text, "  {name:<10}{}", safe(value));
    line("subject", subject);
    line("kind", &job.kind);
    let because = job.parked_because.as_deref().map(|why| format!(": {why}"));
    line("state", &format!("{}{}", job.state, because.unwrap_or_default()));
    line("priority", &job.priority.to_string());
    line("enqueued", &at(job.created_at, now));
    if job.finished_at.is_none() {
        line("due", &at(job.run_at, now));
    }
    if let Some(deadline) = job.deadline {
        line("deadline", &at(deadline, now));
    }
    if let Some(started) = job.started_at {
        line("claimed", &at(started, now));
    }
    if let Some(finished) = job.finished_at {
        line("ended", &at(finished, now));
    }
    if let Some(waited) = job.waited_seconds {
        line("waited", &seconds(waited));
    }
    if let Some(ran) = job.ran_seconds {
        line("ran", &seconds(ran));
    }
    line("failed", &format!("{} of {} attempts", job.attempts, job.max_attempts));
    if job.deaths > 0 {
        line("lost", &format!("its worker {} times", job.deaths));
    }
    if let Some(timeout) = job.timeout_seconds {
        line("timeout", &seconds(timeout.into()));
    }
    let options = [
        ("key", job.unique_key.clone()),
        ("limit key", job.limit_key.clone()),
        ("tags", (!job.tags.is_empty()).then(|| job.tags.join(", "))),
        ("user", job.user_id.map(|id| id.to_string())),
        ("rerun of", job.rerun_of.map(|id| id.to_string())),
        ("trace", job.traceparent.clone()),
        ("worker", job.worker_id.map(|id| named(id, job.worker.as_deref()))),
    ];
    for (name, value) in options {
        if let Some(value) = value {
            line(name, &value);
        }
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

fn write_attempt(text: &mut String, attempt: &Attempt, now: DateTime<Utc>, look: &Look) {
    let heading = format!("Attempt {}: {}", attempt.claim, attempt.outcome.replace('_', " "));
    _ = writeln!(text, "\n{}", look.heading(&heading));
    let mut line = |name: &str, value: &str| _ = writeln!(text, "  {name:<10}{}", safe(value));
    if let Some(worker) = attempt.worker_id {
        line("worker", &named(worker, attempt.worker.as_deref()));
    }
    if let Some(started) = attempt.started_at {
        line("claimed", &at(started, now));
    }
    if let Some(finished) = attempt.finished_at {
        line("ended", &at(finished, now));
    }
    if let Some(ran) = attempt.ran_seconds {
        line("ran", &seconds(ran));
    }
    if let Some(error) = &attempt.error {
        line("error", error);
    }
    if let Some(class) = &attempt.error_class {
        line("class", class);
    }
    for cause in &attempt.causes {
        line("caused by", cause);
    }
    if let Some(hint) = &attempt.hint {
        line("hint", hint);
    }
    if attempt.log_dropped > 0 {
        _ = writeln!(text, "  {}", look.dim(&format!("{} older lines were dropped", attempt.log_dropped)));
    }
    for logged in &attempt.log {
        let time = logged.at.format("%H:%M:%S%.3f");
        _ = writeln!(text, "  {} {:<5} {}", look.dim(&time.to_string()), logged.level, safe(&logged.message));
    }
}

fn named(id: Uuid, name: Option<&str>) -> String {
    name.map_or_else(|| id.to_string(), |name| format!("{name} ({id})"))
}

fn seconds(seconds: f64) -> String {
    duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
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
