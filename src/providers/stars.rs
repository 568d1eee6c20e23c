//! How many people starred a repository: GitHub's own interface alone knows. It is asked where the operator gave a token for
//! github.com, and nobody waits long for it.
//! <https://docs.github.com/en/rest/repos/repos#get-a-repository>

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Client;
use reqwest::header::{ACCEPT, USER_AGENT};
use serde::Deserialize;

use super::repository::token;
use super::{answer, tls};
use crate::config;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::repository::Source;

/// Where the repositories are that it knows.
const HOST: &str = "github.com";
/// Who asks.
const AGENT: &str = concat!("repo-to-cat/", env!("CARGO_PKG_VERSION"));
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer is good.
const GOOD_FOR: Duration = Duration::from_hours(1);
/// How long nobody asks again where there was no answer.
const REST: Duration = Duration::from_mins(1);
/// Answers that are remembered, at most.
const REMEMBERED: usize = 10_000;

/// Asks for stars, and remembers the answers.
#[derive(Debug)]
pub struct Stars {
    settings: config::Fetch,
    client: OnceLock<Client>,
    known: Mutex<HashMap<String, Answer>>,
}

#[derive(Debug, Clone, Copy)]
struct Answer {
    stars: Option<u64>,
    until: Instant,
}

/// What we read of what GitHub tells.
#[derive(Deserialize)]
struct Told {
    stargazers_count: u64,
}

impl Stars {
    /// With the token, the authorities and the interface that are set.
    #[must_use]
    pub fn new(settings: config::Fetch) -> Self {
        Self { settings, client: OnceLock::new(), known: Mutex::default() }
    }

    /// Those of the repository at a URL. None without a token, elsewhere than at GitHub, and where that does not tell.
    pub async fn of(&self, url: &str) -> Option<u64> {
        let Ok(Source::Remote(repository)) = Source::parse(url, &[HOST.to_owned()], &[]) else { return None };
        let name = format!("{}/{}", repository.owner, repository.name);
        if let Some(answer) = self.known().get(&name).filter(|answer| answer.until > Instant::now()) {
            return answer.stars;
        }
        let asked = self.ask(&name).await.transpose()?;
        if let Err(failure) = &asked {
            tracing::warn!(repository = name, %failure, "GitHub does not tell the stars");
        }
        let stars = asked.ok();
        self.remember(name, stars);
        stars
    }

    /// Asks GitHub; none without a token.
    async fn ask(&self, name: &str) -> Result<Option<u64>> {
        let Some(token) = token::load(&self.settings.token_file, HOST)? else { return Ok(None) };
        let response = self
            .client()?
            .get(format!("{}/repos/{name}", self.settings.github_api.trim_end_matches('/')))
            .header(ACCEPT, "application/vnd.github+json")
            .header(USER_AGENT, AGENT)
            .header("x-github-api-version", "2022-11-28")
            .bearer_auth(token.reveal())
            .send()
            .await
            .map_err(|error| answer::of_error(error, HOST))?;
        if !response.status().is_success() {
            return Err(Failure::new(Kind::Unavailable, format!("it answered {}", response.status())));
        }
        let body = response.bytes().await.map_err(|error| answer::of_error(error, HOST))?;
        let told: Told = serde_json::from_slice(&body)
            .map_err(|error| Failure::new(Kind::Unavailable, "its answer cannot be read").source(error))?;
        Ok(Some(told.stargazers_count))
    }

    fn client(&self) -> Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let built = Client::builder()
            .tls_backend_preconfigured(tls::client_config(&self.settings.ca_file)?)
            .https_only(true)
            .timeout(PATIENCE)
            .build()
            .map_err(|error| Failure::new(Kind::Environment, "the https client cannot be set up").source(error))?;
        Ok(self.client.get_or_init(|| built))
    }

    fn remember(&self, name: String, stars: Option<u64>) {
        let now = Instant::now();
        let mut known = self.known();
        if known.len() >= REMEMBERED {
            known.retain(|_, answer| answer.until > now);
        }
        if known.len() < REMEMBERED || known.contains_key(&name) {
            let until = now + if stars.is_some() { GOOD_FOR } else { REST };
            known.insert(name, Answer { stars, until });
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Answer>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
