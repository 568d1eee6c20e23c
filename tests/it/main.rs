//! it
mod shell;
