//! The integration tests: the real binary, real `PostgreSQL`.

mod cluster;
mod support;
