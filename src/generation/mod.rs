//! The flow from a request to a cat: submit, run the steps, persist.

pub mod painter;
pub mod score;
pub mod steps;
