//! Tests of the whole program: the real binary, real servers, real clusters.

mod fetch;
