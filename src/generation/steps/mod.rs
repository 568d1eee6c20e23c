//! The steps of a generation, one file each.
