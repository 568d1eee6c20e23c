//! The analysis: a tree in, measurements and a score out.
