//! The server as a whole: connections to any of its databases, each of the caller's own.

use crate::config;
use crate::db::Session;
use crate::model::failure::Result;

/// The server that our database is on, or a scratch cluster's. Cheap to clone; connects when it is asked to.
#[derive(Debug, Clone)]
pub struct Server {}

impl Server {
    /// The server of the settings, past any pooler; of several hosts the one that takes writes.
    pub fn of(_settings: &config::Database) -> Result<Self> {
        unimplemented!()
    }

    /// The server of a URL, such as a scratch cluster's.
    pub fn at(_url: &str) -> Result<Self> {
        unimplemented!()
    }

    /// The database that the settings name.
    #[must_use]
    pub fn database(&self) -> &str {
        unimplemented!()
    }

    /// A connection to one of its databases; `application` is what it is called in `pg_stat_activity`.
    pub async fn connect(&self, _database: &str, _application: &str) -> Result<Session<'static>> {
        unimplemented!()
    }

    /// The URL of a database on the host that takes writes, for `PostgreSQL`'s own programs. Holds the password: never shown.
    pub async fn url_of(&self, _database: &str) -> Result<String> {
        unimplemented!()
    }
}
