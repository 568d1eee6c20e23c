//! What this process counts about requests over HTTP, by path template: there are as many as there are routes.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock};
use std::time::Duration;

use super::exposition::{Page, Type};
use super::histogram::Histogram;

/// Methods that are told by name.
const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// Bounds in nanoseconds: 1 ms to 30 s.
const TIMES: &[u64; 10] = &[
    1_000_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    1_000_000_000,
    5_000_000_000,
    30_000_000_000,
];

/// What was asked for at one path.
#[derive(Debug)]
struct Asked {
    seconds: Histogram<10>,
    by_method_and_status: Mutex<BTreeMap<(&'static str, u16), u64>>,
}

/// What a process counts. There is one, [`HERE`]; tests make their own.
#[derive(Debug, Default)]
struct Counts(RwLock<BTreeMap<String, Arc<Asked>>>);

static HERE: LazyLock<Counts> = LazyLock::new(Counts::default);

/// A request was answered, after so long. `path` is the template, with no text of the client's.
pub fn answered(method: &str, path: &str, status: u16, took: Duration) {
    HERE.answered(method, path, status, took);
}

/// Writes everything that this process has counted.
pub fn write_to(page: &mut Page) {
    HERE.write_to(page);
}

impl Counts {
    fn answered(&self, method: &str, path: &str, status: u16, took: Duration) {
        let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("other");
        let asked = self.at(path);
        asked.seconds.record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        *asked.by_method_and_status.lock().unwrap_or_else(PoisonError::into_inner).entry((method, status)).or_default() += 1;
    }

    fn at(&self, path: &str) -> Arc<Asked> {
        if let Some(asked) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(path) {
            return Arc::clone(asked);
        }
        let mut paths = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Asked { seconds: Histogram::new(TIMES), by_method_and_status: Mutex::default() });
        Arc::clone(paths.entry(path.to_owned()).or_insert_with(new))
    }

    fn write_to(&self, page: &mut Page) {
        let paths = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        page.family("repo_to_cat_http_requests_total", Type::Counter, "Requests that were answered.");
        for (path, asked) in &paths {
            let counts = asked.by_method_and_status.lock().unwrap_or_else(PoisonError::into_inner).clone();
            for ((method, status), count) in counts {
                page.sample(&[("method", method), ("path", path), ("status", &status.to_string())], count);
            }
        }
        let help = "From when the head of a request was read to the head of its answer.";
        page.family("repo_to_cat_http_request_seconds", Type::Histogram, help);
        for (path, asked) in &paths {
            asked.seconds.write_to(page, &[("path", path)], 1e9);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_path_method_and_status() {
        let counts = Counts::default();
        let path = "/v1/jobs/{id}";
        for (method, status) in [("GET", 200), ("GET", 200), ("GET", 404), ("BREW", 405)] {
            counts.answered(method, path, status, Duration::from_millis(2));
        }
        let mut page = Page::default();
        counts.write_to(&mut page);
        let text = page.finish();
        for line in [
            "repo_to_cat_http_requests_total{method=\"GET\",path=\"/v1/jobs/{id}\",status=\"200\"} 2",
            "repo_to_cat_http_requests_total{method=\"GET\",path=\"/v1/jobs/{id}\",status=\"404\"} 1",
            "repo_to_cat_http_requests_total{method=\"other\",path=\"/v1/jobs/{id}\",status=\"405\"} 1",
            "repo_to_cat_http_request_seconds_bucket{path=\"/v1/jobs/{id}\",le=\"0.001\"} 0",
            "repo_to_cat_http_request_seconds_bucket{path=\"/v1/jobs/{id}\",le=\"0.005\"} 4",
        ] {
            assert!(text.lines().any(|told| told == line), "{line}: {text}");
        }
    }
}
