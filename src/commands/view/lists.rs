//! Lists of jobs and cats.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::amount::{bytes, grouped, relative};
use super::look::Look;
use super::table::Table;
use crate::model::generation::Generation;
use crate::model::job::JobState;

/// A job in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct JobLine {
    /// Id of the job.
    pub id: String,
    /// What sort of work.
    pub kind: String,
    /// What it is about: for a generation the repository.
    pub subject: String,
    /// Where it stands.
    pub state: JobState,
    /// Attempts that failed, of so many.
    pub attempts: (u16, u16),
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
}

/// The mark of a state, which says the same as its word at a glance.
#[must_use]
pub const fn mark(state: JobState) -> &'static str {
    match state {
        JobState::Scheduled => "◷",
        JobState::Available => "·",
        JobState::Running => "▶",
        JobState::Parked => "‖",
        JobState::Completed => "✓",
        JobState::Discarded => "✗",
        JobState::Cancelled => "–",
    }
}

/// Jobs as a table.
#[must_use]
pub fn jobs(jobs: &[JobLine], now: DateTime<Utc>, look: &Look) -> String {
    if jobs.is_empty() {
        return "No jobs.\n".to_owned();
    }
    let mut table = Table::new(["Id", "State", "Kind", "Subject", "Failed", "Enqueued"]).whole(0);
    for job in jobs {
        table.row([
            job.id.clone(),
            format!("{} {}", mark(job.state), job.state),
            job.kind.clone(),
            job.subject.clone(),
            format!("{}/{}", job.attempts.0, job.attempts.1),
            relative(job.created_at, now),
        ]);
    }
    table.render(look)
}

/// How far back a page looked that ended early, and how to go on.
#[must_use]
pub fn looked_back(to: Option<DateTime<Utc>>, next: Option<Uuid>, jobs: i64, look: &Look) -> String {
    let (Some(to), Some(next)) = (to, next) else { return String::new() };
    let jobs = grouped(jobs.unsigned_abs());
    let to = to.format("%Y-%m-%d %H:%M:%S UTC");
    look.dim(&format!("Looked at {jobs} jobs, back to {to}. Go on with: --after {next}")) + "\n"
}

/// Cats as a table.
#[must_use]
pub fn generations(cats: &[Generation], now: DateTime<Utc>, look: &Look) -> String {
    if cats.is_empty() {
        return "No cats yet. Make one: repo-to-cat demo\n".to_owned();
    }
    let mut table =
        Table::new(["Id", "Repository", "Score", "Language", "Size", "Made"]).whole(0).numbers(2).numbers(4);
    for cat in cats {
        table.row([
            cat.id.to_string(),
            name(cat),
            cat.code_quality_score.map_or("-".to_owned(), |score| format!("{score:.1}")),
            cat.primary_language.clone().unwrap_or("-".to_owned()),
            cat.repo_size_kb.and_then(|kb| u64::try_from(kb).ok()).map_or("-".to_owned(), |kb| bytes(kb * 1024)),
            relative(cat.created_at, now),
        ]);
    }
    table.render(look)
}

/// `owner/name`, or the URL where they are not known: the founding application left them null or empty.
#[must_use]
pub fn name(cat: &Generation) -> String {
    match (cat.repo_owner.as_deref(), cat.repo_name.as_deref()) {
        (Some(owner), Some(name)) if !owner.is_empty() && !name.is_empty() => format!("{owner}/{name}"),
        _ => cat.github_url.clone(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::card::tests::cat;
    use super::super::steps::tests::screen;
    use super::super::text::width;
    use super::*;

    fn now() -> DateTime<Utc> {
        cat().created_at + TimeDelta::minutes(3)
    }

    fn job(n: u128, state: JobState, subject: &str) -> JobLine {
        JobLine {
            id: uuid::Uuid::from_u128(n).to_string(),
            kind: "generation".into(),
            subject: subject.into(),
            state,
            attempts: (1, 5),
            created_at: cat().created_at,
        }
    }

    #[test]
    fn lists_in_a_pipe_have_one_line_per_row() {
        let old = Generation { repo_owner: None, code_quality_score: None, repo_size_kb: None, ..cat() };
        let lines =
            [job(1, JobState::Running, "https://github.com/owner/name"), job(2, JobState::Discarded, "a\u{1b}b")];
        let look = Look::plain();
        insta::assert_snapshot!(format!(
            "{}\n{}",
            jobs(&lines, now(), &look),
            generations(&[cat(), old], now(), &look)
        ));
    }

    #[test]
    fn lists_on_a_screen_stay_within_it() {
        let lines = [job(1, JobState::Running, "https://github.com/a-rather-long-owner/and-a-rather-long-name-too")];
        for line in jobs(&lines, now(), &screen(100)).lines() {
            assert!(width(line) <= 100, "{line}");
        }
    }
}
