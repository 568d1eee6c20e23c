//! repo-to-cat: a background job worker on `PostgreSQL` that turns Git repositories into cats, exactly once.

pub mod cli;
pub mod commands;
pub mod config;
pub mod db;
pub mod generation;
pub mod http;
pub mod model;
pub mod postgres;
pub mod providers;
pub mod queue;
pub mod schedule;
pub mod telemetry;
pub mod worker;
