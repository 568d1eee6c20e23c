//! The dashboard as people meet it: real pages of a real service, in a real browser, with a worker behind them.

mod fresh;
mod looks;
mod story;
