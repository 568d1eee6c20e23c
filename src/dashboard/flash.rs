//! What a page says once: how what was asked for on the page before went.

use axum::http::HeaderValue;
use axum_extra::extract::CookieJar;
use maud::{Markup, html};

use super::parts::badge::Tone;
use super::parts::link::segment;
use crate::http::Problem;
use crate::model::failure::Failure;

const COOKIE: &str = "repo-to-cat-said";
/// Bytes of a cookie that every browser keeps, with room for its name and what is said of it.
const LONGEST: usize = 3500;

/// What to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    /// Whether it went well.
    pub tone: Tone,
    /// A sentence.
    pub text: String,
}

impl Flash {
    /// It is done.
    #[must_use]
    pub fn done(text: impl Into<String>) -> Self {
        Self { tone: Tone::Good, text: text.into() }
    }

    /// Nothing is wrong, but it is not as one may have wanted it.
    #[must_use]
    pub fn note(text: impl Into<String>) -> Self {
        Self { tone: Tone::Warn, text: text.into() }
    }

    /// It could not be done: why, and what to do about it.
    #[must_use]
    pub fn failed(failure: &Failure) -> Self {
        let text = match failure.hint_text() {
            Some(hint) => format!("{}: {hint}", failure.what()),
            None => failure.what().to_owned(),
        };
        Self { tone: Tone::Bad, text }
    }

    /// The cookie that carries it to the next page.
    pub(super) fn cookie(&self) -> HeaderValue {
        let mark = match self.tone {
            Tone::Good => 'g',
            Tone::Warn => 'w',
            _ => 'b',
        };
        let mut value = String::from(mark);
        for character in self.text.chars() {
            let piece = segment(character.encode_utf8(&mut [0; 4]));
            if value.len() + piece.len() > LONGEST {
                break;
            }
            value.push_str(&piece);
        }
        header(&format!("{COOKIE}={value}; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"))
    }

    /// The cookie that takes its place once it was said.
    pub(super) fn over() -> HeaderValue {
        header(&format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"))
    }

    /// What the page before wanted said.
    pub(super) fn of(cookies: &CookieJar) -> Option<Self> {
        let value = cookies.get(COOKIE)?.value();
        let mark = value.chars().next()?;
        let tone = match mark {
            'g' => Tone::Good,
            'w' => Tone::Warn,
            'b' => Tone::Bad,
            _ => return None,
        };
        let text = &value[mark.len_utf8()..];
        (!text.is_empty()).then(|| Self { tone, text: text.to_owned() })
    }

    pub(super) fn show(&self) -> Markup {
        html! {
            div.flash.(self.tone.class()) role=(if self.tone == Tone::Bad { "alert" } else { "status" }) {
                span.mark aria-hidden="true" { (self.tone.mark()) }
                p { (self.text) }
            }
        }
    }
}

/// Says at once what is wrong: on the page where it was asked for.
#[must_use]
pub fn alert(problem: &Problem) -> Markup {
    let (what, hint) = problem.told();
    html! { div.flash.bad role="alert" { p { (what) @if let Some(hint) = hint { ": " (hint) } } } }
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, header::COOKIE};

    use super::*;

    #[test]
    fn what_is_said_comes_back_as_it_was_and_is_cut_where_it_is_too_long() {
        let back = |flash: &Flash| {
            let cookie = flash.cookie();
            let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, pair.parse().unwrap());
            Flash::of(&CookieJar::from_headers(&headers)).unwrap()
        };
        for text in ["3 jobs were retried; a=b & c", "<script>\"'\n", "Kätzchen 🐈"] {
            assert_eq!(back(&Flash::done(text)), Flash::done(text));
        }
        let long = Flash::note("🐈".repeat(9000));
        assert!(long.cookie().len() < 4000 && back(&long).text.chars().all(|cat| cat == '🐈'));
    }
}
