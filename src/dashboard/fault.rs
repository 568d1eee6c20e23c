//! Problems as pages.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::html;

use super::page::bare;
use super::parts::cat;
use crate::http::error::Details;

/// The page that tells people of a problem.
#[must_use]
pub fn show(problem: &Details) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (title, lead) = words(status);
    let content = html! {
        section.fault {
            (cat::in_a_box())
            p.code { (problem.status) }
            h1 { (title) }
            p.lead { (lead) }
            div.note {
                p { strong { (sentence(&problem.detail)) } }
                @if let Some(hint) = &problem.hint { p { (sentence(hint)) } }
            }
            div.actions {
                a.button.primary href="/" { "To the overview" }
                a.button href="/gallery" { "Look at cats" }
            }
            @if let Some(id) = &problem.request_id { p.muted.small { "Request " code { (id) } } }
        }
    };
    bare(title, &content).with_status(status).into_response()
}

fn words(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::NOT_FOUND => ("No cat here", "Whatever was at this address has wandered off, or never was."),
        StatusCode::FORBIDDEN => ("Not yours to do", "The door is closed, and scratching at it does not help."),
        StatusCode::TOO_MANY_REQUESTS => {
            ("Too fast", "Even a cat rests between two jumps. Wait a little, then reload.")
        }
        StatusCode::METHOD_NOT_ALLOWED => ("Not like that", "This address does not take what was sent to it."),
        status if status.is_server_error() => {
            ("Something broke", "It was not you. The log of the service tells more under the id below.")
        }
        _ => ("That did not work", "What was sent cannot be done as it is."),
    }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}
