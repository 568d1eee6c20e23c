//! `GET /v1/generations/{id}`: where a generation stands, and what became of it.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Links;
use crate::db::attempts::{self, AttemptRow};
use crate::db::generations;
use crate::db::inspect::{self, JobRow};
use crate::db::stats::{Forecast, Position};
use crate::db::steps::{self, StepRow};
use crate::http::auth::Reader;
use crate::http::input::Id;
use crate::http::refusals::OfFinding;
use crate::http::{Problem, Site};
use crate::model::failure::{Failure, Kind};
use crate::model::generation::Generation;
use crate::model::job::{JobKind, JobState};
use crate::model::progress::Step;
use crate::model::why::Why;
use crate::queue::lookout::Sight;

/// A generation, from the request to the cat.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GenerationStatus)]
pub struct Shown {
    /// Its id, and that of its job.
    id: Uuid,
    /// scheduled, available, running, parked; completed, discarded, cancelled.
    #[schema(example = "running")]
    state: String,
    /// The repository.
    github_url: Option<String>,
    /// The step that runs.
    #[schema(example = "analyse")]
    step: Option<String>,
    /// The share of the steps that is done, 0 to 1.
    #[schema(minimum = 0.0, maximum = 1.0)]
    progress: f64,
    /// The steps that have begun, in order.
    steps: Vec<ShownStep>,
    /// Its place in the queue, while it waits for a worker. Where it is a far one it may be that of up to a second ago.
    position: Option<Position>,
    /// Estimate of the seconds until its end, by how long others took; null where nobody can tell.
    eta_seconds: Option<f64>,
    /// The attempts that did not complete it, with what was wrong.
    attempts: Vec<AttemptRow>,
    /// What it cost others' services.
    cost: Cost,
    /// Its job; null where it was pruned, or the generation was imported.
    job: Option<JobRow>,
    /// The cat.
    result: Option<Generation>,
    /// Why it is as it is; null before its end, and where others measured it.
    why_this_cat: Option<Why>,
    /// Where what belongs to it is.
    links: Links,
}

/// A step of a generation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GenerationStep)]
struct ShownStep {
    /// Its name.
    #[schema(example = "analyse")]
    step: String,
    /// Whether it is done.
    done: bool,
    /// The share that is done, 0 to 1; null where nobody can tell.
    fraction: Option<f64>,
    /// How far it is, in words.
    #[schema(example = "1,204 of 8,000 files")]
    detail: Option<String>,
    /// When it began, where that is kept.
    started_at: Option<DateTime<Utc>>,
    /// How long it took, in seconds.
    seconds: Option<f64>,
}

/// What a generation cost.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GenerationCost)]
struct Cost {
    /// The sum.
    amount: f64,
    /// Its currency.
    #[schema(example = "USD")]
    currency: &'static str,
    /// Who painted.
    #[schema(example = "embedded")]
    painter: &'static str,
}

/// The embedded painter and the templates of the texts cost nothing but time.
const FREE: Cost = Cost { amount: 0.0, currency: "USD", painter: "embedded" };

/// Look at a generation
///
/// State, step and progress, place in the queue and an estimate of the time that is left; when it is completed, the cat and
/// why it is as it is.
#[utoipa::path(get, path = "/v1/generations/{id}", tag = "generations", operation_id = "generations_show", params(("id" = Uuid, Path)),
    responses((status = OK, body = Shown), OfFinding), security(("token" = ["read"])))]
pub async fn show(State(site): State<Site>, _: Reader, Id(id): Id) -> Result<Json<Shown>, Problem> {
    // The job first: what completes meanwhile has its result then.
    let (job, forecast) = match site.lookout.look(id).await? {
        Some(Sight { job, has_begun: false, forecast }) if job.kind == JobKind::Generation.name() => {
            return Ok(Json(waiting(job, forecast)?));
        }
        Some(Sight { job, forecast, .. }) => (Some(job), Some(forecast)),
        None => (finished(&site, id).await?, None),
    };
    if let Some(job) = &job {
        generations::check_kind(id, &job.kind)?;
    }
    let result = generations::get(&site.db, id).await?;
    // Its history may have been pruned; an imported one never had a job.
    if job.is_none() && result.is_none() {
        return Err(generations::unknown(id).into());
    }
    let state = match &job {
        Some(job) if result.is_none() => job.state()?,
        _ => JobState::Completed,
    };
    let forecast = forecast.filter(|_| !state.is_final()).unwrap_or_default();
    let steps = match &result {
        Some(cat) => taken(cat),
        None => begun(steps::of_job(&site.db, id).await?),
    };
    let why_this_cat =
        result.as_ref().and_then(|cat| Why::of_stored(cat.cat_attributes.as_ref()?, cat.analysis_data.as_ref()?));
    let asked = job.as_ref().and_then(url_of);
    Ok(Json(Shown {
        id,
        state: state.name().to_owned(),
        github_url: result.as_ref().map(|cat| cat.github_url.as_str()).or(asked).map(ToOwned::to_owned),
        step: steps.iter().find(|step| !step.done && state == JobState::Running).map(|step| step.step.clone()),
        progress: if state == JobState::Completed { 1.0 } else { progress(&steps) },
        steps,
        position: forecast.position,
        eta_seconds: forecast.eta_seconds,
        attempts: attempts::of_job(&site.db, id).await?,
        cost: FREE,
        job,
        result,
        why_this_cat,
        links: Links::of(id),
    }))
}

