//! Keeping: how long finished jobs stay, programs of two versions side by side, and that nothing grows with what is kept.

mod growth;
mod plans;
mod retention;
mod rolling;
mod weeks;
mod yard;
