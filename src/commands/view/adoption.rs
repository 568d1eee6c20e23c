//! What adopting a database of the founding application would do, and what it did.

use std::fmt::Write as _;

use super::look::Look;
use super::section::section;
use super::text::{safe, wrap};
use crate::commands::adopt::Tally;
use crate::db::adopt::{Census, Plan, REVISIONS};
use crate::model::figures::{counted, grouped};

/// What would be done.
#[derive(Debug, Default)]
pub struct Outlook {
    /// Alembic's, where it was here.
    pub revision: Option<String>,
    /// The latest of our migrations that is applied, 0 where none is.
    pub head: i64,
    /// Migrations of ours to apply: version and name.
    pub pending: Vec<(i64, String)>,
    /// Empty where the tables are ours already.
    pub plan: Plan,
    /// The rows of tables that are not ours yet.
    pub census: Option<Census>,
    /// Where a folder was given.
    pub pictures: Option<Tally>,
}

impl Outlook {
    /// Whether there is anything to do.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.plan.steps.is_empty() || !self.pending.is_empty() || self.pictures.as_ref().is_some_and(|p| p.taken > 0)
    }
}

/// What was done.
#[derive(Debug)]
pub struct Outcome {
    /// What is to be told besides.
    pub notes: Vec<String>,
    /// Migrations of ours that were applied: version and name.
    pub applied: Vec<(i64, String)>,
    /// Where a folder was given.
    pub pictures: Option<Tally>,
    /// The latest of our migrations.
    pub current: i64,
}

/// What is said where nothing is to be done.
#[must_use]
pub fn nothing(outlook: &Outlook) -> String {
    let whose = match &outlook.revision {
        Some(revision) => format!("it was adopted at Alembic's {}", safe(revision)),
        None => "it was never the Python application's".to_owned(),
    };
    let mut text = format!("nothing to do: the schema is at {:04}; {whose}\n", outlook.head);
    for line in outlook.pictures.iter().flat_map(left) {
        _ = writeln!(text, "  {line}");
    }
    text
}

/// What would be done.
#[must_use]
pub fn outlook(outlook: &Outlook, look: &Look) -> String {
    let Outlook { revision, pending, plan, census, pictures, .. } = outlook;
    let title = match revision {
        None => "A database of our own".to_owned(),
        Some(revision) => {
            let brought = REVISIONS.iter().find(|(known, _)| known == revision);
            let brought = brought.map_or_else(String::new, |(_, brought)| format!(" ({brought})"));
            format!("A database of the Python application, at Alembic's {}{brought}", safe(revision))
        }
    };
    let mut lines = vec![look.heading(&title)];
    if let Some(census) = census {
        let generations = counted(census.generations.unsigned_abs(), "generation", "generations");
        let users = counted(census.users.unsigned_abs(), "user", "users");
        lines.push(format!("  {generations}, {users}: every row stays, with every value"));
    }
    if !plan.left_alone.is_empty() {
        let names: Vec<String> = plan.left_alone.iter().map(|name| safe(name)).collect();
        lines.extend(indented(&format!("left alone: {}", names.join(", ")), look));
    }
    let mut steps: Vec<String> = plan.steps.iter().flat_map(|step| hanging(step, look)).collect();
    if !pending.is_empty() {
        let names: Vec<String> = pending.iter().map(|(version, name)| format!("{version:04} {name}")).collect();
        steps.extend(hanging(&format!("apply {}", names.join(", ")), look));
    }
    section(&mut lines, "What would be done, while the application goes on", steps, look);
    section(&mut lines, "Odd rows, kept as they are", census.as_ref().map(odd).unwrap_or_default(), look);
    section(&mut lines, "Pictures", pictures.as_ref().map(found).unwrap_or_default(), look);
    let obstacles = plan.obstacles.iter().map(|(what, todo)| look.bad(&safe(&format!("{what}: {todo}"))));
    section(&mut lines, "In the way", obstacles.collect(), look);
    lines.join("\n") + "\n"
}

/// What was done.
#[must_use]
pub fn outcome(outlook: &Outlook, outcome: &Outcome, look: &Look) -> String {
    let mut text = String::from("\n");
    if !outlook.plan.steps.is_empty() {
        text += &(look.good("The database is adopted; alembic_version is as it was.") + "\n");
    }
    for note in &outcome.notes {
        _ = writeln!(text, "  {}", look.fair(note));
    }
    for (version, name) in &outcome.applied {
        _ = writeln!(text, "applied {version:04} {name}");
    }
    if let Some(tally) = &outcome.pictures {
        _ = writeln!(text, "{} taken into the store", counted(tally.taken, "picture was", "pictures were"));
        for line in left(tally) {
            _ = writeln!(text, "  {line}");
        }
    }
    _ = writeln!(text, "the schema is at {:04}", outcome.current);
    text
}

fn odd(census: &Census) -> Vec<String> {
    let told = [
        (census.scores_outside, "with a score below 0 or above 10"),
        (census.scores_not_a_number, "with a score that is no number (NaN)"),
        (census.no_score, "without a score"),
        (census.no_language, "without a language"),
        (census.no_name, "without an owner or a name"),
        (census.negative_sizes, "with a negative size"),
        (census.same_url, "with a URL that another row has, too"),
        (census.refused_urls, "with a URL that would be refused today"),
    ];
    let mut lines: Vec<String> = told
        .iter()
        .filter(|(rows, _)| *rows > 0)
        .map(|(rows, what)| format!("{:>7} {what}", grouped(rows.unsigned_abs())))
        .collect();
    if census.plain_tokens > 0 {
        lines.push(format!("{:>7} of the users with a plain api_token", grouped(census.plain_tokens.unsigned_abs())));
    }
    lines
}

fn found(tally: &Tally) -> Vec<String> {
    let mut lines = vec![format!("{} in the folder, to be taken into the store", counted(tally.taken, "is", "are"))];
    lines.extend(left(tally));
    lines
}

/// The pictures that stay where they are, if any.
fn left(tally: &Tally) -> Vec<String> {
    let told = |rows: u64, what: &str, first: &[String]| {
        let more = if rows > first.len() as u64 { ", ..." } else { "" };
        let first: Vec<String> = first.iter().map(|name| safe(name)).collect();
        (rows > 0).then(|| format!("{} {what}: {}{more}", grouped(rows), first.join(", ")))
    };
    let missing = told(tally.missing, "not in the folder", &tally.first_missing);
    let unfit = told(tally.unfit, "left where they are", &tally.first_unfit);
    missing.into_iter().chain(unfit).collect()
}

fn indented(text: &str, look: &Look) -> Vec<String> {
    wrap(text, look.text_width() - 2).into_iter().map(|line| format!("  {line}")).collect()
}

/// A point of a list, below which its further lines stand.
fn hanging(text: &str, look: &Look) -> Vec<String> {
    let lines = wrap(text, look.text_width() - 4).into_iter().enumerate();
    lines.map(|(at, line)| if at == 0 { format!("- {line}") } else { format!("  {line}") }).collect()
}
