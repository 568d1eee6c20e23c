//! Looking at jobs and at the queue, and steering many at once.

mod lists;
mod stats;
mod steering;
mod verbs;
