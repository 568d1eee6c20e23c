//! The painter: attributes and a seed in, a PNG out.
