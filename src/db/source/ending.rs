//! The end of a run: none of its sessions stays, whatever has become of their clients.

use std::time::Duration;

use tokio::time::sleep;

use crate::db::server::Server;
use crate::model::failure::Result;

/// How often, and how long in between, it is looked whether they have gone.
const LOOKS: u32 = 20;
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// Ends the sessions that are called `application` in this database, and waits a moment until they have gone: one whose
/// client was killed while it waited for a lock would else wait on, and others behind it.
pub async fn end_sessions(server: &Server, database: &str, application: &str) -> Result<()> {
    let mut session = server.connect(database, "repo-to-cat/backup-ends").await?;
    for _ in 0..LOOKS {
        let ended = sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND usename = current_user AND application_name = $1",
        );
        if ended.bind(application).execute(&mut session).await?.rows_affected() == 0 {
            break;
        }
        sleep(LOOK_AGAIN).await;
    }
    session.close().await?;
    Ok(())
}
