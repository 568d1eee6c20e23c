//! The drill: a backup is fetched back from the store, restored into a scratch cluster, checked and compared.
//!
//! What it finds is one of three. *Verified*: every file has its checksum, the dump was restored without an error, the
//! tables and indexes are sound, and all that was compared came back as it was. *Failed*: the backup is not that. *Unverifiable*:
//! this machine cannot tell, for want of a key, an extension, a locale or programs; a key that does not fit says nothing
//! about the backup either. A failure of the drill itself, such as a full disk, is neither: it is tried again.
//!
//! Every file is read to its end before anything is restored, so that one that was changed is told as such, by its name,
//! and also by who has no key; the dump itself is then read again while it is loaded. No copy of it is stored.
//!
//! An empty database has nothing to compare: its backup is verified by being restored as an empty one. A dump from which
//! anything was restored while nothing could be compared has failed.

mod amcheck;
mod compare;
mod fetch;
mod objects;
mod pictures;
mod scratch;
mod tools;

use std::time::Instant;

use chrono::Utc;
use uuid::Uuid;

use crate::backup::restore::load::{self, Dump, Options};
use crate::backup::stopping::until_stopped;
use crate::backup::{Reporter, Yard, shelf};
use crate::model::backup::manifest::seconds;
use crate::model::backup::verdict::Difference;
use crate::model::backup::{BackupName, DrillReport, Format, Manifest, Verdict};
use crate::model::failure::{Failure, Kind, Result};
use crate::postgres::programs::{DRILL as PROGRAMS, Programs};
use crate::providers::vault;
use scratch::Scratch;

/// Differences that a report tells.
const TOLD: usize = 100;
/// What is said of one that was stopped.
const STOPPED: &str = "it was stopped";

/// Tries a backup, writes the report beside it, and returns it; a report that it could not be tried does not replace one
/// that it is verified. A failure means that the drill itself could not be carried
/// out for a reason that may pass (no space for the scratch cluster, a store that does not answer): nothing is known then.
pub async fn drill(yard: &Yard, name: &BackupName, job: Option<Uuid>, report: Reporter) -> Result<DrillReport> {
    let mut course = Course::new(yard, name, job, report);
    // Boxed: it is large, and part of much that waits.
    let verdict = match Box::pin(course.run()).await {
        Ok(()) if course.found.count == 0 => Verdict::Verified,
        Ok(()) => {
            course.findings.reason = Some(course.found.summary());
            Verdict::Failed
        }
        Err(Stop::Failed(reason)) => {
            course.findings.reason = Some(reason);
            Verdict::Failed
        }
        Err(Stop::Unverifiable(reason)) => {
            course.findings.reason = Some(reason);
            Verdict::Unverifiable
        }
        Err(Stop::Broken(failure)) => return Err(failure.context(format!("the drill of {name}"))),
    };
    course.end_stage();
    let Course { mut findings, found, .. } = course;
    findings.verdict = verdict;
    findings.differences = found.told;
    findings.finished_at = Utc::now();
    let text = serde_json::to_vec_pretty(&findings)
        .map_err(|error| Failure::new(Kind::Internal, "the drill's report cannot be written").source(error))?;
    // That this machine could not try it takes nothing from what was proven before.
    if verdict != Verdict::Unverifiable || shelf::one(&yard.vault, name).await?.verdict() != Verdict::Verified {
        yard.vault.put(name, vault::DRILL, text).await?;
    }
    Ok(findings)
}

/// Why a drill ends before its end.
enum Stop {
    /// The backup is not what it should be.
    Failed(String),
    /// This machine cannot tell.
    Unverifiable(String),
    /// The drill itself could not be carried out.
    Broken(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Broken(failure)
    }
}

/// What came back otherwise.
#[derive(Default)]
struct Found {
    told: Vec<Difference>,
    count: u64,
    /// The first few, in words.
    words: Vec<String>,
}

impl Found {
    fn add(&mut self, difference: Difference) {
        self.count += 1;
        if self.words.len() < 5 {
            self.words.push(difference.to_string());
        }
        if self.told.len() < TOLD {
            self.told.push(difference);
        }
    }

