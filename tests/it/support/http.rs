//! A small raw client of the HTTP listener: what it sends and what it reads is all to be seen.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use super::cli::Service;

/// What the listener answered.
pub struct Answer {
    pub status: u16,
    /// The head as it was sent.
    pub head: String,
    /// The head, in lower case.
    pub headers: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body, which must be JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.headers))
    }

    /// The body, which must be text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The value of the first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The values of all headers of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let pairs = self.head.lines().filter_map(|line| line.split_once(": "));
        pairs.filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// One request on a connection of its own. `head` is the request line and what headers there are beside `host`,
/// `connection` and `content-length`, a line each.
pub fn ask(service: &Service, head: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(service.address()).unwrap();
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let head = head.replace('\n', "\r\n");
    write!(stream, "{head}\r\nhost: 127.0.0.1\r\nconnection: close\r\n{length}\r\n").unwrap();
    // A server that refuses a body may close before all of it is sent.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let headers = head.to_lowercase();
    let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, headers, body: answer[end + 4..].to_vec() }
}

/// Reads a path.
pub fn get(service: &Service, path: &str) -> Answer {
    ask(service, &format!("GET {path} HTTP/1.1"), b"")
}

/// Sends JSON to a path.
pub fn post(service: &Service, path: &str, body: &str) -> Answer {
    send(service, "POST", path, "", body)
}

/// Sends JSON to a path by another method, with `more` headers: each a line that begins with a line break.
pub fn send(service: &Service, method: &str, path: &str, more: &str, body: &str) -> Answer {
    ask(service, &format!("{method} {path} HTTP/1.1\ncontent-type: application/json{more}"), body.as_bytes())
}

/// The header that shows a token, for `send` and `ask`.
pub fn bearer(token: &str) -> String {
    format!("\nauthorization: Bearer {token}")
}
