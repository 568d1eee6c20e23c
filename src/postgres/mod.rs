//! The private cluster, and the programs that come with `PostgreSQL`.
//!
//! Without a database URL every command uses a `PostgreSQL` server of its own under the data folder, reachable
//! through a Unix socket only. Nobody installs it as a service and nobody stops it: each process that uses it holds
//! a shared lock, and a supervisor process, which waits for the exclusive one, stops the server when the last user
//! is gone, however it went.
//!
//! ```text
//! FOLDER/postgres/
//!   users.lock       shared by each user for its lifetime; exclusive for the supervisor that stops the server
//!   start.lock       held by the user that starts the server, or waits for one that is starting
//!   supervisor.lock  held by the supervisor for its lifetime
//!   server.json      what the supervisor tells users about the running server
//!   data/            the cluster (data.new.*: a half-made one, removed by the next start)
//!   log/             server.log, server.log.1, supervisor.log
//!   run/             the socket, unless this path is too long or odd; then a private folder elsewhere
//! ```

mod account;
mod cluster;
pub mod doctor;
mod folders;
mod journal;
pub mod programs;
pub mod psql;
mod server;
pub mod supervisor;
pub mod tool;

pub use cluster::{Cluster, Settings, Status};
pub use server::{DATABASE, USER};
