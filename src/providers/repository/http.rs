//! The https client under gix: one host, no proxy, one permanent redirect, counted bytes, and failures with a meaning.

use std::any::Any;
use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gix::protocol::transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse};
use reqwest::blocking::{RequestBuilder, Response};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT};

use super::token::Token;
use super::{MB, answer, token};
use crate::config;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::repository::{RepositoryUrl, Source, is_private_host};
use crate::providers::address::Guard;
use crate::providers::answer::of_error;
use crate::providers::tls;

/// What gix asks of a repository, behind its base URL.
const ADVERTISEMENT: &str = "/info/refs?service=git-upload-pack";
/// Longest silence of a host.
const LONGEST_SILENCE: Duration = Duration::from_mins(1);
/// Some hosts answer Git's protocol only to those who say that they are Git.
const AGENT: &str = concat!("git/2 repo-to-cat/", env!("CARGO_PKG_VERSION"));

/// The outside view of a connection while gix holds it: what went wrong, how much came, where it led.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<Account>>);

#[derive(Default)]
struct Account {
    failure: Option<Failure>,
    received: u64,
    moved: Option<(RepositoryUrl, String)>,
}

impl Ledger {
    fn account(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What went wrong on the wire, if anything did; it explains whatever gix then says.
    pub(super) fn take_failure(&self) -> Option<Failure> {
        self.account().failure.take()
    }

    /// Where a permanent redirect led.
    pub(super) fn moved(&self) -> Option<RepositoryUrl> {
        self.account().moved.as_ref().map(|(url, _)| url.clone())
    }

    /// Keeps the first failure and gives gix an error that stands for it.
    fn fail(&self, failure: Failure) -> io::Error {
        let error = io::Error::other(failure.to_string());
        self.account().failure.get_or_insert(failure);
        error
    }
}

/// Called with the bytes received so far.
pub(super) type OnReceived = Arc<dyn Fn(u64) + Send + Sync>;

/// Talks to one repository on one host.
pub(super) struct Client {
    shared: Arc<Shared>,
}

/// What a request needs that is sent later, when its body is complete.
pub(super) struct Shared {
    http: reqwest::blocking::Client,
    url: RepositoryUrl,
    token: Option<Token>,
    ledger: Ledger,
    most_bytes: u64,
    on_received: OnReceived,
}

impl Client {
    pub(super) fn new(
        url: &RepositoryUrl,
        settings: &config::Fetch,
        ledger: Ledger,
        on_received: OnReceived,
    ) -> Result<Self> {
        let private_allowed = is_private_host(&url.host, url.port.unwrap_or(443), &settings.private_hosts);
        let guard = Guard { host: url.host.clone(), private_allowed };
        let silence = LONGEST_SILENCE.min(Duration::from_secs(settings.max_seconds));
        let http = reqwest::blocking::Client::builder()
            .tls_backend_preconfigured(tls::client_config(&settings.ca_file)?)
            .dns_resolver(Arc::new(guard))
            .no_proxy()
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(silence)
            .timeout(silence)
            .build()
            .map_err(|e| {
                Failure::new(Kind::Environment, "the https client cannot be set up")
                    .hint("does fetch.max_memory_mb leave room for it?")
                    .source(e)
            })?;
        let token = token::load(&settings.token_file, &url.authority())?;
        let most_bytes = settings.max_wire_mb.saturating_mul(MB);
        let shared = Shared { http, url: url.clone(), token, ledger, most_bytes, on_received };
        Ok(Self { shared: Arc::new(shared) })
    }
}

impl Shared {
    /// Sends a request and insists on success or a redirect.
    fn send(&self, request: RequestBuilder, headers: &HeaderMap) -> io::Result<Response> {
        let mut request = request.headers(headers.clone()).header(USER_AGENT, AGENT);
        if let Some(token) = &self.token {
            request = request.basic_auth("x-access-token", Some(token.reveal()));
        }
        let response = request.send().map_err(|e| self.ledger.fail(of_error(e, &self.url.host)))?;
        let status = response.status();
        if status.is_success() || status.is_redirection() {
            return Ok(response);
        }
        let now = chrono::Utc::now();
        let failure = answer::of_status(status, response.headers(), &self.url, self.token.is_some(), now);
        Err(self.ledger.fail(failure))
    }

    fn get(&self, url: &str, headers: &HeaderMap) -> io::Result<Response> {
        let response = self.send(self.http.get(url), headers)?;
        if !response.status().is_redirection() {
            return Ok(response);
        }
        let (moved, base) = self.follow(&response).map_err(|failure| self.ledger.fail(failure))?;
        let response = self.send(self.http.get(format!("{base}{ADVERTISEMENT}")), headers)?;
        if response.status().is_redirection() {
            return Err(self.ledger.fail(self.refused(&response, "is the second redirect")));
        }
        self.ledger.account().moved = Some((moved, base));
        Ok(response)
    }

