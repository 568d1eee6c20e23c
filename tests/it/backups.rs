//! Backups: made, proven, restored; and what a restored database does and does not do.

mod hold;
mod vault;
