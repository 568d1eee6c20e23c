//! Looking at the database server: what keeps us out, who is there, what is not well, and how statements run.

mod check;
mod connecting;
mod explain;
mod psql;
mod sessions;
mod size;
