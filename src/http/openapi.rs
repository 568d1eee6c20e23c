//! The OpenAPI document: made from the attributes of the handlers, and completed with what holds for all of them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{ArrayItems, Schema, SchemaType, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, OpenApi as Document, PathItem, Ref, RefOr, Response, ResponseBuilder, Server, Tag,
};

use super::error::Details;
use super::generations::KEY;
use super::{Site, docs};

/// What the document says of the whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "repo-to-cat",
        description = "Ask for a cat, follow it, look at it; and steer the queue that paints it.\n\n\
            Who asks shows a token: `Authorization: Bearer rtc_...`. What went wrong is a problem as RFC 9457 has them, \
            with a `type` that never changes. Lists come in pages: `limit`, `after`, and the header `Link` to the next.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(Details, super::pictures::Png))
)]
struct Base;

/// What the operations of each tag are about, in the order in which people read of them.
const TAGS: [(&str, &str); 14] = [
    ("generations", "Cats: ask for one, follow it, look at it."),
    ("repositories", "What became of one repository over time."),
    ("badges", "Pictures for READMEs."),
    ("original", "The paths of the founding application, which answer as they did."),
    ("events", "What happens, as it happens."),
    ("webhooks", "Who is told when a cat is done, and how telling them went."),
    ("jobs", "What is in the queue, and what became of it."),
    ("queue", "The queue as a whole: how it does, what is paused, what is limited."),
    ("schedules", "What is enqueued by the clock."),
    ("backups", "Backups, and the drills that prove them."),
    ("users", "Users and their tokens."),
    ("audit", "Who changed what, and when."),
    ("system", "The program, its settings and its database."),
    ("health", "Whether the service is well."),
];

/// Problems that any request may meet at the gate.
const OF_ALL: [(&str, &str); 3] = [
    ("400", "Something in the request is malformed."),
    ("429", "Too many requests, or too many wrong tokens; `Retry-After` tells how many seconds to wait."),
    ("503", "The database does not answer, or the answer took longer than http.max_seconds."),
];
/// Those of requests that need a token.
const OF_TOKENS: [(&str, &str); 2] =
    [("401", "No token was shown, or one that does not work."), ("403", "The token does not allow it.")];
/// Those of requests with a body.
const OF_BODIES: [(&str, &str); 3] = [
    ("408", "The body did not arrive within http.max_seconds."),
    ("413", "The body is larger than http.max_body_kb."),
    ("415", "The body is of another media type."),
];

/// The document without any route.
pub(super) fn base() -> Document {
    let mut document = Base::openapi();
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    document.components.get_or_insert_default().security_schemes.insert("token".to_owned(), token.into());
    document.servers = Some(vec![Server::new("/")]);
    document
}

/// The document, with every route.
#[must_use]
pub fn document() -> Document {
    completed(super::api().into_openapi())
}

/// The document as text.
#[must_use]
pub fn text() -> String {
    // What is made of plain values can be written as JSON.
    document().to_pretty_json().unwrap_or_default() + "\n"
}

/// Adds what is the same for every operation.
pub(super) fn completed(mut document: Document) -> Document {
    let mut used = Vec::new();
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        complete(operation);
        used.extend(operation.tags.iter().flatten().cloned());
    }
    let described = |(name, what): &(&str, &str)| {
        let mut tag = Tag::new(*name);
        tag.description = Some((*what).to_owned());
        tag
    };
    if let Some(components) = &mut document.components {
        open_parts(&mut components.schemas);
    }
    let is_used = |(name, _): &&(&str, &str)| used.iter().any(|tag| tag == name);
    document.tags = Some(TAGS.iter().filter(is_used).map(described).collect());
    document
}

/// The paths to which what is sent with an `Idempotency-Key` may be sent again.
pub(super) fn paths_with_keys(document: &Document) -> HashSet<String> {
    let is_key = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(one) if KEY == *one.name);
    let takes_keys =
        |path: &PathItem| path.post.as_ref().is_some_and(|post| post.parameters.iter().flatten().any(is_key));
    document.paths.paths.iter().filter(|(_, path)| takes_keys(path)).map(|(path, _)| path.clone()).collect()
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = path;
    [get, put, post, delete, options, head, patch, trace].into_iter().flatten()
}

/// A schema that others extend cannot forbid the fields that they add. What they forbid as a whole is refused all the same.
fn open_parts(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let parts = |schema: &RefOr<Schema>| match schema {
        RefOr::T(Schema::AllOf(whole)) => whole.items.clone(),
        _ => Vec::new(),
    };
    let names: BTreeSet<String> = schemas
        .values()
        .flat_map(parts)
        .filter_map(|part| match part {
            RefOr::Ref(part) => Some(part.ref_location.rsplit('/').next()?.to_owned()),
            RefOr::T(_) => None,
        })
        .collect();
    for (_, schema) in schemas.iter_mut().filter(|(name, _)| names.contains(*name)) {
        if let RefOr::T(Schema::Object(part)) = schema {
            part.additional_properties = None;
        }
    }
}

/// Says that a parameter of the query, where it is there, has a value.
fn fill(parameter: &mut Parameter) {
    let schema = match &mut parameter.schema {
        Some(RefOr::T(Schema::Array(list))) => match &mut list.items {
            ArrayItems::RefOrSchema(items) => Some(&mut **items),
            ArrayItems::False => None,
        },
        schema => schema.as_mut(),
    };
    if let Some(RefOr::T(Schema::Object(object))) = schema
        && parameter.parameter_in == ParameterIn::Query
        && object.schema_type == SchemaType::Type(Type::String)
        && object.format.is_none()
        && object.enum_values.is_none()
    {
        object.min_length.get_or_insert(1);
    }
}

fn complete(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            fill(parameter);
        }
    }
    let needs_token = operation.security.as_ref().is_some_and(|ways| {
        // A way without any demand is open to everybody.
        ways.iter()
            .any(|way| serde_json::to_value(way).is_ok_and(|way| way.as_object().is_some_and(|way| !way.is_empty())))
    });
    let of_tokens = OF_TOKENS.iter().filter(|_| needs_token);
    let of_bodies = OF_BODIES.iter().filter(|_| operation.request_body.is_some());
    for (status, what) in OF_ALL.iter().chain(of_tokens).chain(of_bodies) {
        let told = operation.responses.responses.entry((*status).to_owned());
        told.or_insert_with(|| RefOr::T(problem(what)));
    }
}

/// A problem as the answer of an operation, and when it is answered.
pub(super) fn problem(what: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(what).content("application/problem+json", content).build()
}

/// `/openapi.json`, and the page that people read it on.
pub(super) fn routes(document: Document) -> Router<Site> {
    let document = completed(document);
    let text: &'static str = document.to_json().unwrap_or_default().leak();
    let answer = move || async move { ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], text) };
    Router::new().route("/openapi.json", get(answer)).merge(docs::routes(&document))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docs_openapi_json_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
        let current = std::fs::read_to_string(path).unwrap_or_default();
        assert!(current == text(), "docs/openapi.json is out of date: run `repo-to-cat openapi > docs/openapi.json`");
    }
}
