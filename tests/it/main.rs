//! The integration tests: everything that needs the program, PostgreSQL or the whole checkout.

mod adopting;
mod analysis;
mod architecture;
mod backups;
mod cluster;
mod commands;
mod dashboard;
mod database_guide;
mod enqueue;
mod exactly_once;
mod fetch;
mod guide;
mod http;
mod inspect;
mod keeping;
mod looking;
mod migrating;
mod outside;
mod people;
mod queue;
mod schedules;
mod shell;
mod support;
mod surviving;
mod telemetry;
mod tidy;
