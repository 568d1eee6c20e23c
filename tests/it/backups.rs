//! Backups: how they are made of real databases, and what comes back of them.

mod source;
mod tool;
