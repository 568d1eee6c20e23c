//! The pipeline: one generation job, step by step, from the repository to everything that its row will say.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::db::Db;
use crate::db::identity::identity;
use crate::generation::{painter, score, steps};
use crate::model::analysis::Analysis;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::generation::{Generation, GenerationResult};
use crate::model::job::{ClaimedJob, GenerationRequest};
use crate::model::picture::Canvas;
use crate::model::progress::{Report, Step};
use crate::model::repository::Source;
use crate::model::seed::Seed;
use crate::providers::pictures::Pictures;
use crate::providers::repository::{Origin, Snapshot, open_or_fetch};
use crate::queue::journal::Journal;

/// All that the pipeline works with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Studio {
    /// From where repositories may come.
    pub fetch: config::Fetch,
    /// How much the analysis may use.
    pub analysis: config::Analysis,
    /// Size of the pictures.
    pub canvas: Canvas,
    /// Where pictures go.
    pub pictures: Pictures,
    /// Where fetched objects lie while they are needed.
    pub work_folder: PathBuf,
    /// This program, which fetches and parses in children of itself.
    pub program: PathBuf,
}

/// What is kept of the fetch: enough to go on without the repository once it is analysed.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Fetched {
    github_url: String,
    owner: String,
    name: String,
    commit_oid: String,
}

/// Runs one generation. Steps that an earlier attempt left a checkpoint of are not done again.
pub async fn run(studio: Studio, db: Db, job: Arc<ClaimedJob>, cancel: CancellationToken) -> Result<GenerationResult> {
    let request: GenerationRequest = serde_json::from_value(job.payload.clone()).map_err(|error| {
        Failure::new(Kind::Invalid, format!("the payload of job {} is no generation request", job.id)).source(error)
    })?;
    let mut journal = Journal::open(db.clone(), job, cancel).await?;

    let (fetched, analysis) = fetch_and_analyse(&mut journal, &studio, request).await?;
    let seed = Seed::of_commit(&fetched.commit_oid);

    let subject = analysis.clone();
    let cat = journal.keep(Step::Attributes, move |_| Ok(steps::attributes::describe(&subject, &seed))).await?;

    let (subject, sitter, name, owner) = (analysis.clone(), cat.clone(), fetched.name.clone(), fetched.owner.clone());
    let write = move |_: &dyn Report| Ok(steps::texts::write(&subject, &sitter, &name, &owner, &seed));
    let texts = journal.keep(Step::Texts, write).await?;

    let (subject, sitter) = (analysis.clone(), cat.clone());
    let prompt = journal.run(Step::Prompt, move |_| Ok(steps::prompt::write(&subject, &sitter, &seed))).await?;

    let (sitter, canvas) = (cat.clone(), studio.canvas);
    let original = journal.run(Step::Paint, move |_| painter::paint(&sitter, &seed, canvas)).await?;

    let (bare, lines) = (original.clone(), texts.clone());
    let caption = move |_: &dyn Report| painter::caption(&bare, &lines.meme_text_top, &lines.meme_text_bottom);
    let captioned = journal.run(Step::Caption, caption).await?;

    // Who sweeps this store must know that there are rows of this database, too.
    let database = journal.ask(|| identity(&db)).await?;
    // Both pictures are durable before the row that names them; a row that never comes leaves them to the sweep.
    let store = async {
        studio.pictures.sign(&database).await?;
        let original = studio.pictures.put(original, studio.canvas).await?;
        Ok((studio.pictures.put(captioned, studio.canvas).await?, original))
    };
    let (picture, original) = journal.wait_for(Step::Store, store).await?;

    Ok(GenerationResult {
        github_url: fetched.github_url,
        repo_owner: fetched.owner,
        repo_name: fetched.name,
        commit_oid: fetched.commit_oid,
        primary_language: analysis.primary_language.clone(),
        repo_size_kb: i32::try_from(analysis.repo_size_kb).unwrap_or(i32::MAX),
        code_quality_score: analysis.code_quality_score,
        score_model: analysis.score_model.clone(),
        analysis_data: analysis,
        cat_attributes: cat,
        image_path: picture.key,
        original_image_path: original.key,
        image_bytes: i64::try_from(picture.bytes).unwrap_or(i64::MAX),
        image_type: picture.media_type,
        image_width: i32::try_from(studio.canvas.width).unwrap_or(i32::MAX),
        image_height: i32::try_from(studio.canvas.height).unwrap_or(i32::MAX),
        image_prompt: prompt,
        story: texts.story,
        meme_text_top: texts.meme_text_top,
        meme_text_bottom: texts.meme_text_bottom,
        degraded: false,
        step_seconds: journal.seconds(),
    })
}

async fn fetch_and_analyse(
    journal: &mut Journal,
    studio: &Studio,
    request: GenerationRequest,
) -> Result<(Fetched, Analysis)> {
    // An analysis without the repository that it is of, or the other way round, saves nothing.
    if let (Some(fetched), Some(analysis)) = (journal.checkpoint(Step::Fetch), journal.checkpoint(Step::Analyse)) {
        return Ok((fetched, analysis));
    }
    let (fetch, work_folder, program) = (studio.fetch.clone(), studio.work_folder.clone(), studio.program.clone());
    let source = Source::parse(&request.github_url, &fetch.allowed_hosts, &fetch.private_hosts)?;
    let snapshot = journal
        .keep_part(
            Step::Fetch,
            move |report| open_or_fetch(&source, request.reference.as_deref(), &fetch, &work_folder, &program, report),
            |snapshot: &Snapshot| Fetched::from(snapshot.origin()),
        )
        .await?;
    let fetched = Fetched::from(snapshot.origin());
    let (limits, program) = (studio.analysis.clone(), studio.program.clone());
    let analysis = journal
        .keep(Step::Analyse, move |report| Ok(score::analyse(&snapshot, &limits, &program, report)?.analysis))
        .await?;
    Ok((fetched, analysis))
}

/// What a finished generation leaves for one that begins behind its analysis.
pub(super) fn checkpoints(cat: &Generation) -> Result<Vec<(Step, Value)>> {
    let missing = |what: &str| {
        Failure::new(Kind::Conflict, format!("generation {} cannot be gone on from: {what}", cat.id))
            .hint("run it again as a whole")
    };
    let stored = cat.analysis_data.clone().ok_or_else(|| missing("it has no analysis"))?;
    let analysis = serde_json::from_value::<Analysis>(stored)
        .map_err(|error| missing("its analysis was written by another program").source(error))?;
    let (Some(owner), Some(name), Some(commit_oid)) = (&cat.repo_owner, &cat.repo_name, &cat.commit_oid) else {
        return Err(missing("its repository or its commit is not known"));
    };
    let fetched = Fetched {
        github_url: cat.github_url.clone(),
        owner: owner.clone(),
        name: name.clone(),
        commit_oid: commit_oid.clone(),
    };
    let written = |error| missing("what it left cannot be written").source(error);
    Ok(vec![
        (Step::Fetch, serde_json::to_value(fetched).map_err(written)?),
        (Step::Analyse, serde_json::to_value(analysis).map_err(written)?),
    ])
}

impl From<&Origin> for Fetched {
    fn from(origin: &Origin) -> Self {
        Self {
            github_url: origin.canonical_url.clone(),
            owner: origin.owner.clone(),
            name: origin.name.clone(),
            commit_oid: origin.commit_oid.clone(),
        }
    }
}
