//! Backups: made, proven, restored; and what a restored database does and does not do.

mod archive;
mod drill;
mod hold;
mod jobs;
mod odd;
mod source;
mod telling;
mod tool;
