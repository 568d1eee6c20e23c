//! The cats, the newest first, and the form that asks for another.

pub(super) mod ask;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::Routes;
use super::page::{Nav, Page, page};
use super::parts::empty::empty;
use super::parts::field;
use super::parts::link::href;
use super::parts::pager::pager;
use super::parts::time;
use super::visitor::Visitor;
use crate::db::generations::{self, GenerationFilter};
use crate::db::{Db, users};
use crate::http::{Problem, Site};
use crate::model::attributes::{Breed, CatAttributes};
use crate::model::failure::{Failure, Kind};
use crate::model::generation::Generation;
use crate::model::habitat::HABITATS;

/// Cats of a page.
const CATS: i64 = 24;

pub(super) fn routes() -> Routes {
    Router::new().route("/gallery", get(show).post(ask::ask))
}

/// Which cats, as the form's fields have it: what is empty leaves all in.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    repository: String,
    language: String,
    breed: String,
    min_score: String,
    max_score: String,
    user: String,
    after: Option<Uuid>,
}

impl Wanted {
    fn is_empty(&self) -> bool {
        [&self.repository, &self.language, &self.breed, &self.min_score, &self.max_score, &self.user]
            .iter()
            .all(|field| field.trim().is_empty())
    }

    async fn filter(&self, db: &Db) -> Result<GenerationFilter, Problem> {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let repository = given(&self.repository);
        let (owner, name) = match repository.as_deref().map(|text| text.rsplit_once('/')) {
            Some(Some((owner, name))) => (given(owner), given(name)),
            Some(None) => (None, repository),
            None => (None, None),
        };
        let user = match given(&self.user) {
            Some(who) => Some(users::id_of(db, &who).await?),
            None => None,
        };
        Ok(GenerationFilter {
            owner,
            name,
            language: given(&self.language),
            attributes: given(&self.breed).map(|breed| json!({"breed": breed})),
            min_score: score("the lowest score", &self.min_score)?,
            max_score: score("the highest score", &self.max_score)?,
            user,
            before: self.after,
            limit: CATS,
            ..GenerationFilter::default()
        })
    }

    /// The address of the page that begins after a cat.
    fn page(&self, after: &str) -> String {
        href(
            "/gallery",
            &[
                ("repository", &self.repository),
                ("language", &self.language),
                ("breed", &self.breed),
                ("min_score", &self.min_score),
                ("max_score", &self.max_score),
                ("user", &self.user),
                ("after", after),
            ],
        )
    }
}

fn score(what: &str, text: &str) -> Result<Option<f64>, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let score = text.parse().ok().filter(|score: &f64| (0.0..=10.0).contains(score));
    score.map(Some).ok_or_else(|| {
        Failure::new(Kind::Invalid, format!("{what} is `{text}`")).hint("scores are from 0 to 10").into()
    })
}

async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Page, Problem> {
    let Query(wanted) = wanted?;
    let generations::Page { cats, next } = generations::page(&site.db, &wanted.filter(&site.db).await?).await?;
    let is_cut = next.is_some() && i64::try_from(cats.len()).is_ok_and(|count| count < CATS);
    let older = next.map(|next| wanted.page(&next.to_string()));
    let newest = wanted.after.map(|_| wanted.page(""));
    let content = html! {
        (ask::form(&visitor))
        (filters(&wanted))
        @if cats.is_empty() && !is_cut {
            section.card {
                @if wanted.is_empty() && wanted.after.is_none() {
                    (empty("No cats yet.", &html! {
                        p { "Every repository has one. Ask for the first here, or in a shell:" }
                        pre { code { "repo-to-cat enqueue https://github.com/owner/name" } }
                    }))
                } @else {
                    (empty("No cat is like that.", &html! { p { a href="/gallery" { "Look at all of them" } } }))
                }
            }
        } @else {
            ul.gallery {
                @for cat in &cats {
                    li { (tile(cat, &html! { (time::ago(cat.created_at, visitor.now)) })) }
                }
            }
        }
        @if is_cut {
            p.note { "So many cats were looked at; there may be more like that before. " a href=[older.as_deref()] { "Look further back" } }
        }
        (pager(newest.as_deref(), older.as_deref()))
    };
    Ok(page("Gallery", Nav::Gallery, &visitor, &content))
}

fn filters(wanted: &Wanted) -> Markup {
    let choices = |first: &str, words: Vec<(String, String)>, own: &str| {
        let mut choices = vec![(String::new(), first.to_owned())];
        if !own.is_empty() && words.iter().all(|(value, _)| value != own) {
            choices.push((own.to_owned(), own.to_owned()));
        }
        choices.extend(words);
        choices
    };
    let breeds = Breed::ALL.iter().map(|breed| (breed.word().to_owned(), breed.name().to_owned())).collect();
    let mut languages: Vec<&str> = HABITATS.iter().map(|habitat| habitat.language).collect();
    languages.sort_unstable();
    let languages = languages.into_iter().map(|language| (language.to_owned(), language.to_owned())).collect();
    html! {
        form.card.filters method="get" action="/gallery" role="search" aria-label="Which cats" {
            (field::text("repository", "Repository", &wanted.repository, "owner/name or name"))
            (field::choice("language", "Language", &wanted.language, &choices("any", languages, &wanted.language)))
            (field::choice("breed", "Breed", &wanted.breed, &choices("any", breeds, &wanted.breed)))
            (field::number("min_score", "Score from", &wanted.min_score, (0.0, 10.0), "0.1"))
            (field::number("max_score", "Score to", &wanted.max_score, (0.0, 10.0), "0.1"))
            (field::text("user", "Asked for by", &wanted.user, "name, address or id"))
            div.actions {
                button.primary type="submit" { "Filter" }
                @if !wanted.is_empty() { a.button.quiet href="/gallery" { "Clear" } }
            }
        }
    }
}

/// Some cats side by side.
pub(super) fn strip(cats: &[Generation]) -> Markup {
    html! { ul.gallery.strip { @for cat in cats { li { (tile(cat, &html! {})) } } } }
}

/// A cat, which leads to its page.
fn tile(cat: &Generation, note: &Markup) -> Markup {
    let portrait = portrait(cat);
    html! {
        a.cat href={ "/generations/" (cat.id) } {
            @if cat.image_path.is_some() {
                img src={ "/v1/generations/" (cat.id) "/image?width=384" } width="384" height="216" loading="lazy"
                    decoding="async" alt={ "A " (portrait) };
            } @else { span.nopicture { "its picture is not here" } }
            span.title { (name(cat)) }
            span.small.muted {
                @if let Some(score) = cat.code_quality_score.filter(|score| !score.is_nan()) {
                    strong { (format!("{score:.1}")) } " · "
                }
                (cat.primary_language.as_deref().unwrap_or("no language"))
                @if !note.0.is_empty() { " · " (note) }
            }
        }
    }
}

/// `owner/name`, or the URL where that is all there is.
pub(super) fn name(cat: &Generation) -> String {
    match (&cat.repo_owner, &cat.repo_name) {
        (Some(owner), Some(name)) => format!("{owner}/{name}"),
        (None, Some(name)) => name.clone(),
        _ => cat.github_url.clone(),
    }
}

/// The cat in a few words; what the founding application kept may have no words of ours.
pub(super) fn portrait(cat: &Generation) -> String {
    let known = cat.cat_attributes.clone().and_then(|words| serde_json::from_value::<CatAttributes>(words).ok());
    known.map_or_else(|| "cat".to_owned(), |attributes| attributes.portrait())
}
