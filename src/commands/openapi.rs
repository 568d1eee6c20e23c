//! `openapi`: the OpenAPI document of the HTTP interface, kept in `docs/openapi.json`.

use super::Output;
use super::view::look::Look;
use crate::http::openapi;
use crate::model::failure::Result;

/// Prints the document.
pub fn run() -> Result<()> {
    Output { json: false, look: Look::plain() }.text(&openapi::text())
}
