//! The flow from a request to a cat: [`submit`] makes the job, [`run`] takes it through the steps, whose results the
//! [`journal`](crate::queue::journal) keeps for later attempts. [`again`] asks for one once more, [`removal`] takes one away.

pub mod again;
pub mod painter;
pub mod removal;
pub mod run;
pub mod score;
pub mod steps;
pub mod submit;
