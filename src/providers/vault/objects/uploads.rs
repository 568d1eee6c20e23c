//! Uploads that were begun and never completed: they cost money, and no listing of objects shows them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use object_store::multipart::MultipartStore as _;
use object_store::path::Path as Key;
use object_store::signer::{Method, SignedUrlOptions, Signer as _};

use super::Bucket;
use super::trouble::element;
use crate::model::backup::BackupName;
use crate::model::failure::{Failure, Kind, Result};

/// How long the signature of the question holds.
const SIGNED: Duration = Duration::from_secs(300);

/// An upload that is open.
struct Open<'a> {
    /// Below the prefix: `NAME/FILE`.
    path: &'a str,
    id: &'a str,
    /// When it was begun, by the server's clock or by ours, whichever is later: not every server remembers.
    begun: DateTime<Utc>,
}

impl Bucket {
    /// Aborts the uploads to backups' files that were begun before that moment, at most the 1000 that are listed at once;
    /// returns their keys below the prefix. A server that lists none is no reason to fail.
    pub(super) async fn sweep_uploads(&self, before: DateTime<Utc>, dry_run: bool) -> Result<Vec<String>> {
        let listed = match self.list_uploads().await {
            Ok(listed) => listed,
            Err(failure) => {
                tracing::warn!(%failure, "uploads that were never completed cannot be found here: \
                                          give the bucket a rule that aborts them");
                return Ok(Vec::new());
            }
        };
        let mut swept = Vec::new();
        let entries = listed.split("<Upload>").skip(1).filter_map(|entry| parse(entry, &self.0.prefix));
        for Open { path, id, .. } in entries.filter(|open| open.begun <= before) {
            if !dry_run {
                let key = self.named(path)?;
                let aborted = self.0.s3.abort_multipart(&key, &id.to_owned()).await;
                self.unless_missing(&key, "aborting the upload to", aborted)?;
            }
            swept.push(format!("{path} (upload)"));
        }
        Ok(swept)
    }

    /// The answer to `ListMultipartUploads`, which the client that we use cannot ask.
    async fn list_uploads(&self) -> Result<String> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Failure::new(Kind::Unavailable, format!("listing the uploads to {} failed", self.0.place)).source(error)
        };
        let options = SignedUrlOptions::new().with_query([("prefix", self.0.prefix.as_str()), ("uploads", "")]);
        let url = self.0.s3.signed_url_opts(Method::GET, &Key::default(), SIGNED, &options).await;
        let asked = self.0.http.get(url.map_err(|error| failed(error.into()))?).send().await;
        // The address holds a signature.
        let answer =
            asked.and_then(reqwest::Response::error_for_status).map_err(|error| failed(error.without_url().into()))?;
        answer.text().await.map_err(|error| failed(error.without_url().into()))
    }
}

/// Reads one `Upload`; none where it is not of ours. Our keys need no escapes.
fn parse<'a>(entry: &'a str, prefix: &str) -> Option<Open<'a>> {
    let path = element(entry, "Key")?.strip_prefix(prefix)?;
    let name = BackupName::parse(path.split_once('/')?.0).ok()?;
    let initiated = DateTime::parse_from_rfc3339(element(entry, "Initiated")?).ok()?;
    Some(Open { path, id: element(entry, "UploadId")?, begun: initiated.to_utc().max(name.moment()) })
}
