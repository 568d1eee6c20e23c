//! Backups: made, proven, restored; and what a restored database does and does not do.

mod hold;
mod jobs;
mod archive;
mod odd;
mod source;
mod telling;
mod tool;
mod hold;
