//! The flow from a request to a cat: submit, run the steps, persist.

pub mod journal;
pub mod painter;
pub mod run;
pub mod score;
pub mod steps;
pub mod submit;
