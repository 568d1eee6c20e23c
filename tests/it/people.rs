//! Users and tokens: the table that an adopted application writes, too, what proves who asks, and the verbs.

mod bed;
mod migration;
mod passwords;
mod secrecy;
mod tokens;
mod trigger;
mod verbs;
