//! One dump: a snapshot, `pg_dump` under it, and its way into the store.

use uuid::Uuid;

use crate::backup::{Reporter, Yard};
use crate::model::backup::{BackupName, BackupRequest, Manifest};
use crate::model::failure::Result;

/// Which run of which job a dump belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The job; none without a queue.
    pub job: Option<Uuid>,
    /// How often it was claimed, this time included.
    pub claim: i32,
}

/// Makes a backup under `name` and publishes it. Whatever fails, nothing is left under the final name, no process and no
/// session; a failure of kind `Throttled` means that it gave way to a waiting session, or that another run is at it.
pub async fn dump(
    _yard: &Yard,
    _name: &BackupName,
    _request: &BackupRequest,
    _run: Run,
    _report: Reporter,
) -> Result<Manifest> {
    unimplemented!()
}
