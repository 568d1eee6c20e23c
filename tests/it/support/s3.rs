//! A server that speaks as much S3 as a vault needs, in memory, and does what servers do on bad days.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The one bucket.
pub const BUCKET: &str = "cats";
/// Who may use it.
pub const KEY: &str = "tester";
/// The proof, which is not looked at: a signature is only looked for.
pub const SECRET: &str = "canary-of-the-bucket";

/// A server of its own. It ends with this value.
pub struct S3Server {
    endpoint: String,
    shelf: Arc<Mutex<Shelf>>,
    _end: DropGuard,
}

/// What goes wrong.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// Every request gets this answer.
    pub refuse: Option<u16>,
    /// This part of any upload fails with 500 so many times.
    pub part: Option<(usize, usize)>,
    /// Objects of that name are not taken.
    pub file: Option<&'static str>,
    /// Every request for data waits so long.
    pub delay: Duration,
    /// No list is ever answered.
    pub no_lists: bool,
    /// So many downloads are cut off in the middle.
    pub cuts: usize,
    /// The connections of so many parts are cut.
    pub part_cuts: usize,
}

#[derive(Default)]
struct Shelf {
    objects: BTreeMap<String, (Bytes, DateTime<Utc>)>,
    uploads: BTreeMap<String, Upload>,
    begun: usize,
    faults: Faults,
    page: usize,
    requests: Vec<String>,
}

struct Upload {
    key: String,
    initiated: DateTime<Utc>,
    parts: BTreeMap<usize, Bytes>,
}

type Query = BTreeMap<String, String>;

impl S3Server {
    /// Starts one on a free port.
    pub fn start() -> Self {
        let shelf = Arc::new(Mutex::new(Shelf { page: 1000, ..Shelf::default() }));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let end = CancellationToken::new();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shelf));
        thread::spawn({
            let end = end.clone();
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let serve = axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router);
                    tokio::select! {
                        served = serve.into_future() => served.unwrap(),
                        () = end.cancelled() => {}
                    }
                });
            }
        });
        Self { endpoint, shelf, _end: end.drop_guard() }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// From now on this goes wrong.
    pub fn fail(&self, faults: Faults) {
        self.shelf().faults = faults;
    }

    /// Lists show no more entries at once than this.
    pub fn page(&self, entries: usize) {
        self.shelf().page = entries;
    }

    /// Keys of all objects, sorted.
    pub fn keys(&self) -> Vec<String> {
        self.shelf().objects.keys().cloned().collect()
    }

    /// What is in an object.
    pub fn object(&self, key: &str) -> Option<Bytes> {
        self.shelf().objects.get(key).map(|(bytes, _)| bytes.clone())
    }

    /// Puts an object there behind everybody's back.
    pub fn place(&self, key: &str, bytes: &[u8]) {
        self.shelf().objects.insert(key.to_owned(), (Bytes::copy_from_slice(bytes), Utc::now()));
    }

    /// Uploads that are open.
    pub fn uploads(&self) -> usize {
        self.shelf().uploads.len()
    }

    /// Requests that came so far: method and key, with the query.
    pub fn requests(&self) -> Vec<String> {
        self.shelf().requests.clone()
    }

    /// Everything becomes so much older.
    pub fn age(&self, by: Duration) {
        let mut contents = self.shelf();
        contents.objects.values_mut().for_each(|(_, modified)| *modified -= by);
        contents.uploads.values_mut().for_each(|upload| upload.initiated -= by);
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap()
    }
}

