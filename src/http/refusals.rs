//! The problems that requests for one thing may end with, for the OpenAPI document: of each sort of request the same. What
//! any request may end with is added to all of them ([`super::openapi`]).

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::RefOr;
use utoipa::openapi::response::Response;

use super::openapi::problem;

/// Of what asks for one thing, which may not be there.
pub struct OfFinding;

/// Of what changes something that may not be there, or may not be as the change needs it.
pub struct OfChanging;

const FINDING: [(&str, &str); 1] = [("404", "There is no such thing.")];
const CHANGING: [(&str, &str); 2] =
    [("409", "It stands where this cannot be done."), ("422", "What is asked for cannot be done.")];

impl IntoResponses for OfFinding {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        FINDING.iter().map(told).collect()
    }
}

impl IntoResponses for OfChanging {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        FINDING.iter().chain(&CHANGING).map(told).collect()
    }
}

fn told((status, when): &(&str, &str)) -> (String, RefOr<Response>) {
    ((*status).to_owned(), problem(when).into())
}
