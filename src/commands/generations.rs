//! `generations`: look at the cats that were made.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use chrono::Utc;
use serde_json::json;
use uuid::Uuid;

use crate::cli::{GenerationFilter, Generations};
use crate::commands::Output;
use crate::commands::report::Failures;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::view::card::{self, Extras};
use crate::commands::view::lists;
use crate::config::Loaded;
use crate::db::identity::identity;
use crate::db::{generations, hold};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::generation::Generation;
use crate::model::repository::{LOCAL_OWNER, Source};
use crate::providers::pictures::KEYS;

/// Runs `generations ...`.
pub fn run(command: &Generations, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let session = Session::open(loaded, Schema::Current).await?;
        match command {
            Generations::List(filter) => list(&session, filter, output).await,
            Generations::Show { id } => show(&session, *id, output).await,
            Generations::Open { id, original, output: file } => {
                open(&session, *id, *original, file.as_ref(), output).await
            }
            Generations::Delete { ids } => delete(&session, ids, output).await,
        }
    })
}

async fn list(session: &Session, filter: &GenerationFilter, output: &Output) -> Result<()> {
    let repository = filter.repository.as_deref().map(|text| owner_and_name(text, session)).transpose()?;
    let (owner, name) = repository.unzip();
    let wanted = generations::GenerationFilter {
        owner,
        name,
        language: filter.language.clone(),
        before: filter.page.after,
        limit: i64::from(filter.page.limit),
    };
    if let Some(cursor) = filter.page.after {
        // After one that is gone there would be nothing, which would look like the end.
        get(session, cursor).await?;
    }
    let cats = generations::list(&session.db, &wanted).await?;
    let is_part = wanted.name.is_some() || wanted.language.is_some() || wanted.before.is_some();
    output.data(&cats, |look| match cats.as_slice() {
        [] if is_part => "No such cats.\n".to_owned(),
        cats => lists::generations(cats, Utc::now(), look),
    })
}

/// `owner/name`, or a URL in any form.
fn owner_and_name(text: &str, session: &Session) -> Result<(String, String)> {
    let fetch = &session.config.fetch;
    if let Some((owner, name)) = text.rsplit_once('/')
        && !text.contains(':')
        && !text.starts_with(['/', '.'])
        && !fetch.allowed_hosts.iter().any(|host| text.starts_with(&format!("{host}/")))
    {
        return Ok((owner.to_owned(), name.to_owned()));
    }
    match Source::parse(text, &fetch.allowed_hosts, &fetch.private_hosts)? {
        Source::Remote(url) => Ok((url.owner, url.name)),
        Source::Local(path) => {
            let name = path.canonicalize().unwrap_or(path).file_name().map(|name| name.to_string_lossy().into_owned());
            Ok((LOCAL_OWNER.to_owned(), name.unwrap_or_default()))
        }
    }
}

/// One cat, with the files of its pictures.
pub(super) fn extras(cat: &Generation, session: &Session, next: Vec<(String, String)>) -> Result<Extras> {
    let pictures = session.pictures()?;
    // What the founding application left there is a path of its own.
    let file =
        |key: &Option<String>| key.as_ref().filter(|key| key.starts_with(KEYS)).map(|key| pictures.local_path(key));
    Ok(Extras { picture: file(&cat.image_path), original: file(&cat.original_image_path), next })
}

async fn get(session: &Session, id: Uuid) -> Result<Generation> {
    generations::get(&session.db, id).await?.ok_or_else(|| generations::unknown(id))
}

async fn show(session: &Session, id: Uuid, output: &Output) -> Result<()> {
    let cat = get(session, id).await?;
    let extras = extras(&cat, session, Vec::new())?;
    output.data(&cat, |look| card::render(&cat, &extras, look))
}

async fn open(session: &Session, id: Uuid, original: bool, file: Option<&PathBuf>, output: &Output) -> Result<()> {
    let cat = get(session, id).await?;
    let key = if original { cat.original_image_path } else { cat.image_path };
    let missing = || {
        Failure::new(Kind::NotFound, format!("the picture of generation {id} is not in the store"))
            .hint("is images.store the folder that the worker uses?")
    };
    let key = key.filter(|key| key.starts_with(KEYS)).ok_or_else(missing)?;
    let pictures = session.pictures()?;
    let png = pictures.get(&key).await?.ok_or_else(missing)?;
    let path = match file {
        None => pictures.local_path(&key),
        Some(file) => {
            fs::write(file, png).map_err(|error| {
                Failure::new(Kind::Environment, format!("{} cannot be written", file.display())).source(error)
            })?;
            file.clone()
        }
    };
    output.data(&json!({"id": id, "file": path}), |_| format!("{}\n", path.display()))
}

/// Deletes rows, then the pictures that nothing else names and that no worker may be about to name. An unknown id does
/// not keep the others.
async fn delete(session: &Session, ids: &[Uuid], output: &Output) -> Result<()> {
    let (mut deleted, mut keys, mut failed) = (Vec::new(), Vec::new(), Failures::default());
    for id in ids {
        match generations::delete(&session.db, *id).await {
            Ok(pictures) => {
                deleted.push(*id);
                keys.extend(pictures);
            }
            Err(failure) => failed.add(failure, output),
        }
    }
    sweep(session, &keys).await?;
    output.data(&deleted, |_| deleted.iter().map(|id| format!("{id}  deleted\n")).collect())?;
    failed.last()
}

/// Removes those of the pictures that may go now; the others are the sweeper's.
async fn sweep(session: &Session, keys: &[String]) -> Result<()> {
    let worker = &session.config.worker;
    let young = Duration::from_secs(worker.attempt_seconds + 2 * worker.lease_seconds);
    let pictures = session.pictures()?;
    if hold::is_held(&session.db).await? || !pictures.is_only_for(&identity(&session.db).await?).await? {
        return Ok(());
    }
    let in_use = generations::pictures_in_use(&session.db, keys).await?;
    for key in keys.iter().filter(|key| key.starts_with(KEYS) && !in_use.contains(key)) {
        pictures.delete_if_older(key, young).await?;
    }
    Ok(())
}
