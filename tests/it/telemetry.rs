//! What the program tells of itself and its jobs: logs kept with jobs, metrics.

mod depth;
mod logs;
mod metrics;
