//! Which repository a request names: the URL grammar, and the operator's policy on hosts and ports.
//!
//! The grammar (a malformed text is of kind `invalid`):
//!
//! ```text
//! source    = remote | local
//! remote    = "https://" host [":" port] "/" path ["/"]  |  "git@" host ":" path ["/"]
//! host      = label *("." label)               each 1-63 of [a-z0-9-], no "-" at its ends, not "xn--";
//!                                              the last one not all digits, so no IP address
//! path      = owner "/" name [".git"] [tree]   at most 2,048 bytes for the whole text
//! owner     = segment                          github.com: 1-39 of [A-Za-z0-9-]; elsewhere at most 255 bytes
//!           | segment *("/" segment)           hosts that may have subgroups: all but those of TWO_LEVELS
//! name      = segment                          without its ".git"
//! segment   = 1-100 of [A-Za-z0-9._-], no leading "-", not "." or ".."
//! tree      = ["/-"] "/tree/" reference        "/src/branch/", "/src/tag/" and "/src/commit/" mean the same
//! reference = part *("/" part)                 at most 200 bytes, no ".." in it
//! part      = 1* of [A-Za-z0-9._@+=,-], no leading "-" or ".", no trailing "." or ".lock"
//! local     = a path without control characters and leading "-", or "file:///" and an absolute path
//! ```
//!
//! So no accepted URL holds user information, a query, a fragment, `%`, `\`, a control or a non-ASCII character.
//! The policy (a well-formed text that it forbids is of kind `refused`): the host is one of `fetch.allowed_hosts`, and
//! the port is 443 or the pair `host:port` is one of `fetch.private_hosts`.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::failure::{Failure, Kind, Result};

#[cfg(test)]
mod tests;

/// Longest accepted text of a URL, in bytes.
pub const MAX_URL_BYTES: usize = 2048;
/// Longest owner with its subgroups: what the column holds.
const MAX_OWNER_BYTES: usize = 255;
/// Longest accepted name of a branch or tag, in bytes.
pub const MAX_REFERENCE_BYTES: usize = 200;
/// Hosts whose repositories are always `owner/name`; others may nest groups.
const TWO_LEVELS: [&str; 3] = ["github.com", "codeberg.org", "bitbucket.org"];

/// A repository on a host, by its normal name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RepositoryUrl {
    /// Host name, lower case.
    pub host: String,
    /// Port, where it is not 443.
    pub port: Option<u16>,
    /// Owner; on hosts with subgroups all of them, joined by `/`.
    pub owner: String,
    /// Name, without `.git`.
    pub name: String,
    /// Branch, tag or commit, where the URL named one.
    pub reference: Option<String>,
}

impl RepositoryUrl {
    /// The one spelling under which this repository is stored: `https://host/owner/name`, without a reference.
    #[must_use]
    pub fn canonical(&self) -> String {
        format!("https://{}/{}/{}", self.authority(), self.owner, self.name)
    }

    /// `host`, or `host:port` where the port is not 443.
    #[must_use]
    pub fn authority(&self) -> String {
        self.port.map_or_else(|| self.host.clone(), |port| format!("{}:{port}", self.host))
    }
}

/// A URL that parses to the same value again.
impl fmt::Display for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical())?;
        self.reference.as_ref().map_or(Ok(()), |reference| write!(f, "/tree/{reference}"))
    }
}

/// Where the repository of a request is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// On a host, fetched over https.
    Remote(RepositoryUrl),
    /// In a folder of this machine, as it was typed; whether it lies under an allowed root is decided on opening.
    Local(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(url) => url.fmt(f),
            Self::Local(path) => path.display().fmt(f),
        }
    }
}

impl Source {
    /// The one spelling under which it is stored, without a reference. A local path is made absolute as text only.
    #[must_use]
    pub fn canonical(&self) -> String {
        match self {
            Self::Remote(url) => url.canonical(),
            Self::Local(path) => local_canonical(path),
        }
    }

