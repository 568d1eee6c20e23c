//! HTTP: the interface for services, and what the dashboard shares with it.
//!
//! [`Site`] is what answers are made of. [`auth`] tells who asks, [`deeds`] writes down what they change, [`error`] says what
//! was wrong. Each other module has the routes of one resource; [`api`] puts them together, and with them the OpenAPI
//! document, which is made from the same attributes. [`server`] listens, behind the [`gate`].

mod audit;
pub mod auth;
mod backups;
mod badges;
pub mod deeds;
mod docs;
pub mod error;
pub mod events;
mod first_token;
mod gate;
mod generations;
pub mod health;
pub mod input;
mod jobs;
mod metrics;
pub mod openapi;
mod original;
pub mod page;
mod pictures;
mod queue;
pub mod reached;
mod refusals;
mod repositories;
pub mod request_id;
mod schedules;
mod server;
mod stall;
mod system;
mod tokens;
mod users;
mod webhooks;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::http::request::Parts;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

use crate::backup::yard::Premises;
use crate::config::{Config, Loaded};
use crate::db::Db;
use crate::db::stats::Past;
use crate::model::failure::Failure;
use crate::providers::pictures::Pictures;
use crate::providers::stars::Stars;
use crate::queue::gather::Gathering;
use crate::queue::lookout::Lookout;
pub use error::Problem;
pub use server::Server;

/// What answers are made of. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Site {
    /// The database.
    pub db: Db,
    /// The pictures.
    pub pictures: Pictures,
    /// Tells how many stars a repository has.
    pub stars: Arc<Stars>,
    /// The settings.
    pub config: Arc<Config>,
    /// Takes the jobs that callers ask for.
    pub jobs: Gathering,
    /// Tells where jobs stand that are not finished.
    pub lookout: Lookout,
    /// The settings as people gave them, and where.
    pub loaded: Arc<Loaded>,
    /// What backups are made with.
    pub premises: Arc<Premises>,
    /// Tokens that worked a moment ago.
    pub known: Arc<auth::Known>,
    /// The last report on the service's health.
    pub health: health::Last,
    /// The last list of the store of backups.
    pub stored: backups::Last,
    /// How the queue did lately.
    pub past: Arc<Past>,
    /// What happens, for those who listen.
    pub feed: events::Feed,
    /// The service stops: streams end.
    pub stop: CancellationToken,
}

impl Site {
    /// What answers are made of, until `stop`. To be called in a runtime.
    #[must_use]
    pub fn new(db: Db, premises: Premises, loaded: Loaded, stop: CancellationToken) -> Self {
        Self {
            pictures: premises.pictures.clone(),
            stars: Arc::new(Stars::new(premises.config.fetch.clone())),
            config: Arc::new(premises.config.clone()),
            loaded: Arc::new(loaded),
            jobs: Gathering::begin(db.clone()),
            lookout: Lookout::begin(&db),
            known: Arc::default(),
            health: Arc::default(),
            stored: Arc::default(),
            past: Arc::default(),
            feed: events::Feed::default(),
            db,
            premises: Arc::new(premises),
            stop,
        }
    }

    /// Who asks.
    pub async fn caller(&self, parts: &Parts) -> Result<auth::Caller, Failure> {
        auth::identify(self, &parts.headers, &parts.method).await
    }

    /// Where an admin's first token is put.
    #[must_use]
    pub fn token_file(&self) -> PathBuf {
        let file = &self.config.http.token_file;
        if file.as_os_str().is_empty() { self.config.data.folder.join("admin-token") } else { file.clone() }
    }
}

/// The routes for services.
fn api() -> OpenApiRouter<Site> {
    OpenApiRouter::with_openapi(openapi::base())
        .merge(health::routes())
        .merge(backups::routes())
        .merge(generations::routes())
        .merge(original::routes())
        .merge(repositories::routes())
        .merge(badges::routes())
        .merge(jobs::routes())
        .merge(queue::routes())
        .merge(schedules::routes())
        .merge(users::routes())
        .merge(tokens::routes())
        .merge(audit::routes())
        .merge(system::routes())
        .merge(metrics::routes())
        .merge(events::routes())
        .merge(webhooks::routes())
}

/// What people see.
#[derive(Debug)]
pub struct Pages {
    /// The routes of the pages.
    pub routes: Router<Site>,
    /// The page that tells of a problem.
    pub problem: fn(&error::Details) -> Response,
}

/// Everything that is answered: the routes for services, their description, and the `pages` for people.
pub fn router(site: Site, pages: Router<Site>) -> Router {
    let (routes, document) = api().split_for_parts();
    let keyed = Arc::new(openapi::paths_with_keys(&document));
    let routes = routes.layer(from_fn(input::refuse_blanks)).layer(from_fn_with_state(keyed, input::refuse_keys));
    let routes = routes.merge(openapi::routes(document)).merge(pages);
    // Paths of READMEs are as long as groups are deep: what is at no other path may be one.
    routes.fallback(badges::or_nothing).with_state(site)
}