    fn summary(&self) -> String {
        let more = self.count - self.words.len() as u64;
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        format!("{} came back otherwise than it was: {}{more}", things(self.count), self.words.join("; "))
    }
}

fn things(count: u64) -> String {
    if count == 1 { "1 thing".to_owned() } else { format!("{count} things") }
}

/// A drill under way.
struct Course<'a> {
    yard: &'a Yard,
    name: &'a BackupName,
    report: Reporter,
    /// What the sessions on the scratch cluster are called.
    application: String,
    findings: DrillReport,
    found: Found,
    stage: Option<(&'static str, Instant)>,
}

impl<'a> Course<'a> {
    fn new(yard: &'a Yard, name: &'a BackupName, job: Option<Uuid>, report: Reporter) -> Self {
        let now = Utc::now();
        let findings = DrillReport {
            backup: name.clone(),
            job,
            started_at: now,
            finished_at: now,
            verdict: Verdict::Unverified,
            reason: None,
            differences: Vec::new(),
            tables: 0,
            rows: 0,
            images: 0,
            fetched_bytes: 0,
            scratch_bytes: 0,
            restore_seconds: None,
            stages: Vec::new(),
            server_version: None,
        };
        let application = format!("repo-to-cat/drill/{}", job.unwrap_or_else(Uuid::now_v7));
        Self { yard, name, report, application, findings, found: Found::default(), stage: None }
    }

    /// From the store to the last comparison. The scratch cluster is gone when this returns.
    async fn run(&mut self) -> Result<(), Stop> {
        let report = Reporter::clone(&self.report);
        let (manifest, contents) = until_stopped(&report, STOPPED, self.fetch()).await?;
        let programs = Programs::for_server(&self.yard.bin_folder, manifest.source.server_version, &PROGRAMS)
            .map_err(|failure| Stop::Unverifiable(words(&failure)))?;
        self.begin_stage("scratch", "starting a scratch cluster")?;
        let scratch = until_stopped(&report, STOPPED, Scratch::open(self.yard, self.name, &manifest, programs)).await?;
        let outcome = until_stopped(&report, STOPPED, self.in_scratch(&scratch, &manifest, &contents)).await;
        let outcome = match outcome {
            // Whatever was said: without room nothing works.
            Err(Stop::Broken(failure)) if failure.kind() == Kind::Cancelled => Err(Stop::Broken(failure)),
            Err(Stop::Failed(words)) if scratch.is_full() => Err(scratch.full(&words).into()),
            Err(Stop::Broken(failure)) if scratch.is_full() => Err(scratch.full(&words(&failure)).into()),
            other => other,
        };
        scratch.remove().await?;
        outcome
    }

    /// Reads the manifest and every file, and compares their sums.
    async fn fetch(&mut self) -> Result<(Manifest, fetch::Contents), Stop> {
        self.begin_stage("fetch", "reading the manifest")?;
        let text = self.yard.vault.get(self.name, vault::MANIFEST).await?.ok_or_else(|| {
            Failure::new(Kind::NotFound, format!("there is no backup {}", self.name))
                .hint("see what is there with: repo-to-cat backup list")
        })?;
        let manifest = Manifest::read(&text, self.name).map_err(|failure| manifest_failure(&failure))?;
        let identities = fetch::identities(self.yard, &manifest);
        let mut contents = fetch::Contents::default();
        for file in &manifest.files {
            let words = format!("reading {}", file.name);
            self.report.report(self.findings.fetched_bytes, manifest.bytes(), &words);
            let fetched =
                fetch::file(self.yard, self.name, &manifest, file, identities.as_ref().ok(), &self.report).await?;
            self.findings.fetched_bytes += fetched.bytes;
            contents.add(fetched);
        }
        identities.map_err(Stop::Unverifiable)?;
        contents.must_fit(&manifest)?;
        Ok((manifest, contents))
    }

