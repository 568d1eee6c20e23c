//! Backups: what is asked for, what was made, what a drill found.

pub mod diff;
pub mod fingerprint;
pub mod manifest;
pub mod name;
pub mod policy;
pub mod request;
pub mod standing;
pub mod trend;
pub mod verdict;

pub use diff::Diff;
pub use fingerprint::{Fingerprint, Tally};
pub use manifest::Manifest;
pub use name::BackupName;
pub use policy::Policy;
pub use request::{BackupRequest, Compression, DrillRequest, Format, Selection};
pub use standing::Standing;
pub use verdict::{DrillReport, Verdict};
