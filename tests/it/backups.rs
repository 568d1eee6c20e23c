//! Backups: made, proven, restored; and what a restored database does and does not do.

mod archive;
mod dump;
mod odd;
mod source;
mod tool;