/// A generation that nothing was done for yet: there is no more to know than its job.
fn waiting(job: JobRow, forecast: Forecast) -> Result<Shown, Failure> {
    Ok(Shown {
        id: job.id,
        state: job.state()?.name().to_owned(),
        github_url: url_of(&job).map(ToOwned::to_owned),
        step: None,
        progress: 0.0,
        steps: Vec::new(),
        position: forecast.position,
        eta_seconds: forecast.eta_seconds,
        attempts: Vec::new(),
        cost: FREE,
        links: Links::of(job.id),
        job: Some(job),
        result: None,
        why_this_cat: None,
    })
}

/// The job, if it is kept.
async fn finished(site: &Site, id: Uuid) -> Result<Option<JobRow>, Failure> {
    match inspect::job(&site.db, id).await {
        Err(failure) if failure.kind() == Kind::NotFound => Ok(None),
        job => job.map(Some),
    }
}

fn url_of(job: &JobRow) -> Option<&str> {
    job.payload.get("github_url").and_then(Value::as_str)
}

/// The share of a generation's steps that is done.
fn progress(steps: &[ShownStep]) -> f64 {
    Step::share_done(JobKind::Generation, steps.iter().map(|step| (step.done, step.fraction)))
}

/// The steps of a job that has not been completed.
fn begun(mut rows: Vec<StepRow>) -> Vec<ShownStep> {
    rows.sort_by_key(|row| place(&row.step));
    let seconds = |row: &StepRow| row.finished_at.map(|end| (end - row.started_at).as_seconds_f64());
    rows.into_iter()
        .map(|row| ShownStep {
            seconds: seconds(&row),
            done: row.done,
            fraction: row.fraction.map(f64::from),
            started_at: Some(row.started_at),
            step: row.step,
            detail: row.detail,
        })
        .collect()
}

/// The steps of a cat. Rows of them are gone with its completion.
fn taken(cat: &Generation) -> Vec<ShownStep> {
    let seconds = cat.step_seconds.as_ref().and_then(Value::as_object);
    let mut steps: Vec<ShownStep> = seconds
        .into_iter()
        .flatten()
        .map(|(name, seconds)| ShownStep {
            step: name.clone(),
            done: true,
            fraction: Some(1.0),
            detail: None,
            started_at: None,
            seconds: seconds.as_f64(),
        })
        .collect();
    steps.sort_by_key(|step| place(&step.step));
    steps
}

/// The place of a step among all; those that this program does not know come last.
fn place(name: &str) -> usize {
    Step::ALL.iter().position(|step| step.name() == name).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, done: bool, fraction: Option<f64>) -> ShownStep {
        ShownStep { step: name.to_owned(), done, fraction, detail: None, started_at: None, seconds: None }
    }

    #[test]
    fn progress_goes_from_none_to_all() {
        assert!(progress(&[]).abs() < f64::EPSILON);
        let half = progress(&[step("fetch", true, None), step("analyse", false, Some(0.5))]);
        assert!((half - 1.5 / 8.0).abs() < 1e-9);
        let all: Vec<_> = (0..9).map(|_| step("fetch", true, None)).collect();
        assert!((progress(&all) - 1.0).abs() < f64::EPSILON);
        assert!((0.0..=1.0).contains(&progress(&[step("fetch", false, Some(7.0))])));
    }

    #[test]
    fn steps_stand_in_their_order() {
        assert!(place("fetch") < place("analyse") && place("store") < place("of another program"));
    }
}