    /// Branch, tag or commit, where the URL named one.
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        match self {
            Self::Remote(url) => url.reference.as_deref(),
            Self::Local(_) => None,
        }
    }

    /// Reads what a person or a program named: a URL in one of the accepted forms, or a path.
    ///
    /// Kind `invalid` for what the grammar does not know, `refused` for what the policy forbids.
    pub fn parse(text: &str, allowed_hosts: &[String], private_hosts: &[String]) -> Result<Self> {
        if text.is_empty() {
            return Err(invalid(text, "it is empty"));
        }
        if let Some(control) = text.chars().find(|c| c.is_control()) {
            return Err(invalid(text, &format!("it holds the control character U+{:04X}", u32::from(control))));
        }
        if text.starts_with('-') {
            return Err(invalid(text, "it starts with `-`, like an option"));
        }
        let lower = text.to_ascii_lowercase();
        if lower.starts_with("file://") {
            return local_url(text);
        }
        if looks_like_path(text) {
            return local_path(text, allowed_hosts);
        }
        let url = remote(text, &lower)?;
        permit(&url, allowed_hosts, private_hosts)?;
        Ok(Self::Remote(url))
    }
}

/// Whether `text` is a well-formed name of a branch, tag or commit; see the grammar above.
pub fn check_reference(text: &str) -> Result<()> {
    let wrong = |what: &str| {
        Failure::new(Kind::Invalid, format!("{} is not the name of a branch, tag or commit: {what}", quoted(text)))
            .hint("allowed: letters, digits and . _ @ + = , - in parts joined by /, at most 200 bytes")
    };
    if text.len() > MAX_REFERENCE_BYTES {
        return Err(wrong(&format!("it has {} bytes", text.len())));
    }
    if let Some(c) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || "._@+=,-/".contains(*c))) {
        return Err(wrong(&format!("it holds {}", character(c))));
    }
    if text.contains("..") {
        return Err(wrong("it holds `..`"));
    }
    for part in text.split('/') {
        if part.is_empty() {
            return Err(wrong("a part between two / is empty"));
        }
        if part.starts_with(['-', '.']) || part.ends_with('.') || ends_with_ignoring_case(part, ".lock") {
            return Err(wrong(&format!("the part `{part}` starts with - or ., or ends with . or .lock")));
        }
    }
    Ok(())
}

/// Whether `text` is a whole commit id (40 hexadecimal digits) rather than a name.
#[must_use]
pub fn is_commit_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A path is what holds neither a scheme nor `host:` before its first `/`.
fn looks_like_path(text: &str) -> bool {
    !text.split('/').next().unwrap_or_default().contains(':')
}

fn local_path(text: &str, allowed_hosts: &[String]) -> Result<Source> {
    let first = text.split('/').next().unwrap_or_default().to_ascii_lowercase();
    if allowed_hosts.iter().any(|host| host.eq_ignore_ascii_case(&first)) {
        return Err(invalid(text, "it starts with a host but has no scheme").hint(format!("write https://{text}")));
    }
    Ok(Source::Local(PathBuf::from(text)))
}

