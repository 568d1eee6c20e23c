//! `/docs`: the OpenAPI document as a page for people. It is made once, needs nothing from anywhere else and no script.

mod schema;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};
use serde_json::{Map, Value};
use utoipa::openapi::OpenApi as Document;

use super::Site;
use schema::Schemas;

const STYLE: &str = include_str!("docs/style.css");
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// How long a browser keeps the page: until the next version, at the latest for an hour.
const KEPT: &str = "max-age=3600, must-revalidate";
const METHODS: [&str; 8] = ["get", "post", "put", "patch", "delete", "head", "options", "trace"];

/// The page and its style.
pub(super) fn routes(document: &Document) -> Router<Site> {
    let document = serde_json::to_value(document).unwrap_or_default();
    let text: &'static str = page(&document).into_string().leak();
    let show = move || async move {
        let headers =
            [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, KEPT)];
        (headers, text)
    };
    Router::new().route("/docs", get(show)).route("/docs/style.css", get(style))
}

async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, KEPT)], STYLE)
}

/// One operation.
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    said: &'a Value,
}

impl Operation<'_> {
    /// Where it stands on the page.
    fn anchor(&self) -> String {
        let path: String = self.path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        format!("{}{}", self.method, path)
    }

    fn is_of(&self, tag: &str) -> bool {
        self.said["tags"].as_array().into_iter().flatten().any(|one| one == tag)
    }
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |method| Some(Operation { method, path, said: item.get(*method)? }))
        })
        .collect()
}

fn page(document: &Value) -> Markup {
    let (info, schemas) = (&document["info"], Schemas::of(document));
    let operations = operations(document);
    let tags: Vec<(&str, &str)> = document["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|tag| (text(&tag["name"]), text(&tag["description"])))
        .collect();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (text(&info["title"])) " " (text(&info["version"])) " — HTTP reference" }
                link rel="stylesheet" href="/docs/style.css";
            }
            body {
                a.skip href="#reference" { "Skip to the reference" }
                nav aria-label="Contents" {
                    p.name { a href="/" { (text(&info["title"])) } }
                    @for (tag, _) in &tags {
                        h2 { a href={ "#" (tag) } { (tag) } }
                        ul {
                            @for one in operations.iter().filter(|one| one.is_of(tag)) {
                                li { a href={ "#" (one.anchor()) } { (method(one)) " " span.path { (one.path) } } }
                            }
                        }
                    }
                }
                main id="reference" tabindex="-1" {
                    h1 { (text(&info["title"])) " " small { (text(&info["version"])) } }
                    (prose(text(&info["description"])))
                    p {
                        "The same for programs: " a href="/openapi.json" { code { "/openapi.json" } }
                        " (OpenAPI " (text(&document["openapi"])) "). Licence: " (text(&info["license"]["name"])) "."
                    }
                    @for (tag, what) in &tags {
                        section {
                            h2 id=(tag) { (tag) }
                            p { (what) }
                            @for one in operations.iter().filter(|one| one.is_of(tag)) { (operation(one, &schemas)) }
                        }
                    }
                }
            }
        }
    }
}

fn operation(one: &Operation, schemas: &Schemas) -> Markup {
    let body = &one.said["requestBody"];
    let sent = body["content"]["application/json"].get("schema");
    html! {
        article id=(one.anchor()) aria-labelledby={ (one.anchor()) "-title" } {
            h3 id={ (one.anchor()) "-title" } { (method(one)) " " span.path { (one.path) } }
            @if let Some(summary) = one.said["summary"].as_str() { (prose(summary)) }
            @if let Some(more) = one.said["description"].as_str() { (prose(more)) }
            p.scopes { (scopes(&one.said["security"])) }
            (parameters(one, schemas))
            @if let Some(sent) = sent {
                h4 { "Body" }
                (schemas.table(sent))
            }
            h4 { "Answers" }
            table tabindex="0" {
                thead { tr { th scope="col" { "Status" } th scope="col" { "When" } th scope="col" { "What" } } }
                tbody {
                    @for (status, answer) in one.said["responses"].as_object().into_iter().flatten() {
                        tr {
                            td { code { (status) } }
                            td { (text(&answer["description"])) }
                            td { (contents(answer["content"].as_object(), schemas)) }
                        }
                    }
                }
            }
            h4 { "Try it" }
            pre tabindex="0" { code { (curl(one, sent.map(|sent| schemas.example(sent)).as_ref())) } }
        }
    }
}

