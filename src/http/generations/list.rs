//! `GET /v1/generations`: the cats, by what people look for.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Links;
use crate::db::generations::{self, GenerationFilter};
use crate::generation::submit::owner_and_name;
use crate::http::auth::Reader;
use crate::http::error::{Details, wrong};
use crate::http::input::Params;
use crate::http::{Problem, Site, page};
use crate::model::containment::{self, Holds};
use crate::model::generation::Generation;
use crate::model::when::When;

/// Dots in a key of a document, at most.
const DEEPEST: usize = 16;

/// Which generations. What is left out leaves all in.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Of this repository: `owner/name`, or its URL.
    #[param(example = "owner/name")]
    repository: Option<String>,
    /// Of this owner's repositories.
    owner: Option<String>,
    /// Of repositories with this name.
    name: Option<String>,
    /// Of the repository with exactly this URL.
    url: Option<String>,
    /// In this primary language.
    #[param(example = "Rust")]
    language: Option<String>,
    /// With this score or a higher one.
    min_score: Option<f64>,
    /// With this score or a lower one.
    max_score: Option<f64>,
    /// With this attribute, as `KEY=VALUE`: the value is JSON or a word, keys are nested by dots. May be given several times.
    #[param(example = json!(["breed=maine_coon"]))]
    attribute: Vec<String>,
    /// With this in the analysis, as `KEY=VALUE`. May be given several times.
    #[param(example = json!(["metrics.has_tests=true"]))]
    analysis: Vec<String>,
    /// That this user asked for.
    user: Option<Uuid>,
    /// Made at this time or later: RFC 3339, or an age such as 10m or 2h.
    since: Option<String>,
    /// Made before this time.
    until: Option<String>,
    /// Those that come after this one.
    after: Option<Uuid>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u16>,
}

/// Generations, the newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Generations)]
pub struct Listing {
    /// Without their analyses.
    pub generations: Vec<Listed>,
    /// After which one to go on; null at the end. A page with fewer than `limit` ends where so many were looked at.
    pub next: Option<Uuid>,
}

/// A generation in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GenerationListed)]
pub struct Listed {
    /// The cat.
    #[serde(flatten)]
    pub cat: Generation,
    /// Where what belongs to it is.
    pub links: Links,
}

/// List generations
///
/// Those that are completed, the newest first, without their analyses.
#[utoipa::path(get, path = "/v1/generations", tag = "generations", operation_id = "generations_list", params(Asked),
    responses((status = OK, body = Listing, headers(("link" = String, description = "The next page, with rel=\"next\"."))),
              (status = NOT_FOUND, body = Details, content_type = "application/problem+json", description = "There is no generation `after`"),
              (status = UNPROCESSABLE_ENTITY, body = Details, content_type = "application/problem+json", description = "The host of `repository` is not allowed")),
    security(("token" = ["read"])))]
pub async fn list(
    State(site): State<Site>,
    _: Reader,
    uri: Uri,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let filter = filter(asked, &site)?;
    let found = generations::page(&site.db, &filter).await;
    let found = found.map_err(|failure| Problem::from(failure).of_field("after"))?;
    let next = found.next;
    let generations = found.cats.into_iter().map(|cat| Listed { links: Links::of(cat.id), cat }).collect();
    Ok(page::answer(&uri, next.as_ref(), Listing { generations, next }))
}

fn filter(asked: Asked, site: &Site) -> Result<GenerationFilter, Problem> {
    let (mut owner, mut name) = (asked.owner, asked.name);
    if let Some(repository) = asked.repository {
        if owner.is_some() || name.is_some() {
            let hint = "repository stands for both: leave one out".to_owned();
            return Err(wrong("repository", "repository and owner or name are given", hint));
        }
        // What lies on this machine is nobody's business who is elsewhere.
        if repository.starts_with(['/', '.']) || repository.to_ascii_lowercase().starts_with("file:") {
            let hint = "write owner/name, or a URL such as https://github.com/owner/name";
            return Err(wrong("repository", "repository is a path", hint));
        }
        let named = owner_and_name(&repository, &site.config.fetch);
        let named = named.map_err(|failure| Problem::from(failure).of_field("repository"))?;
        (owner, name) = (Some(named.0), Some(named.1));
    }
    Ok(GenerationFilter {
        owner,
        name,
        url: asked.url,
        language: asked.language,
        min_score: score("min_score", asked.min_score)?,
        max_score: score("max_score", asked.max_score)?,
        attributes: document("attribute", &asked.attribute)?,
        analysis: document("analysis", &asked.analysis)?,
        user: asked.user,
        since: moment("since", asked.since.as_deref())?,
        until: moment("until", asked.until.as_deref())?,
        before: asked.after,
        limit: page::limit(asked.limit)?,
    })
}

fn score(field: &'static str, score: Option<f64>) -> Result<Option<f64>, Problem> {
    match score {
        Some(score) if !score.is_finite() => {
            Err(wrong(field, format!("{field} is {score}"), "a score is a number, as in 7.5"))
        }
        score => Ok(score),
    }
}

/// A moment, or an age counted back from now.
fn moment(field: &'static str, text: Option<&str>) -> Result<Option<DateTime<Utc>>, Problem> {
    let moment = text.map(|text| text.parse::<When>().map(|when| when.before(Utc::now()))).transpose();
    moment.map_err(|how| wrong(field, format!("{field} is no time"), how))
}

fn document(field: &'static str, wanted: &[String]) -> Result<Option<serde_json::Value>, Problem> {
    let hint = || "write KEY=VALUE, as in size=large or metrics.has_tests=true";
    let holds = wanted.iter().map(|text| {
        let key = text.split('=').next().unwrap_or_default();
        if key.matches('.').count() > DEEPEST {
            return Err(wrong(field, format!("the key of {field} is nested too deep"), hint()));
        }
        text.parse::<Holds>().map_err(|what| wrong(field, format!("{field}: {what}"), hint()))
    });
    let holds = holds.collect::<Result<Vec<_>, _>>()?;
    containment::all(&holds).map_err(|failure| Problem::from(failure).of_field(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_no_calendar_has_are_refused() {
        assert!(moment("since", Some("2027-01-31T09:00:00Z")).unwrap().is_some());
        assert!(moment("since", Some("10m")).unwrap().is_some_and(|time| time < Utc::now()));
        for wrong in ["", "infinity", "-4000-01-01T00:00:00Z", "+200000-01-01T00:00:00Z", "99999d"] {
            assert!(moment("since", Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn documents_are_bounded_and_joined() {
        let wanted = |texts: &[&str]| document("attribute", &texts.iter().map(|&text| text.into()).collect::<Vec<_>>());
        assert_eq!(wanted(&["size=large", "a.b=1"]).unwrap().unwrap().to_string(), r#"{"a":{"b":1},"size":"large"}"#);
        for wrong in [&["size"][..], &["size=large", "size=small"], &["a\0=1"], &[&format!("a{}=1", ".a".repeat(17))]] {
            assert!(wanted(wrong).is_err(), "{wrong:?}");
        }
        assert!(score("min_score", Some(f64::NAN)).is_err());
    }
}
