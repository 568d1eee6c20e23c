//! What the database may do to us, and how we go on.

mod lines;
