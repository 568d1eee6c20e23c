//! Exactly once, whatever happens: the real program, killed, frozen, cut off and stopped at chosen moments.
//!
//! `EXACTLY_ONCE_SEED=n` plays one moment; `TEST_LARGE=1` plays several times as many.

mod account;
mod moment;
mod scene;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::process::Signal;

use crate::support::gate::{database_with_gate, prepare};
use crate::support::postgres::{self, PrivateCluster};
use crate::support::repository;
use moment::{Blow, Moment, combinations};
use scene::Scene;

/// Every place with every blow, and some again with other delays.
const MOMENTS: u64 = 210;
const MOMENTS_LARGE: u64 = 1000;
/// Scenes that are played at the same time on the shared server.
const STAGES: usize = 3;

#[test]
fn every_job_is_completed_once_whatever_hits_its_worker() {
    let moments: Vec<_> = chosen().into_iter().filter(|moment| !moment.blow.hits_the_server()).collect();
    let repositories = postgres::temporary_folder();
    repository::make(&repositories.path().join("cats"));
    let next = AtomicUsize::new(0);
    let stages = STAGES.min(moments.len());
    thread::scope(|scope| {
        let stages: Vec<_> = (0..stages)
            .map(|stage| {
                let (moments, next, repositories) = (&moments, &next, repositories.path());
                scope.spawn(move || {
                    let url = database_with_gate("exactly_once");
                    let mut scene = Scene::set(&url, repositories, stage);
                    while let Some(moment) = moments.get(next.fetch_add(1, Ordering::Relaxed)) {
                        play(&mut scene, moment, |_| unreachable!("the server is not hit here"));
                    }
                    scene.close();
                })
            })
            .collect();
        for stage in stages {
            stage.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}

#[test]
fn every_job_is_completed_once_whatever_hits_the_server() {
    let moments: Vec<_> = chosen().into_iter().filter(|moment| moment.blow.hits_the_server()).collect();
    if moments.is_empty() {
        return;
    }
    let repositories = postgres::temporary_folder();
    repository::make(&repositories.path().join("cats"));
    let mut server = PrivateCluster::start();
    let url = server.cluster.url();
    prepare(&url);
    let mut scene = Scene::set(&url, repositories.path(), 1);
    let mut hits = 0;
    for moment in &moments {
        play(&mut scene, moment, |blow| {
            hits += 1;
            // The supervisor gives up a server that does not stay up: it gets a fresh one now and then.
            if hits % 3 == 0 {
                server.begin_outage();
                server.end_outage();
            } else {
                server.restart(if blow == Blow::Crash { Signal::KILL } else { Signal::INT });
            }
        });
    }
    scene.close();
}

#[test]
fn the_moments_cover_every_place_with_every_blow() {
    let all = combinations();
    let played: Vec<_> = (0..MOMENTS).map(Moment::of).map(|moment| (moment.place, moment.blow)).collect();
    assert!(played.len() >= 200);
    for combination in all {
        assert!(played.contains(&combination), "{combination:?} is missing");
    }
}

fn chosen() -> Vec<Moment> {
    if let Some(seed) = std::env::var("EXACTLY_ONCE_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return vec![Moment::of(seed)];
    }
    let count = if std::env::var_os("TEST_LARGE").is_some() { MOMENTS_LARGE } else { MOMENTS };
    (0..count).map(Moment::of).collect()
}

/// Plays a moment; what fails names it.
fn play(scene: &mut Scene, moment: &Moment, hit_server: impl FnMut(Blow)) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| scene.play(moment, hit_server))) {
        eprintln!("FAILED {moment}\n{}", scene.log());
        std::panic::resume_unwind(panic);
    }
}
