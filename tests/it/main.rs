//! The integration tests: everything that needs the program, PostgreSQL or the whole checkout.

mod cluster;
mod support;
mod tidy;
