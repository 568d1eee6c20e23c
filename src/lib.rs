//! repo-to-cat: a background job worker on `PostgreSQL` that turns Git repositories into cats, exactly once.
//!
//! This is the map. Both flows, in the order in which things happen:
//!
//! # Request to cat
//!
//! 1. A request comes in by [`commands::enqueue`], [`http`] or Rust. [`generation::submit`] checks what it names
//!    ([`model::repository`]) and makes a job of it. In SQL, from any language, the functions of schema `queue` do the same
//!    (migration 0006, docs/enqueue.md).
//! 2. [`queue::enqueue`] writes the job in the caller's own transaction: it exists when, and only when, that commits. Who
//!    sleeps is woken ([`queue::listener`]).
//! 3. A [`worker`] holds a lease ([`queue::lease`]). Its [`queue::fetcher`] goes round the lanes that have jobs waiting
//!    ([`queue::ring`]), claims under that lease as many as there are free slots, and passes them through
//!    [`queue::backend`] to apalis, which calls the handler. When nothing waits it comes to [`queue::rest`].
//! 4. [`generation::run`] goes through the steps: fetch ([`providers::repository`]), analyse ([`generation::score`]),
//!    attributes, texts and prompt ([`generation::steps`]), paint and caption ([`generation::painter`]), store
//!    ([`providers::pictures`]). [`queue::journal`] keeps what a slow step made, so that a later attempt goes on
//!    from there.
//! 5. [`queue::completer`] commits outcomes in groups: **one statement** ([`db::outcomes`]) writes the generation and
//!    completes its job, and changes nothing where the worker no longer holds it.
//! 6. What a worker leaves behind that died: its jobs are freed by the [`queue::watch`] of any other when the lease has
//!    lapsed, its files are swept by [`schedule::upkeep`]. The watch also makes jobs available that have become due, and
//!    discards those whose deadline has passed.
//!
//! # Schedule to proven backup
//!
//! 1. A schedule ([`model::schedule`]) comes from the configuration ([`schedule::declared`]) or from people
//!    ([`commands::schedules`]).
//! 2. [`schedule::firing`] sleeps until its next slot. **One transaction** notes the slot, unique over all hosts, and
//!    enqueues its job ([`schedule::job`]) in the same queue.
//! 3. [`backup::run`] looks whether all is there ([`backup::preflight`]) and makes the [`backup::dump`]: under a snapshot,
//!    `pg_dump`'s stream is read ([`backup::archive`]), fingerprinted, compressed, encrypted and summed
//!    ([`backup::pipe`]) on its way into the store ([`providers::vault`]). The manifest comes last: then it exists.
//! 4. **One transaction** writes the backup down ([`db::backups`]) and enqueues its drill. [`backup::drill`] fetches it back,
//!    restores it ([`backup::restore`]) into a scratch cluster of its own and compares.
//! 5. What a drill verified counts for [`backup::retention`], and others are told ([`backup::telling`]).
//! 6. A person restores. A queue that comes back so is held until somebody says go ([`db::hold`]).
//!
//! # Who looks on
//!
//! [`http`] is the listener: services ask for cats and follow them ([`http::events`]), admins do what the command line can do,
//! and what they change is written down ([`http::deeds`]). [`dashboard`] has the same as pages.
//!
//! # Beside the flows
//!
//! [`model`] is what everything talks about and imports nothing of ours. [`config`] is the only reader of the
//! environment. [`telemetry`] has metrics, and the logs of jobs' runs. [`webhooks`] tells others how generations
//! ended. [`probe`] is the job that only waits, by which one sees whether a queue works, and how fast. [`doctor`] looks at
//! everything that a machine must have. [`db`] holds all SQL. [`postgres`] runs the private server of those who name no
//! other. [`cli`] and [`commands`] are the program around it all. Imports go down only: a test holds the layers that
//! ARCHITECTURE.md shows.

pub mod backup;
pub mod cli;
pub mod commands;
pub mod config;
pub mod dashboard;
pub mod db;
pub mod doctor;
pub mod generation;
pub mod http;
pub mod model;
pub mod postgres;
pub mod probe;
pub mod providers;
pub mod queue;
pub mod schedule;
pub mod telemetry;
pub mod webhooks;
pub mod worker;
