//! The private cluster, and the programs that come with `PostgreSQL`.
