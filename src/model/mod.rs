//! What everything else talks about: pure types and rules, which import nothing of ours and do no input or output.

pub mod analysis;
pub mod attributes;
pub mod backup;
pub mod check;
pub mod containment;
pub mod failure;
pub mod figures;
pub mod generation;
pub mod habitat;
pub mod job;
pub mod limits;
pub mod password;
pub mod picture;
pub mod progress;
pub mod repository;
pub mod schedule;
pub mod secret;
pub mod seed;
pub mod texts;
pub mod token;
pub mod trace;
pub mod tree;
pub mod unique;
pub mod user;
pub mod when;
pub mod wish;
