//! A Git host over TLS on loopback: honest with the help of `git upload-pack`, or hostile in ways of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};
use repo_to_cat::config::Fetch;
use repo_to_cat::model::repository::Source;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

/// What is wrong with a server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    Good,
    WrongHost,
    UnknownAuthority,
    Expired,
}

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether this request asks for the objects, the last step of a fetch.
    pub fn asks_for_pack(&self) -> bool {
        self.method == "POST" && String::from_utf8_lossy(&self.body).contains("command=fetch")
    }
}

pub type Connection = StreamOwned<ServerConnection, TcpStream>;

/// Writes the answer to a request; an error means that the client has gone.
pub type Behaviour = dyn Fn(&Request, &mut Connection) -> std::io::Result<()> + Send + Sync;

/// A running server; dropping it stops it.
pub struct Server {
    pub port: u16,
    pub requests: Arc<Mutex<Vec<Request>>>,
    folder: TempDir,
    stopped: Arc<AtomicBool>,
}

impl Server {
    pub fn start(behaviour: impl Fn(&Request, &mut Connection) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        Self::with_certificate(Certificate::Good, behaviour)
    }

    pub fn with_certificate(
        certificate: Certificate,
        behaviour: impl Fn(&Request, &mut Connection) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Arc::new(tls(certificate, &folder.path().join("ca.pem")));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stopped = Arc::new(AtomicBool::new(false));
        let behaviour: Arc<Behaviour> = Arc::new(behaviour);
        let (seen, ended) = (Arc::clone(&requests), Arc::clone(&stopped));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                let (config, behaviour, seen) = (Arc::clone(&config), Arc::clone(&behaviour), Arc::clone(&seen));
                std::thread::spawn(move || {
                    let connection = ServerConnection::new(config).expect("a TLS session");
                    let mut stream = StreamOwned::new(connection, stream);
                    if let Some(request) = read_request(&mut stream) {
                        seen.lock().expect("requests").push(request.clone());
                        if behaviour(&request, &mut stream).is_ok() {
                            stream.conn.send_close_notify();
                        }
                        let _ = stream.flush();
                    }
                });
            }
        });
        Self { port, requests, folder, stopped }
    }

    /// The repository `o/r` on this server.
    pub fn source(&self) -> Source {
        self.source_of("o/r")
    }

    pub fn source_of(&self, path: &str) -> Source {
        let settings = self.settings();
        let text = format!("https://localhost:{}/{path}", self.port);
        Source::parse(&text, &settings.allowed_hosts, &settings.private_hosts).expect("a URL")
    }

    /// Settings that allow this server and believe its authority.
    pub fn settings(&self) -> Fetch {
        Fetch {
            private_hosts: vec![format!("localhost:{}", self.port)],
            ca_file: self.folder.path().join("ca.pem"),
            ..super::settings()
        }
    }

    /// A place for the fetched objects.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn tls(certificate: Certificate, ca_file: &Path) -> ServerConfig {
    let authority = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        (params.self_signed(&key).expect("a certificate").pem(), Issuer::new(params, key))
    };
    let (pem, issuer) = authority("ours");
    let issuer = if certificate == Certificate::UnknownAuthority { authority("another").1 } else { issuer };
    std::fs::write(ca_file, pem).expect("the authority's file");
    let host = if certificate == Certificate::WrongHost { "elsewhere.example" } else { "localhost" };
    let mut params = CertificateParams::new(vec![host.to_owned()]).expect("parameters");
    if certificate == Certificate::Expired {
        (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 1, 1));
    }
    let key = KeyPair::generate().expect("a key");
    let leaf = params.signed_by(&key, &issuer).expect("a certificate").der().clone();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf], key)
        .expect("a certificate that fits its key")
}

fn read_request(stream: &mut Connection) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let mut words = lines.first()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers: Vec<_> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut request = Request { method, target, headers, body: Vec::new() };
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// Answers with a status, headers and a body.
pub fn answer(stream: &mut Connection, status: u16, headers: &[(&str, &str)], body: &[u8]) -> std::io::Result<()> {
    head(stream, status, headers)?;
    stream.write_all(body)
}

/// The start of an answer whose body ends with the connection.
pub fn head(stream: &mut Connection, status: u16, headers: &[(&str, &str)]) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status} Whatever\r\nConnection: close\r\n")?;
    for (name, value) in headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    stream.write_all(b"\r\n")
}

pub const ADVERTISEMENT: [(&str, &str); 1] = [("Content-Type", "application/x-git-upload-pack-advertisement")];
pub const RESULT: [(&str, &str); 1] = [("Content-Type", "application/x-git-upload-pack-result")];

/// Serves the repository in `folder`, whatever the path says.
pub fn upload_pack(folder: &Path, request: &Request, stream: &mut Connection) -> std::io::Result<()> {
    let advertise = request.method == "GET";
    let mut command = Command::new("git");
    command.args(["-c", "safe.directory=*", "upload-pack", "--stateless-rpc"]);
    if advertise {
        command.arg("--http-backend-info-refs");
    }
    let mut child = command
        .arg(folder)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_PROTOCOL", request.header("git-protocol").unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(&request.body)?;
    }
    let output = child.wait_with_output()?;
    answer(stream, 200, if advertise { &ADVERTISEMENT } else { &RESULT }, &output.stdout)
}

/// A packet line.
pub fn packet(data: &[u8]) -> Vec<u8> {
    let mut line = format!("{:04x}", data.len() + 4).into_bytes();
    line.extend_from_slice(data);
    line
}

/// The start of an answer to `command=fetch`: headers and the announcement of a pack.
pub fn pack_head(stream: &mut Connection) -> std::io::Result<()> {
    head(stream, 200, &RESULT)?;
    stream.write_all(&packet(b"packfile\n"))
}

/// Sends bytes in a side band (1: the pack, 2: progress).
pub fn side_band(stream: &mut Connection, band: u8, data: &[u8]) -> std::io::Result<()> {
    for chunk in data.chunks(60_000) {
        stream.write_all(&packet(&[&[band], chunk].concat()))?;
    }
    Ok(())
}

/// The header of a pack entry: type (3: a blob, 7: a delta on an object by its id) and size.
pub fn entry_header(kind: u8, mut size: u64) -> Vec<u8> {
    let mut header = vec![kind << 4 | (size & 15) as u8];
    size >>= 4;
    while size > 0 {
        *header.last_mut().expect("a byte") |= 0x80;
        header.push((size & 127) as u8);
        size >>= 7;
    }
    header
}

/// A whole pack of these entries.
pub fn pack(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    pack.extend_from_slice(&u32::try_from(entries.len()).expect("few").to_be_bytes());
    pack.extend(entries.iter().flatten());
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(&pack);
    pack.extend_from_slice(hasher.try_finalize().expect("a hash").as_slice());
    pack
}
