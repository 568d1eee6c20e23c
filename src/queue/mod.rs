//! The queue: apalis in front, `PostgreSQL` behind.
