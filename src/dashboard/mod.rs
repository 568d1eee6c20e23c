//! The dashboard: pages for people, made on the server, which work without JavaScript.
//!
//! [`visitor`] tells who looks, [`page`] is the frame around each page, [`parts`] is what pages are made of, [`forms`] is how
//! they change anything, [`assets`] is what they load. Each other module has the pages of one subject.

pub mod assets;
mod audit;
mod backups;
pub mod deed;
pub mod fault;
pub mod flash;
pub mod forms;
mod gallery;
mod generation;
mod held;
mod jobs;
mod login;
mod overview;
pub mod page;
pub mod parts;
mod people;
mod queues;
mod schedules;
mod system;
pub mod visitor;
mod webhooks;

use axum::Router;

use crate::http::{Pages, Site};

/// The pages.
#[must_use]
pub fn pages() -> Pages {
    let routes = Router::new()
        .merge(assets::routes())
        .merge(login::routes())
        .merge(overview::routes())
        .merge(gallery::routes())
        .merge(generation::routes())
        .merge(working_pages());
    Pages { routes, problem: fault::show }
}

/// Where admins work.
fn working_pages() -> Routes {
    Router::new()
        .merge(jobs::routes())
        .merge(queues::routes())
        .merge(schedules::routes())
        .merge(backups::routes())
        .merge(webhooks::routes())
        .merge(people::routes())
        .merge(audit::routes())
        .merge(system::routes())
}

/// The routes of one subject's pages.
type Routes = Router<Site>;