fn local_url(text: &str) -> Result<Source> {
    let url = url::Url::parse(text).map_err(|e| invalid(text, &e.to_string()))?;
    if url.host_str().is_some_and(|host| !host.is_empty() && host != "localhost") {
        return Err(invalid(text, "a file URL names no host").hint("write file:///absolute/path"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid(text, "a file URL has no ? and #").hint("write a plain path instead"));
    }
    let path = url.to_file_path().map_err(|()| invalid(text, "it is not an absolute path"))?;
    let printable = path.to_str().is_some_and(|path| !path.chars().any(char::is_control));
    if printable { Ok(Source::Local(path)) } else { Err(invalid(text, "its path is not printable text")) }
}

/// Stands where a repository on this machine has no owner.
pub const LOCAL_OWNER: &str = "local";

/// The `file://` URL under which a local repository is stored; parses to the same path again.
#[must_use]
pub fn local_canonical(path: &Path) -> String {
    url::Url::from_file_path(path)
        .map_or_else(|()| format!("file://{}", path.display()), |url| url.as_str().trim_end_matches('/').to_owned())
}

fn remote(text: &str, lower: &str) -> Result<RepositoryUrl> {
    if text.len() > MAX_URL_BYTES {
        return Err(invalid(text, &format!("it has {} bytes; {MAX_URL_BYTES} are allowed", text.len())));
    }
    let (authority, path) = if let Some(rest) = lower.strip_prefix("https://") {
        let at = text.len() - rest.len();
        text[at..].split_once('/').unwrap_or((&text[at..], ""))
    } else if let Some((authority, path)) = text.strip_prefix("git@").and_then(|rest| rest.split_once(':')) {
        (authority, path)
    } else if let Some((scheme, rest)) = text.split_once("://") {
        let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        return Err(invalid(text, &format!("the scheme {} is not allowed", quoted(scheme)))
            .hint(format!("only https is; try https://{}", clean(rest, 200))));
    } else {
        return Err(invalid(text, "it is neither a URL nor a path"));
    };
    if let Some(c) = text.chars().find(|c| !c.is_ascii() || *c == '%' || *c == '\\' || *c == ' ') {
        return Err(invalid(text, &format!("it holds {}", character(c))));
    }
    if let Some((_, host)) = authority.rsplit_once('@') {
        let what = format!("user information stands before the host, which is {}", quoted(host));
        return Err(invalid(text, &what).hint("name a token per host in fetch.token_file instead"));
    }
    if path.contains(['?', '#']) || authority.contains(['?', '#']) {
        return Err(invalid(text, "it holds a query or a fragment"));
    }
    let (host, port) = host_and_port(text, authority)?;
    let (owner, name, reference) = owner_and_name(text, &host, path)?;
    Ok(RepositoryUrl { host, port, owner, name, reference })
}

fn host_and_port(text: &str, authority: &str) -> Result<(String, Option<u16>)> {
    if authority.starts_with('[') {
        return Err(invalid(text, "an IP address is not a host name"));
    }
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let host = host.to_ascii_lowercase();
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    if host.len() > 253 || !host.split('.').all(label) {
        return Err(invalid(text, &format!("{} is not a host name", quoted(&host))));
    }
    if host.split('.').any(|l| l.starts_with("xn--")) {
        return Err(invalid(text, &format!("the host {host} spells letters of another script (punycode)")));
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x") {
        return Err(invalid(text, "an IP address is not a host name"));
    }
    let port = match port {
        None | Some("443") => None,
        Some(port) => match port.parse::<u16>() {
            Ok(number) if number > 0 && number.to_string() == port => Some(number),
            _ => return Err(invalid(text, &format!("{} is not a port", quoted(port)))),
        },
    };
    Ok((host, port))
}

fn owner_and_name(text: &str, host: &str, path: &str) -> Result<(String, String, Option<String>)> {
    let shape = || format!("allowed: https://{host}/owner/name, with or without .git, or .../tree/BRANCH");
    let path = path.strip_suffix('/').unwrap_or(path);
    let segments: Vec<&str> = path.split('/').collect();
    if segments.iter().any(|s| s.is_empty() || *s == "." || *s == "..") {
        return Err(invalid(text, "a part of its path is missing, `.` or `..`").hint(shape()));
    }
    let two_levels = TWO_LEVELS.contains(&host);
    let tree = (2..segments.len()).find(|&at| tree_marker(&segments[at..]) > 0);
    let end = if two_levels && segments.len() > 2 { 2 } else { tree.unwrap_or(segments.len()) };
    if end < 2 {
        return Err(invalid(text, "its path does not name an owner and a repository").hint(shape()));
    }
    let rest = &segments[end..];
    let reference = if rest.is_empty() {
        None
    } else {
        let marker = tree_marker(rest);
        if marker == 0 || marker == rest.len() {
            return Err(invalid(text, "what follows the repository's name is not a branch").hint(shape()));
        }
        let reference = rest[marker..].join("/");
        check_reference(&reference).map_err(|e| e.context(format!("the URL {}", quoted(text))))?;
        Some(reference)
    };
    for segment in &segments[..end] {
        check_segment(text, segment)?;
    }
    let name = segments[end - 1];
    let name = name.strip_suffix(".git").unwrap_or(name);
    if name.is_empty() || name == "." || name == ".." || ends_with_ignoring_case(name, ".git") {
        return Err(invalid(text, &format!("{} is not a repository's name", quoted(segments[end - 1]))));
    }
    let owner = segments[..end - 1].join("/");
    if owner.len() > MAX_OWNER_BYTES {
        return Err(invalid(text, &format!("its owner has {} bytes; {MAX_OWNER_BYTES} are allowed", owner.len())));
    }
    if host == "github.com" && (owner.len() > 39 || owner.contains(['.', '_'])) {
        return Err(invalid(text, &format!("{} is not a GitHub owner", quoted(&owner)))
            .hint("allowed: at most 39 letters, digits and hyphens"));
    }
    Ok((owner, name.to_owned(), reference))
}

/// How many segments at the start of `rest` announce a reference; 0 if none do.
fn tree_marker(rest: &[&str]) -> usize {
    match rest {
        ["tree", ..] => 1,
        ["-", "tree", ..] | ["src", "branch" | "tag" | "commit", ..] => 2,
        _ => 0,
    }
}

fn check_segment(text: &str, segment: &str) -> Result<()> {
    if let Some(c) = segment.chars().find(|c| !(c.is_ascii_alphanumeric() || "._-".contains(*c))) {
        return Err(invalid(text, &format!("{} holds {}", quoted(segment), character(c)))
            .hint("allowed in owners and names: letters, digits and . _ -"));
    }
    if segment.starts_with('-') || segment.len() > 100 {
        return Err(invalid(text, &format!("{} starts with - or is longer than 100", quoted(segment))));
    }
    Ok(())
}

/// The operator's policy on a well-formed URL.
fn permit(url: &RepositoryUrl, allowed_hosts: &[String], private_hosts: &[String]) -> Result<()> {
    let RepositoryUrl { host, port, .. } = url;
    if !allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) {
        let near = allowed_hosts.iter().find(|allowed| host.contains(&allowed.to_ascii_lowercase()));
        let near = near.map_or_else(String::new, |near| format!("; it only looks like {near}"));
        return Err(Failure::new(Kind::Refused, format!("the host {host} is not allowed{near}")).hint(format!(
            "allowed hosts (fetch.allowed_hosts): {}",
            if allowed_hosts.is_empty() { "none".to_owned() } else { allowed_hosts.join(", ") }
        )));
    }
    match port {
        Some(port) if !is_private_host(host, *port, private_hosts) => {
            Err(Failure::new(Kind::Refused, format!("the port {port} of {host} is not allowed"))
                .hint("allowed: 443, and the host:port pairs of fetch.private_hosts"))
        }
        _ => Ok(()),
    }
}

