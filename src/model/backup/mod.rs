//! Backups: what is asked for, what was made, what a drill found.

pub mod fingerprint;
pub mod manifest;
pub mod name;
pub mod request;
pub mod standing;
pub mod verdict;

pub use fingerprint::{Fingerprint, Tally};
pub use manifest::Manifest;
pub use name::BackupName;
pub use request::{BackupRequest, Compression, DrillRequest, Format, Selection};
pub use standing::Standing;
pub use verdict::{DrillReport, Verdict};
