//! The dashboard: pages for people, made on the server, which work without JavaScript.
//!
//! [`visitor`] tells who looks, [`page`] is the frame around each page, [`parts`] is what pages are made of, [`forms`] is how
//! they change anything, [`assets`] is what they load. Each other module has the pages of one subject.

pub mod assets;
pub mod fault;
pub mod flash;
pub mod forms;
mod login;
pub mod page;
pub mod parts;
pub mod visitor;

mod jobs;
mod schedules;

use axum::Router;

use crate::http::{Pages, Site};

/// The pages.
#[must_use]
pub fn pages() -> Pages {
    let routes = Router::new().merge(assets::routes()).merge(login::routes());
    Pages { routes, problem: fault::show }
}

/// The routes of one subject's pages.
type Routes = Router<Site>;
