//! Whether a role may read everything that a dump reads.