    /// What happens while there is a scratch cluster.
    async fn in_scratch(
        &mut self,
        scratch: &Scratch,
        manifest: &Manifest,
        contents: &fetch::Contents,
    ) -> Result<(), Stop> {
        self.findings.server_version = Some(scratch.prepare(manifest, contents, &self.application).await?);
        self.begin_stage("restore", "restoring into a scratch cluster")?;
        // What is in it is compared once it is in the database: that finds more, and tells which tables differ.
        let options = Options { jobs: self.yard.settings.jobs, owners: true, ..Options::default() };
        // With all its files in the folder that goes.
        let yard = Yard { scratch_folder: scratch.folder().to_owned(), ..self.yard.clone() };
        let report = Reporter::clone(&self.report);
        let dump = Dump::Stored(self.name, manifest);
        let begun = Instant::now();
        let loaded = load::load(&yard, dump, scratch.server(), scratch::DATABASE, &options, report)
            .await
            .map_err(restore_failure)?;
        self.findings.fetched_bytes += loaded.fetched_bytes;
        self.findings.restore_seconds = Some(seconds(begun.elapsed()));
        self.begin_stage("check", "looking for damage in the restored database")?;
        for difference in amcheck::check(scratch, &self.application).await? {
            self.found.add(difference);
        }
        self.begin_stage("compare", "comparing what was restored")?;
        self.compare(scratch, manifest, contents).await?;
        self.findings.scratch_bytes = scratch.bytes().await;
        if manifest.images.is_some() {
            self.begin_stage("pictures", "looking for the pictures")?;
            self.findings.images =
                pictures::check(self.yard, self.name, manifest, contents, &self.report, &mut self.found).await?;
        }
        Ok(())
    }

    async fn compare(
        &mut self,
        scratch: &Scratch,
        manifest: &Manifest,
        contents: &fetch::Contents,
    ) -> Result<(), Stop> {
        let compared =
            compare::rows(scratch, manifest, contents, &self.application, &self.report, &mut self.found).await?;
        self.findings.tables = compared.tables;
        self.findings.rows = compared.rows;
        let restored = objects::of_scratch(scratch, contents.encoding(manifest), &self.application).await?;
        let expected = contents.toc.as_ref().map(objects::identities).unwrap_or_default();
        for difference in objects::missing(&expected, &restored) {
            self.found.add(difference);
        }
        let nothing = compared.tables == 0 && compared.others == 0 && expected.is_empty();
        if nothing && !restored.is_empty() {
            let what = "nothing could be compared, although the restored database is not empty";
            let hint = if manifest.format == Format::Plain { ": make the backup in custom format" } else { "" };
            return Err(Stop::Failed(format!("{what}{hint}")));
        }
        Ok(())
    }

    /// Ends the stage before and begins another, unless it was told to stop.
    fn begin_stage(&mut self, stage: &'static str, words: &str) -> Result<(), Stop> {
        self.end_stage();
        self.stage = Some((stage, Instant::now()));
        self.report.report(0, 0, words);
        if self.report.should_stop() { Err(stopped().into()) } else { Ok(()) }
    }

    fn end_stage(&mut self) {
        if let Some((stage, begun)) = self.stage.take() {
            self.findings.stages.push((stage.to_owned(), seconds(begun.elapsed())));
        }
    }
}

/// What a manifest that cannot be used says about the backup.
fn manifest_failure(failure: &Failure) -> Stop {
    match failure.kind() {
        Kind::Environment => Stop::Unverifiable(words(failure)),
        _ => Stop::Failed(words(failure)),
    }
}

/// What a restore that did not come to its end says about the backup.
fn restore_failure(failure: Failure) -> Stop {
    let words = words(&failure);
    if words.contains("shared_preload_libraries") {
        return Stop::Unverifiable(format!("an extension needs a server that is set up for it: {words}"));
    }
    match failure.kind() {
        Kind::Cancelled | Kind::Environment | Kind::Unavailable | Kind::Throttled | Kind::Database => failure.into(),
        // What a server says that is not expected of ours carries its code.
        Kind::Internal if !words.contains("(SQLSTATE ") => failure.into(),
        _ => Stop::Failed(format!("it cannot be restored: {words}")),
    }
}

/// A failure with its causes and what to do about it.
fn words(failure: &Failure) -> String {
    let causes = failure.causes().into_iter().map(|cause| format!(": {cause}"));
    let hint = failure.hint_text().map(|hint| format!(" ({hint})"));
    std::iter::once(failure.what().to_owned()).chain(causes).chain(hint).collect()
}

fn stopped() -> Failure {
    Failure::new(Kind::Cancelled, STOPPED)
}
