//! Backups: made, proven, restored; and what a restored database does and does not do.

mod archive;
mod drill;
mod dump;
mod hold;
mod load;
mod odd;
mod source;
mod stored;
mod tool;
mod jobs;
mod odd;
mod restore;
mod source;
mod telling;
mod tool;
mod vault;
