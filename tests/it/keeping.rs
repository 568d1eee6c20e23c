//! Keeping: how long finished jobs stay, programs of two versions side by side, and that nothing grows with what is kept.

mod plans;
mod retention;
mod weeks;
mod yard;