async fn answer(State(shelf): State<Arc<Mutex<Shelf>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let query: Query =
        url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let path = decoded(head.uri.path());
    let (bucket, key) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
    let (faults, is_cut) = {
        let mut shelf = shelf.lock().unwrap();
        let upload_id = query.get("uploadId").filter(|_| head.method == "PUT");
        let is_cut = upload_id.is_some() && shelf.faults.part_cuts > 0;
        shelf.faults.part_cuts -= usize::from(is_cut);
        shelf.requests.push(format!("{} {key}?{}", head.method, head.uri.query().unwrap_or_default()));
        (shelf.faults.clone(), is_cut)
    };
    if is_cut {
        // Ends the connection's task, quietly.
        std::panic::resume_unwind(Box::new("cut"));
    }
    if !key.is_empty() {
        // Lists are quick even on a slow day.
        tokio::time::sleep(faults.delay).await;
    } else if faults.no_lists {
        std::future::pending::<()>().await;
    }
    if let Some(status) = faults.refuse {
        return refusal(status, "Fault", "As it was told to");
    }
    if !is_signed(&head.headers, &query) {
        return refusal(403, "InvalidAccessKeyId", "The key is unknown");
    }
    if bucket != BUCKET {
        return refusal(404, "NoSuchBucket", "The specified bucket does not exist");
    }
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    if faults.file.is_some_and(|file| key.ends_with(file)) {
        return refusal(500, "InternalError", "We encountered an internal error");
    }
    let mut shelf = shelf.lock().unwrap();
    let upload = query.get("uploadId");
    match (head.method.as_str(), upload) {
        ("GET", _) if query.contains_key("uploads") => shelf.list_uploads(&query),
        ("GET", _) if query.contains_key("list-type") => shelf.list(&query),
        ("GET" | "HEAD", _) => shelf.get(key, &head.headers),
        ("PUT", Some(id)) => shelf.put_part(id, &query, bytes),
        ("PUT", None) => shelf.put(key, bytes),
        ("POST", None) if query.contains_key("uploads") => shelf.create(key),
        ("POST", Some(id)) => shelf.complete(id, &bytes),
        ("DELETE", Some(id)) => match shelf.uploads.remove(id) {
            Some(_) => StatusCode::NO_CONTENT.into_response(),
            None => no_such_upload(),
        },
        ("DELETE", None) => {
            shelf.objects.remove(key);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => refusal(405, "MethodNotAllowed", "Not by this server"),
    }
}

impl Shelf {
    fn put(&mut self, key: &str, bytes: Bytes) -> Response {
        self.objects.insert(key.to_owned(), (bytes, Utc::now()));
        [("etag", "\"one\"")].into_response()
    }

    fn create(&mut self, key: &str) -> Response {
        self.begun += 1;
        let id = format!("upload-{}", self.begun);
        let upload = Upload { key: key.to_owned(), initiated: Utc::now(), parts: BTreeMap::new() };
        self.uploads.insert(id.clone(), upload);
        xml(&format!(
            "<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{key}</Key>\
             <UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
        ))
    }

    fn put_part(&mut self, id: &str, query: &Query, bytes: Bytes) -> Response {
        let number: usize = query["partNumber"].parse().unwrap();
        if let Some((failing, times)) = &mut self.faults.part
            && *failing == number
            && *times > 0
        {
            *times -= 1;
            return refusal(500, "InternalError", "We encountered an internal error");
        }
        let Some(upload) = self.uploads.get_mut(id) else { return no_such_upload() };
        upload.parts.insert(number, bytes);
        [("etag", format!("\"part-{number}\""))].into_response()
    }

    fn complete(&mut self, id: &str, asked: &[u8]) -> Response {
        let Some(upload) = self.uploads.remove(id) else { return no_such_upload() };
        let asked = String::from_utf8_lossy(asked);
        let numbers: Vec<usize> =
            asked.split("<PartNumber>").skip(1).map(|rest| rest.split('<').next().unwrap().parse().unwrap()).collect();
        assert_eq!(numbers, upload.parts.keys().copied().collect::<Vec<_>>(), "every part is asked for, in order");
        let all_but_last = upload.parts.values().rev().skip(1);
        if all_but_last.clone().any(|part| part.len() < 5 << 20) {
            return refusal(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size");
        }
        let whole: Vec<u8> = upload.parts.into_values().flatten().collect();
        let key = upload.key;
        self.objects.insert(key.clone(), (whole.into(), Utc::now()));
        xml(&format!(
            "<CompleteMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{key}</Key>\
             <ETag>\"whole\"</ETag></CompleteMultipartUploadResult>"
        ))
    }

    fn get(&mut self, key: &str, headers: &HeaderMap) -> Response {
        let Some((bytes, modified)) = self.objects.get(key).cloned() else {
            return refusal(404, "NoSuchKey", "The specified key does not exist");
        };
        let asked = headers.get("range").and_then(|range| range.to_str().ok()).and_then(|range| {
            let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
            let from: usize = from.parse().ok()?;
            Some(from..to.parse().map_or(bytes.len(), |to: usize| (to + 1).min(bytes.len())))
        });
        let range = asked.clone().unwrap_or(0..bytes.len());
        let mut answer = Response::builder()
            .status(if asked.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK })
            .header("etag", "\"one\"")
            .header("last-modified", modified.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
            .header("content-length", range.len());
        if asked.is_some() {
            let (start, end) = (range.start, range.end.max(1) - 1);
            answer = answer.header("content-range", format!("bytes {start}-{end}/{}", bytes.len()));
        }
        let body = bytes.slice(range);
        if self.faults.cuts > 0 && body.len() > 1 {
            self.faults.cuts -= 1;
            let half = body.slice(..body.len() / 2);
            let cut = futures_util::stream::iter([Ok(half), Err(std::io::Error::other("cut"))]);
            return answer.body(Body::from_stream(cut)).unwrap();
        }
        answer.body(Body::from(body)).unwrap()
    }

    fn list(&self, query: &Query) -> Response {
        let prefix = query.get("prefix").map_or("", String::as_str);
        let delimiter = query.get("delimiter").map_or("", String::as_str);
        // What is shown, in order: objects, and prefixes that stand for many.
        let mut entries: BTreeMap<String, String> = BTreeMap::new();
        for (key, (bytes, modified)) in
            self.objects.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix))
        {
            if let Some(at) = key[prefix.len()..].find(delimiter).filter(|_| !delimiter.is_empty()) {
                let common = &key[..prefix.len() + at + delimiter.len()];
                entries
                    .insert(common.to_owned(), format!("<CommonPrefixes><Prefix>{common}</Prefix></CommonPrefixes>"));
            } else {
                let (size, modified) = (bytes.len(), stamp(*modified));
                entries.insert(
                        key.clone(),
                        format!("<Contents><Key>{key}</Key><LastModified>{modified}</LastModified><ETag>\"one\"</ETag><Size>{size}</Size></Contents>"),
                    );
            }
        }
        let after = query.get("continuation-token").map_or("", String::as_str);
        let mut rest = entries.into_iter().filter(|(key, _)| key.as_str() > after);
        let shown: Vec<(String, String)> = rest.by_ref().take(self.page).collect();
        let next = match (rest.next(), shown.last()) {
            (Some(_), Some((last, _))) => format!("<NextContinuationToken>{last}</NextContinuationToken>"),
            _ => String::new(),
        };
        let is_truncated = !next.is_empty();
        let shown: String = shown.into_iter().map(|(_, entry)| entry).collect();
        xml(&format!("<ListBucketResult><IsTruncated>{is_truncated}</IsTruncated>{next}{shown}</ListBucketResult>"))
    }

    fn list_uploads(&self, query: &Query) -> Response {
        let prefix = query.get("prefix").map_or("", String::as_str);
        let shown = self.uploads.iter().filter(|(_, upload)| upload.key.starts_with(prefix)).map(|(id, upload)| {
            let (key, initiated) = (&upload.key, stamp(upload.initiated));
            format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId><Initiated>{initiated}</Initiated></Upload>")
        });
        xml(&format!("<ListMultipartUploadsResult>{}</ListMultipartUploadsResult>", shown.collect::<String>()))
    }
}

fn is_signed(headers: &HeaderMap, query: &Query) -> bool {
    let header = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_signed = header.starts_with(&format!("AWS4-HMAC-SHA256 Credential={KEY}/"));
    is_signed || query.get("X-Amz-Credential").is_some_and(|credential| credential.starts_with(&format!("{KEY}/")))
}

fn no_such_upload() -> Response {
    refusal(404, "NoSuchUpload", "The specified upload does not exist")
}

fn refusal(status: u16, code: &str, message: &str) -> Response {
    let text = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>");
    (StatusCode::from_u16(status).unwrap(), text).into_response()
}

fn xml(text: &str) -> Response {
    ([("content-type", "application/xml")], format!("<?xml version=\"1.0\"?>{text}")).into_response()
}

fn stamp(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap()
}
