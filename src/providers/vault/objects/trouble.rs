//! What a bucket's server says when it does not do what it was asked to, in our words.

use std::error::Error as _;

use object_store::Error;

use crate::model::failure::{Failure, Kind};

pub(super) fn failure(doing: &str, error: &Error) -> Failure {
    let reason = reason(error);
    let (kind, hint) = match reason.split(' ').next() {
        Some("401" | "403") => (
            Kind::Unauthorized,
            "may backup.s3_access_key_id list, read, write and remove there, and is its secret right?",
        ),
        Some("404") => (Kind::NotFound, "make the bucket first, or see backup.store and backup.s3_endpoint"),
        _ => (Kind::Unavailable, "is the server up, and are backup.s3_endpoint and backup.s3_region right?"),
    };
    Failure::new(kind, format!("{doing} failed: {reason}")).hint(hint)
}

/// Whether it is the bucket that is missing, not an object.
pub(super) fn is_about_the_bucket(error: &Error) -> bool {
    innermost(error).contains("<Code>NoSuchBucket</Code>")
}

/// `503 Service Unavailable (SlowDown: Please reduce your request rate)`, or what went wrong on the way.
fn reason(error: &Error) -> String {
    let words = innermost(error);
    let Some((_, answer)) = words.split_once("status code: ") else { return words };
    let (status, body) = answer.split_once(": ").unwrap_or((answer, ""));
    match (element(body, "Code"), element(body, "Message")) {
        (Some(code), Some(message)) => format!("{status} ({code}: {})", message.trim_end_matches('.')),
        (Some(code), None) => format!("{status} ({code})"),
        _ => status.to_owned(),
    }
}

/// The words of the cause of all causes.
fn innermost(error: &Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        words = cause.to_string();
        next = cause.source();
    }
    words
}

/// The text of the first element of that name. Enough for the flat answers that S3 gives.
pub(super) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_in_one_line() {
        let of = |words: &str| Error::Generic { store: "S3", source: words.into() };
        let xml = "Server returned non-2xx status code: 503 Service Unavailable: \
                   <?xml?><Error><Code>SlowDown</Code><Message>Please wait.</Message></Error>";
        for (words, expected) in [
            (xml, "503 Service Unavailable (SlowDown: Please wait)"),
            ("Server returned non-2xx status code: 500 Internal Server Error: <html>oops", "500 Internal Server Error"),
            ("connection refused", "connection refused"),
        ] {
            let failure = failure("reading s3://cats/x", &of(words));
            assert_eq!(failure.what(), format!("reading s3://cats/x failed: {expected}"));
        }
    }
}
