//! What is asked for: every page, with filters that match much, little and nothing, from the first page on and from deep in.

use crate::Result;
use crate::bed::Bed;

/// An address, and what it is.
pub struct Place {
    pub what: String,
    pub path: String,
}

/// What stands in addresses for something of the database, and the query that finds it.
const SUBJECTS: &[(&str, &str)] = &[
    (
        "CAT",
        "SELECT id::text FROM public.generations WHERE analysis_data ? 'score_terms' ORDER BY created_at DESC LIMIT 1",
    ),
    ("OLD_CAT", "SELECT id::text FROM public.generations ORDER BY created_at LIMIT 1 OFFSET 1000"),
    (
        "WAITING",
        "SELECT id::text FROM queue.jobs WHERE state = 'available' AND kind = 'generation' ORDER BY rank DESC LIMIT 1",
    ),
    ("RUNNING", "SELECT id::text FROM queue.jobs WHERE state = 'running' AND kind = 'generation' LIMIT 1"),
    (
        "DISCARDED",
        "SELECT id::text FROM queue.history WHERE state = 'discarded' AND kind = 'generation' ORDER BY id DESC LIMIT 1",
    ),
    ("OLD_JOB", "SELECT id::text FROM queue.history ORDER BY id LIMIT 1 OFFSET 5000"),
    ("OLD_BACKUP", "SELECT name FROM backup.backups ORDER BY started_at LIMIT 1 OFFSET 1000"),
    ("OLD_DEED", "SELECT (max(id) / 10)::text FROM web.audit"),
    ("SCHEDULE", "SELECT 'schedule%207'"),
];

/// Pages for people.
const PAGES: &[&str] = &[
    "/",
    "/gallery",
    "/gallery?after=OLD_CAT",
    "/gallery?language=Python",
    "/gallery?language=Julia",
    "/gallery?language=COBOL",
    "/gallery?breed=tabby",
    "/gallery?breed=ragdoll",
    "/gallery?breed=british_shorthair",
    "/gallery?min_score=9.9",
    "/gallery?min_score=9.9&language=Julia",
    "/gallery?breed=tabby&language=COBOL",
    "/gallery?repository=owner8/name8",
    "/gallery?repository=name8",
    "/gallery?repository=nothing",
    "/generations/CAT",
    "/generations/WAITING",
    "/generations/RUNNING",
    "/generations/DISCARDED",
    "/jobs",
    "/jobs?after=OLD_JOB",
    "/jobs?state=available",
    "/jobs?state=running",
    "/jobs?state=scheduled",
    "/jobs?state=parked",
    "/jobs?state=completed",
    "/jobs?state=discarded",
    "/jobs?state=cancelled",
    "/jobs?kind=backup",
    "/jobs?kind=backup&state=discarded",
    "/jobs?user=user7",
    "/jobs?tag=nightly",
    "/jobs?tag=nothing",
    "/jobs?text=name77",
    "/jobs?text=nothing",
    "/jobs?text=nothing&after=OLD_JOB",
    "/jobs?text=nothing&state=discarded",
    "/jobs?since=1h",
    "/jobs?until=30d",
    "/jobs?state=completed&ended_since=1h",
    "/jobs?state=discarded&ended_since=24h&error_class=too_large",
    "/jobs?ended_since=7d&error_class=conflict",
    "/jobs?longer_than=890ms",
    "/jobs?longer_than=1h",
    "/jobs/DISCARDED",
    "/jobs/RUNNING",
    "/queues",
    "/schedules",
    "/schedules/SCHEDULE",
    "/backups",
    "/backups?after=OLD_BACKUP",
    "/webhooks",
    "/users",
    "/audit",
    "/audit?after=OLD_DEED",
    "/audit?who=user7",
    "/audit?who=nobody",
    "/system",
];

/// Routes for services.
const ROUTES: &[&str] = &[
    "/v1/generations",
    "/v1/generations?limit=1000",
    "/v1/generations?after=OLD_CAT",
    "/v1/generations?language=COBOL",
    "/v1/generations?attribute=breed=ragdoll",
    "/v1/generations/CAT",
    "/v1/generations/WAITING",
    "/v1/generations/RUNNING",
    "/v1/generations/DISCARDED",
    "/v1/repositories/owner8/name8/history",
    "/generations",
    "/generation/CAT",
    "/v1/jobs",
    "/v1/jobs?limit=1000",
    "/v1/jobs?after=OLD_JOB",
    "/v1/jobs?tag=nothing",
    "/v1/jobs/DISCARDED",
    "/v1/queue",
    "/v1/workers",
    "/v1/schedules",
    "/v1/backups",
    "/v1/backups?after=OLD_BACKUP",
    "/v1/users",
    "/v1/audit",
    "/v1/audit?who=nobody",
    "/metrics",
    "/health",
    "/health/ready",
];

/// All of them.
pub fn all(bed: &Bed) -> Result<Vec<Place>> {
    let found = SUBJECTS.iter().map(|(name, query)| Ok((*name, bed.find(query)?)));
    let mut found: Vec<(&str, String)> = found.collect::<Result<_>>()?;
    // The longer names first: OLD_CAT has CAT in it.
    found.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let place = |path: &&str| Place {
        what: (*path).to_owned(),
        path: found.iter().fold((*path).to_owned(), |path, (name, text)| path.replace(name, text)),
    };
    Ok(PAGES.iter().chain(ROUTES).map(place).collect())
}
