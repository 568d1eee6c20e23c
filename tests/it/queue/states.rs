//! Random histories of the queue against a [`model`](super::model) that fits on a page.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::model::{Event, Model};

fn event() -> impl Strategy<Value = Event> {
    let many = 0..1000_usize;
    let enqueue = (prop::option::of(0..3_u8), 0..2_usize, 0..3_u8, prop::bool::weighted(0.2));
    prop_oneof![
        5 => enqueue.prop_map(|(key, kind, user, later)| Event::Enqueue { key, kind, user, later }),
        1 => (0..3_usize).prop_map(|worker| Event::Register { worker }),
        1 => (0..3_usize).prop_map(|worker| Event::Lapse { worker }),
        2 => (0..3_usize).prop_map(|worker| Event::Heartbeat { worker }),
        2 => Just(Event::Rescue),
        5 => ((0..3_usize), 1..4_usize).prop_map(|(worker, limit)| Event::Claim { worker, limit }),
        2 => many.clone().prop_map(|claim| Event::Complete { claim }),
        1 => many.clone().prop_map(|claim| Event::RetryLater { claim }),
        1 => many.clone().prop_map(|claim| Event::Snooze { claim }),
        1 => many.clone().prop_map(|claim| Event::Park { claim }),
        1 => many.clone().prop_map(|claim| Event::HandBack { claim }),
        1 => many.clone().prop_map(|claim| Event::Discard { claim }),
        1 => many.clone().prop_map(|claim| Event::Abandon { claim }),
        1 => (0..2_usize, any::<bool>()).prop_map(|(kind, paused)| Event::Steer { kind, paused }),
        1 => many.clone().prop_map(|job| Event::Due { job }),
        1 => many.clone().prop_map(|job| Event::Expire { job }),
        2 => Just(Event::Pulse),
        1 => many.clone().prop_map(|job| Event::Cancel { job }),
        2 => many.prop_map(|job| Event::Retry { job }),
    ]
}

#[test]
fn the_queue_does_what_its_model_does() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cases = if std::env::var_os("TEST_LARGE").is_some() { 200 } else { 16 };
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 50, ..Config::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(event(), 30..90), |events| {
            runtime.block_on(async {
                let mut model = Model::new().await;
                for event in events {
                    model.happen(event).await;
                }
            });
            Ok(())
        })
        .unwrap();
}
