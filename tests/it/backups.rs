//! Backups: made, proven, restored; and what a restored database does and does not do.

mod archive;
mod load;
mod odd;
mod source;
mod stored;
mod tool;
mod hold;
