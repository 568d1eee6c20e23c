//! Backups: made, proven, restored; and what a restored database does and does not do.

mod archive;
mod drill;
mod hold;
mod jobs;
mod looking;
mod odd;
mod preflight;
mod source;
mod telling;
mod tool;
mod vault;
