//! A browser without JavaScript: it reads pages, fills in forms, and goes where it is sent.

use std::io::{Read, Write};
use std::net::TcpStream;

use url::form_urlencoded::Serializer;

use crate::support::cli::Service;

/// Somebody at the dashboard.
pub struct Browser<'a> {
    service: &'a Service,
    /// The token of whoever it is; none where nobody is asked.
    token: Option<String>,
}

/// A page, or what leads to one.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub head: String,
    pub html: String,
}

impl Page {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (own, value) = line.split_once(": ")?;
            own.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// Fails unless the page is well and has all of these.
    #[track_caller]
    pub fn has(&self, wanted: &[&str]) -> &Self {
        for words in wanted {
            assert!(self.html.contains(words), "{words:?} is missing: {}\n{}", self.head, self.html);
        }
        self
    }

    /// Fails where it has one of these.
    #[track_caller]
    pub fn lacks(&self, unwanted: &[&str]) -> &Self {
        for words in unwanted {
            assert!(!self.html.contains(words), "{words:?} is there: {}", self.html);
        }
        self
    }

    /// The value of the first field of this name.
    pub fn field(&self, name: &str) -> Option<&str> {
        let (_, after) = self.html.split_once(&format!("name=\"{name}\" value=\""))?;
        after.split('"').next()
    }
}

impl<'a> Browser<'a> {
    /// Where nobody is asked who they are.
    pub fn new(service: &'a Service) -> Self {
        Self { service, token: None }
    }

    /// Of whoever has this token.
    pub fn of(service: &'a Service, token: &str) -> Self {
        Self { service, token: Some(token.to_owned()) }
    }

    /// Reads a page, which must be well.
    #[track_caller]
    pub fn get(&self, path: &str) -> Page {
        let page = self.ask("GET", path, "", "");
        assert_eq!(page.status, 200, "{path}: {}\n{}", page.head, page.html);
        page
    }

    /// Reads whatever is there.
    pub fn try_get(&self, path: &str) -> Page {
        self.ask("GET", path, "", "")
    }

    /// Sends a form that stands on the page `on` to `to`, and returns the answer itself.
    #[track_caller]
    pub fn post(&self, on: &str, to: &str, fields: &[(&str, &str)]) -> Page {
        let proof = self.get(on).field("csrf").expect("a form with a proof").to_owned();
        self.post_raw(to, &[fields, &[("csrf", &proof)]].concat())
    }

    /// Sends a form as it is.
    pub fn post_raw(&self, to: &str, fields: &[(&str, &str)]) -> Page {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        self.ask(
            "POST",
            to,
            "content-type: application/x-www-form-urlencoded\r\nsec-fetch-site: same-origin\r\n",
            &body,
        )
    }

    /// The same, and goes on to the page that says how it went; returns its path and it.
    #[track_caller]
    pub fn send(&self, on: &str, to: &str, fields: &[(&str, &str)]) -> (String, Page) {
        let answer = self.post(on, to, fields);
        assert_eq!(answer.status, 303, "{}\n{}", answer.head, answer.html);
        let there = answer.header("location").expect("a place to go").to_owned();
        let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next()).unwrap_or_default();
        let page = self.ask("GET", &there, &format!("cookie: {cookie}\r\n"), "");
        assert_eq!(page.status, 200, "{there}: {}\n{}", page.head, page.html);
        (there, page)
    }

    fn ask(&self, method: &str, path: &str, more: &str, body: &str) -> Page {
        let mut stream = TcpStream::connect(self.service.address()).unwrap();
        let token = self.token.as_ref().map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/html\r\nconnection: close\r\n{token}{more}content-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, html) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Page { status, head: head.to_owned(), html: html.to_owned() }
    }
}
