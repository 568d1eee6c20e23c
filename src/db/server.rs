//! The server as a whole: connections to any of its databases, each of the caller's own.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio::time::timeout;
use url::Url;

use crate::config::{self, Pooler};
use crate::db::Session;
use crate::db::connect::{Connector, describe, require_version};
use crate::model::failure::{Failure, Kind, Result};

/// How long to wait for a scratch cluster, which is on this machine.
const SCRATCH_WAIT: Duration = Duration::from_secs(10);

/// The server that our database is on, or a scratch cluster's. Cheap to clone; connects when it is asked to.
#[derive(Clone)]
pub struct Server {
    /// The setting that names its hosts.
    setting: &'static str,
    /// A URL for each of its hosts. They may hold the password.
    hosts: Arc<[String]>,
    /// Which of them was the good one last.
    current: Arc<AtomicUsize>,
    wait: Duration,
    database: Arc<str>,
    pooled: bool,
}

impl Server {
    /// The server of the settings, past any pooler; of several hosts the one that takes writes.
    pub fn of(settings: &config::Database) -> Result<Self> {
        let setting = if settings.direct_url.is_empty() { "database.url" } else { "database.direct_url" };
        let wait = Duration::from_secs(settings.connect_seconds);
        let pooled = settings.pooler == Pooler::Transaction && settings.direct_url.is_empty();
        Ok(Self { pooled, ..Self::new(setting, &settings.direct_hosts(), wait)? })
    }

    /// The server of a URL, such as a scratch cluster's.
    pub fn at(url: &str) -> Result<Self> {
        Self::new("the server's URL", &[url.to_owned()], SCRATCH_WAIT)
    }

    fn new(setting: &'static str, hosts: &[String], wait: Duration) -> Result<Self> {
        let connector = Connector::new(setting, hosts, Pooler::None, wait)?;
        let options = connector.options();
        // As libpq has it: a database of the user's own name.
        let database = options.get_database().unwrap_or(options.get_username()).into();
        Ok(Self { setting, hosts: hosts.into(), current: Arc::default(), wait, database, pooled: false })
    }

    /// The database that the settings name.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Whether the settings say that a pooler stands between, past which they know no way.
    #[must_use]
    pub fn is_pooled(&self) -> bool {
        self.pooled
    }

    /// A connection to one of its databases; `application` is what it is called in `pg_stat_activity`.
    pub async fn connect(&self, database: &str, application: &str) -> Result<Session<'static>> {
        let connector = self.towards(database, application)?;
        let connection = connector.connect().await?;
        require_version(connection.server_version_num(), &describe(&connector.options()))?;
        Ok(Session::own(connection, Pooler::None))
    }

    /// The URL of a database on the host that takes writes, for `PostgreSQL`'s own programs. Holds the password: never shown.
    ///
    /// Everything is in its query, under libpq's names: a host may be a socket's folder, and what the environment or a
    /// password file told us has its place there, too.
    pub async fn url_of(&self, database: &str) -> Result<String> {
        let connector = self.towards(database, "repo-to-cat")?;
        if connector.has_choice() {
            // Nobody knows better than the hosts themselves which of them is the good one.
            let connection = connector.connect().await?;
            drop(timeout(self.wait, connection.close()).await);
        }
        self.url_at(self.current.load(Ordering::Relaxed), database)
    }

    /// A connector to one database.
    fn towards(&self, database: &str, application: &str) -> Result<Connector> {
        let urls: Vec<String> = self.hosts.iter().map(|host| aimed(host, database)).collect::<Result<_>>()?;
        Ok(Connector::new(self.setting, &urls, Pooler::None, self.wait)?.named(application, &self.current))
    }

    fn url_at(&self, host: usize, database: &str) -> Result<String> {
        let aimed = aimed(&self.hosts[host], database)?;
        let options = PgConnectOptions::from_str(&aimed)?;
        // What is not told otherwise: the password, and how TLS is done. The names stand in for ones that a URL refuses.
        let told = options.clone().username("user").host("host").database("database").to_url_lossy();
        let place = options.get_socket().map(|folder| folder.display().to_string());
        let place = place.unwrap_or_else(|| options.get_host().trim_matches(['[', ']']).to_owned());
        let mut pairs = vec![
            ("host".to_owned(), place),
            ("port".to_owned(), options.get_port().to_string()),
            ("user".to_owned(), options.get_username().to_owned()),
            ("dbname".to_owned(), database.to_owned()),
        ];
        // Of a URL's userinfo only a query's reader undoes the escapes; a plus sign stands for itself there.
        let password = told.password().map(|escaped| format!("password={}", escaped.replace('+', "%2B")));
        pairs.extend(password.iter().flat_map(|pair| url::form_urlencoded::parse(pair.as_bytes())).map(owned));
        pairs.extend(options.get_options().map(|options| ("options".to_owned(), options.to_owned())));
        let tls = told.query_pairs().filter(|(key, _)| key.starts_with("ssl"));
        // Certificates are told as `file: PATH`.
        pairs.extend(tls.map(|(key, value)| owned((key, value.strip_prefix("file: ").unwrap_or(&value)))));
        let aimed = Url::parse(&aimed).map_err(malformed)?;
        pairs.extend(aimed.query_pairs().filter(|(key, _)| OTHERS.contains(&key.as_ref())).map(owned));
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        // libpq knows no plus sign for a blank.
        Ok(format!("postgres:///?{}", query.replace('+', "%20")))
    }
}

