//! Generations from the outside: found, exported, imported; what tools and people see of the database.

mod bed;
mod comments;
mod crud;
mod delete;
mod filters;
mod import;
mod plans;
mod round_trip;
mod views;
