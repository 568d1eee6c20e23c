//! Upkeep at fixed times.