/// Parameters that libpq knows and we only pass on.
const OTHERS: [&str; 3] = ["channel_binding", "gssencmode", "sslcrl"];

/// A host's URL with another database in it.
fn aimed(url: &str, database: &str) -> Result<String> {
    let mut aimed = Url::parse(url).map_err(malformed)?;
    let pairs: Vec<_> = aimed.query_pairs().map(owned).filter(|(key, _)| key != "dbname").collect();
    aimed.set_path("/");
    aimed.query_pairs_mut().clear().extend_pairs(pairs).append_pair("dbname", database);
    Ok(aimed.into())
}

fn owned<A: Into<String>, B: Into<String>>((key, value): (A, B)) -> (String, String) {
    (key.into(), value.into())
}

fn malformed(error: url::ParseError) -> Failure {
    Failure::new(Kind::Invalid, "the server's address is no PostgreSQL URL").source(error)
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("setting", &self.setting)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(url: &str, database: &str) -> Vec<(String, String)> {
        let url = Server::at(url).unwrap().url_at(0, database).unwrap();
        assert!(!url.contains('+'), "{url}");
        let pairs = Url::parse(&url).unwrap().query_pairs().map(owned).collect::<Vec<_>>();
        // What it stands for, it stands for when it is read again.
        assert_eq!(Server::at(&url).unwrap().url_at(0, database).unwrap(), url);
        pairs
    }

    fn value(pairs: &[(String, String)], name: &str) -> Option<String> {
        pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    #[test]
    fn a_url_of_another_database_keeps_all_the_rest() {
        for (url, host, port, user, password) in [
            (
                "postgres://cat:s3%3A%2F%40%25%2B+ret@db.example:5433/cats?channel_binding=require",
                "db.example",
                "5433",
                "cat",
                Some("s3:/@%++ret"),
            ),
            ("postgres://cat@[::1]/cats?channel_binding=require", "::1", "5432", "cat", None),
            (
                "postgres:///cats?host=%2Frun%2Fa%20b&port=1&user=a%2Fb%40c&password=x+y%2Bz&channel_binding=require",
                "/run/a b",
                "1",
                "a/b@c",
                Some("x y+z"),
            ),
            (
                "postgres://c%25t:%C3%A4%5C%27@h/x?dbname=y&channel_binding=require&application_name=z",
                "h",
                "5432",
                "c%t",
                Some("ä\\'"),
            ),
        ] {
            let pairs = pairs(url, "q? &=/%2F#+ä");
            assert_eq!(value(&pairs, "host").as_deref(), Some(host), "{url}");
            assert_eq!(value(&pairs, "port").as_deref(), Some(port), "{url}");
            assert_eq!(value(&pairs, "user").as_deref(), Some(user), "{url}");
            assert_eq!(value(&pairs, "password").as_deref(), password, "{url}");
            assert_eq!(value(&pairs, "dbname").as_deref(), Some("q? &=/%2F#+ä"), "{url}");
            assert_eq!(value(&pairs, "channel_binding").as_deref(), Some("require"), "{url}");
        }
    }

    #[test]
    fn options_and_tls_are_passed_on() {
        let pairs = pairs("postgres://cat@h/x?sslmode=verify-full&sslrootcert=/a%20b&options=-c%20a%3Db", "x");
        assert_eq!(value(&pairs, "sslmode").as_deref(), Some("verify-full"));
        assert_eq!(value(&pairs, "sslrootcert").as_deref(), Some("/a b"));
        assert_eq!(value(&pairs, "options").as_deref(), Some("-c a=b"));
    }

    #[test]
    fn the_database_is_the_named_one_or_the_users() {
        for (url, database) in
            [("postgres://cat@h/a%20b", "a b"), ("postgres://cat@h", "cat"), ("postgres://cat@h/x?dbname=y", "y")]
        {
            assert_eq!(Server::at(url).unwrap().database(), database);
        }
        assert!(!format!("{:?}", Server::at("postgres://cat:s3cret@h/x").unwrap()).contains("s3cret"));
    }
}
