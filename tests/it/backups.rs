//! Backups: made, proven, restored; and what a restored database does and does not do.

mod archive;
mod drill;
mod dump;
mod guard;
mod hold;
mod jobs;
mod load;
mod looking;
mod odd;
mod preflight;
mod restore;
mod source;
mod stored;
mod telling;
mod through;
mod tool;
mod vault;
