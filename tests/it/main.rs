//! it

mod analysis;