    /// The repository, and the base URL of its new place, if the redirect is one that we follow.
    fn follow(&self, response: &Response) -> Result<(RepositoryUrl, String)> {
        if !matches!(response.status().as_u16(), 301 | 308) {
            return Err(self.refused(response, "is not permanent"));
        }
        let target = response
            .headers()
            .get(LOCATION)
            .and_then(|target| response.url().join(target.to_str().ok()?).ok())
            .ok_or_else(|| self.refused(response, "names no URL"))?;
        let base = target
            .as_str()
            .strip_suffix(ADVERTISEMENT)
            .ok_or_else(|| self.refused(response, "does not lead to a repository"))?;
        let port = self.url.port.map(|_| self.url.authority());
        match Source::parse(base, std::slice::from_ref(&self.url.host), port.as_slice()) {
            Ok(Source::Remote(url)) if url.port == self.url.port && url.reference.is_none() => {
                Ok((url, base.to_owned()))
            }
            Ok(_) => Err(self.refused(response, "leaves the host")),
            Err(failure) => Err(self.refused(response, "leaves the host").source(failure)),
        }
    }

    fn refused(&self, response: &Response, why: &str) -> Failure {
        let target = response.headers().get(LOCATION).and_then(|target| target.to_str().ok()).unwrap_or("nowhere");
        let target: String = target.chars().filter(|c| !c.is_control()).take(200).collect();
        let status = response.status().as_u16();
        let what = format!("{} redirects to {target} (HTTP {status}), which {why}", self.url.canonical());
        Failure::new(Kind::Refused, what).hint("one permanent redirect on the same host is followed; name the new URL")
    }
}

impl Http for Client {
    type Headers = Cursor<Vec<u8>>;
    type ResponseBody = Body;
    type PostBody = PostBody;

    fn get(
        &mut self,
        url: &str,
        _base: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Self::Headers, Self::ResponseBody>> {
        let response = self.shared.get(url, &header_map(headers)).map_err(gix::Error::from_error)?;
        let headers = Cursor::new(header_lines(response.headers()));
        Ok(GetResponse { headers, body: Body::Open(self.shared.reader(response)) })
    }

    fn post(
        &mut self,
        url: &str,
        _base: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _kind: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Self::Headers, Self::ResponseBody, Self::PostBody>> {
        let content = Arc::default();
        let request = Deferred { url: url.to_owned(), headers: header_map(headers), content: Arc::clone(&content) };
        Ok(PostResponse {
            post_body: PostBody(content),
            // The real ones are not known before the body is sent, and the status has been looked at by then.
            headers: Cursor::new(b"content-type: application/x-git-upload-pack-result\n".to_vec()),
            body: Body::Deferred(request, Arc::clone(&self.shared)),
        })
    }

    fn configure(&mut self, _: &dyn Any) -> gix::Result {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.shared.ledger.account().moved.as_ref().map(|(_, base)| base.clone())
    }
}

/// A request whose body is still being written.
pub(super) struct Deferred {
    url: String,
    headers: HeaderMap,
    content: Arc<Mutex<Vec<u8>>>,
}

/// Collects the body of a POST: a few wants and haves.
pub(super) struct PostBody(Arc<Mutex<Vec<u8>>>);

impl Write for PostBody {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The body of an answer; reading the first byte of it sends the request, if that has not been done.
pub(super) enum Body {
    Deferred(Deferred, Arc<Shared>),
    Open(BufReader<Counted>),
    Failed,
}

impl Body {
    fn open(&mut self) -> io::Result<&mut BufReader<Counted>> {
        if let Self::Deferred(..) = self
            && let Self::Deferred(request, shared) = mem::replace(self, Self::Failed)
        {
            let content = mem::take(&mut *request.content.lock().unwrap_or_else(PoisonError::into_inner));
            let response = shared.send(shared.http.post(request.url).body(content), &request.headers)?;
            if response.status().is_redirection() {
                return Err(shared.ledger.fail(shared.refused(&response, "comes too late")));
            }
            *self = Self::Open(shared.reader(response));
        }
        match self {
            Self::Open(reader) => Ok(reader),
            _ => Err(io::Error::other("the request failed")),
        }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.open()?.read(buffer)
    }
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.open()?.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Self::Open(reader) = self {
            reader.consume(amount);
        }
    }
}

/// Counts what comes over the wire, over all requests, and stops at the cap.
pub(super) struct Counted {
    response: Response,
    shared: Arc<Shared>,
}

impl Shared {
    fn reader(self: &Arc<Self>, response: Response) -> BufReader<Counted> {
        BufReader::with_capacity(64 << 10, Counted { response, shared: Arc::clone(self) })
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Shared { ledger, url, most_bytes, on_received, .. } = &*self.shared;
        let count = match self.response.read(buffer) {
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Err(e),
            Err(e) => {
                let received = ledger.account().received;
                let what = format!("{} cut the connection after {received} bytes", url.host);
                return Err(ledger.fail(Failure::new(Kind::Unavailable, what).source(e)));
            }
        };
        let received = {
            let mut account = ledger.account();
            account.received += count as u64;
            account.received
        };
        if received > *most_bytes {
            let what = format!("{} sends more than {} MB", url.canonical(), most_bytes / MB);
            let failure = Failure::new(Kind::TooLarge, what).hint("the operator may raise fetch.max_wire_mb");
            return Err(ledger.fail(failure));
        }
        on_received(received);
        Ok(count)
    }
}

fn header_map(lines: impl IntoIterator<Item = impl AsRef<str>>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        if let Some((name, value)) = line.as_ref().split_once(':')
            && let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::try_from(value.trim()))
            && name != USER_AGENT
        {
            headers.append(name, value);
        }
    }
    headers
}

fn header_lines(headers: &HeaderMap) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"] {
            lines.extend_from_slice(part);
        }
    }
    lines
}
