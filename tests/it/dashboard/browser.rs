//! A browser without JavaScript: it reads pages, fills in forms, goes where it is sent, and keeps the cookies it is given.

use std::cell::RefCell;

use url::form_urlencoded::Serializer;

use crate::support::cli::Service;
use crate::support::http::{Answer, ask, bearer};

/// What a browser says of a form that stands on a page of the same site.
pub const OWN_SITE: &str = "\nsec-fetch-site: same-origin";

/// Somebody at the dashboard.
pub struct Browser<'a> {
    service: &'a Service,
    /// The token of whoever it is; none where nobody is asked, or who logs in.
    token: Option<String>,
    pub cookies: RefCell<Vec<(String, String)>>,
}

impl<'a> Browser<'a> {
    /// Of whoever has not said yet who they are.
    pub fn new(service: &'a Service) -> Self {
        Self { service, token: None, cookies: RefCell::default() }
    }

    /// Of whoever has this token.
    pub fn of(service: &'a Service, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::new(service) }
    }

    /// Reads a page, which must be well.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        let page = self.try_get(path);
        assert_eq!(page.status, 200, "{path}: {}\n{}", page.head, page.text());
        page
    }

    /// Reads whatever is there.
    pub fn try_get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", "")
    }

    /// Sends a form that stands on `page` to `to`, and returns the answer itself.
    #[track_caller]
    pub fn submit(&self, page: &Answer, to: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_raw(to, OWN_SITE, &[fields, &[("csrf", proof(page))]].concat())
    }

    /// The same of the page at `on`.
    #[track_caller]
    pub fn post(&self, on: &str, to: &str, fields: &[(&str, &str)]) -> Answer {
        self.submit(&self.get(on), to, fields)
    }

    /// The same, and goes on to the page that says how it went; returns its path and it.
    #[track_caller]
    pub fn send(&self, on: &str, to: &str, fields: &[(&str, &str)]) -> (String, Answer) {
        let answer = self.post(on, to, fields);
        let there = location(&answer);
        (there.to_owned(), self.get(there))
    }

    /// Sends a form as it is, with `more` headers.
    pub fn post_raw(&self, to: &str, more: &str, fields: &[(&str, &str)]) -> Answer {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        self.ask("POST", to, &format!("\ncontent-type: application/x-www-form-urlencoded{more}"), &body)
    }

    fn ask(&self, method: &str, path: &str, more: &str, body: &str) -> Answer {
        let token = self.token.as_deref().map(bearer).unwrap_or_default();
        let kept: Vec<String> = self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = if kept.is_empty() { String::new() } else { format!("\ncookie: {}", kept.join("; ")) };
        let head = format!("{method} {path} HTTP/1.1\naccept: text/html,*/*;q=0.8{token}{cookies}{more}");
        let answer = ask(self.service, &head, body.as_bytes());
        for cookie in answer.all("set-cookie") {
            let (pair, attributes) = cookie.split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut kept = self.cookies.borrow_mut();
            kept.retain(|(own, _)| own != name);
            if !attributes.contains("Max-Age=0") {
                kept.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }
}

/// The proof in the forms of a page.
#[track_caller]
pub fn proof(page: &Answer) -> &str {
    page.field("csrf").expect("a form with a proof")
}

/// Where an answer leads.
#[track_caller]
pub fn location(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303, "{}\n{}", answer.head, answer.text());
    answer.header("location").expect("a place to go")
}

/// What pages are looked through for.
impl Answer {
    /// Fails unless the page has all of these.
    #[track_caller]
    pub fn has(&self, wanted: &[&str]) -> &Self {
        for words in wanted {
            assert!(self.text().contains(words), "{words:?} is missing: {}\n{}", self.head, self.text());
        }
        self
    }

    /// Fails where it has one of these.
    #[track_caller]
    pub fn lacks(&self, unwanted: &[&str]) -> &Self {
        for words in unwanted {
            assert!(!self.text().contains(words), "{words:?} is there: {}", self.text());
        }
        self
    }

    /// The value of the first field of this name.
    pub fn field(&self, name: &str) -> Option<&str> {
        let (_, after) = self.text().split_once(&format!("name=\"{name}\" value=\""))?;
        after.split('"').next()
    }
}
