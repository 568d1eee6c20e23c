//! The problems that requests may end with, for the OpenAPI document: of each sort of request the same.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::response::Response;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};

/// Of what reads.
pub struct OfReading;

/// Of what reads one thing, which may not be there.
pub struct OfFinding;

/// Of what changes something that may not be there, or may not be as the change needs it.
pub struct OfChanging;

const READING: &[(&str, &str)] = &[
    ("400", "The request is wrong."),
    ("401", "No token was shown that works."),
    ("403", "The token does not allow it."),
    ("429", "Too many requests."),
    ("503", "The service cannot answer now."),
];
const FINDING: (&str, &str) = ("404", "There is no such thing.");
const CHANGING: &[(&str, &str)] = &[
    ("409", "It stands where this cannot be done."),
    ("413", "The body is too large."),
    ("415", "The body is no JSON."),
    ("422", "The body does not say what it must, or it cannot be done."),
];

impl IntoResponses for OfReading {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        of(READING.iter())
    }
}

impl IntoResponses for OfFinding {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        of(READING.iter().chain([&FINDING]))
    }
}

impl IntoResponses for OfChanging {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        of(READING.iter().chain([&FINDING]).chain(CHANGING))
    }
}

fn of<'a>(problems: impl Iterator<Item = &'a (&'a str, &'a str)>) -> BTreeMap<String, RefOr<Response>> {
    let problem = |description: &str| {
        let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        ResponseBuilder::new().description(description).content("application/problem+json", body).build()
    };
    problems.map(|(status, description)| ((*status).to_owned(), problem(description).into())).collect()
}