fn method(one: &Operation) -> Markup {
    html! { span class={ "method " (one.method) } { (one.method.to_uppercase()) } }
}

/// What a token must allow.
fn scopes(security: &Value) -> Markup {
    let ways: Vec<&Map<String, Value>> =
        security.as_array().into_iter().flatten().filter_map(Value::as_object).collect();
    let is_open = ways.is_empty() || ways.iter().any(|way| way.is_empty());
    let names: Vec<&str> =
        ways.iter().flat_map(|way| way.values()).filter_map(Value::as_array).flatten().map(text).collect();
    html! {
        @if is_open { "Open to everybody" } @else { "Needs a token with the scope" }
        @if is_open && !names.is_empty() { "; tells more to a token with the scope" }
        @for (place, name) in names.iter().enumerate() {
            @if place > 0 { " or" }
            " " code { (name) }
        }
        "."
    }
}

fn parameters(one: &Operation, schemas: &Schemas) -> Markup {
    let given: Vec<&Value> = one.said["parameters"].as_array().into_iter().flatten().collect();
    html! {
        @if !given.is_empty() {
            h4 { "Parameters" }
            table tabindex="0" {
                thead { tr { th scope="col" { "Name" } th scope="col" { "In" } th scope="col" { "Type" } th scope="col" { "What" } } }
                tbody {
                    @for parameter in given {
                        tr {
                            td {
                                code { (text(&parameter["name"])) }
                                @if parameter["required"] == true { " " em { "required" } }
                            }
                            td { (text(&parameter["in"])) }
                            td { (schemas.kind(&parameter["schema"])) }
                            td { (inline(text(&parameter["description"]))) }
                        }
                    }
                }
            }
        }
    }
}

/// What is answered, by media type. A problem is the same everywhere.
fn contents(contents: Option<&Map<String, Value>>, schemas: &Schemas) -> Markup {
    html! {
        @for (media_type, content) in contents.into_iter().flatten() {
            @match content.get("schema") {
                Some(schema) if media_type == "application/json" => details {
                    summary { code { (media_type) } " " (schemas.kind(schema)) }
                    (schemas.table(schema))
                },
                Some(schema) => p { code { (media_type) } " " (schemas.kind(schema)) },
                None => p { code { (media_type) } },
            }
        }
    }
}

/// A line to type.
fn curl(one: &Operation, body: Option<&Value>) -> String {
    let method = if one.method == "get" { String::new() } else { format!(" -X {}", one.method.to_uppercase()) };
    let mut line = format!("curl{method} 'http://127.0.0.1:8000{}'", one.path);
    let needs_token = one.said["security"].as_array().into_iter().flatten().any(|way| way.get("token").is_some());
    if needs_token {
        line += " \\\n  -H \"Authorization: Bearer $TOKEN\"";
    }
    if let Some(body) = body {
        line += " \\\n  -H 'Content-Type: application/json' \\\n  -d '";
        line += &body.to_string().replace('\'', "'\\''");
        line += "'";
    }
    line
}

/// Paragraphs.
fn prose(text: &str) -> Markup {
    html! { @for paragraph in text.split("\n\n") { p { (inline(paragraph)) } } }
}

/// A sentence, with what stands between backticks as code.
fn inline(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_on_the_page_once_with_no_script_and_no_outside_asset() {
        let document = serde_json::to_value(crate::http::openapi::document()).unwrap();
        let page = page(&document).into_string();
        for one in operations(&document) {
            let heading = format!("<article id=\"{}\"", one.anchor());
            assert_eq!(page.matches(&heading).count(), 1, "{} {}", one.method, one.path);
        }
        for foreign in ["<script", "style=\"", "src=\"", "href=\"http", "@import", "url("] {
            assert!(!page.contains(foreign) && !STYLE.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_line_to_type_has_the_token_and_an_example() {
        let said = serde_json::json!({"security": [{"token": ["enqueue"]}]});
        let one = Operation { method: "post", path: "/v1/generations", said: &said };
        let line = curl(&one, Some(&serde_json::json!({"tags": ["it's"]})));
        assert!(line.starts_with("curl -X POST 'http://127.0.0.1:8000/v1/generations'"), "{line}");
        assert!(line.contains("Bearer $TOKEN") && line.contains(r"it'\''s"), "{line}");
        assert_eq!(scopes(&said["security"]).into_string(), "Needs a token with the scope <code>enqueue</code>.");
        let open = serde_json::json!([{}, {"token": ["read"]}]);
        assert!(scopes(&open).into_string().starts_with("Open to everybody; tells more"));
    }
}