/// Whether the operator named this pair in `fetch.private_hosts`.
#[must_use]
pub fn is_private_host(host: &str, port: u16, private_hosts: &[String]) -> bool {
    private_hosts.iter().any(|pair| pair.eq_ignore_ascii_case(&format!("{host}:{port}")))
}

fn ends_with_ignoring_case(text: &str, end: &str) -> bool {
    text.len() >= end.len() && text.as_bytes()[text.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
}

fn invalid(text: &str, what: &str) -> Failure {
    Failure::new(Kind::Invalid, format!("{} does not name a repository: {what}", quoted(text)))
        .hint("allowed: https://host/owner/name, git@host:owner/name, or the path of a local repository")
}

/// `text` as it may stand in a message: without passwords, escaped, not too long.
fn quoted(text: &str) -> String {
    let start = text.find("://").map_or(0, |at| at + 3);
    let end = text[start..].find('/').map_or(text.len(), |at| start + at);
    match text[start..end].rfind('@') {
        Some(at) if &text[start..start + at] != "git" => {
            format!("`{}***{}`", clean(&text[..start], 20), clean(&text[start + at..], 200))
        }
        _ => format!("`{}`", clean(text, 200)),
    }
}

fn clean(text: &str, most: usize) -> String {
    let mut cleaned: String = text.chars().take(most).flat_map(char::escape_debug).collect();
    if text.chars().count() > most {
        cleaned.push('…');
    }
    cleaned
}

fn character(c: char) -> String {
    if c.is_ascii() {
        format!("the character `{c}`")
    } else {
        format!("`{}` (U+{:04X}), which is not ASCII and may look like another letter", c.escape_debug(), u32::from(c))
    }
}
