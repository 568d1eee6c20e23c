//! Jobs: their kinds, states and the transitions between them.
