//! Enqueueing in SQL and in bulk: what upstream services are promised.

mod bulk;
mod gather;
mod grammar;
mod keys;
mod role;
