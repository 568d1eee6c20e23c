//! Wrong tokens and logins: so many from one address in a minute, then none is even looked up. Each costs a question to the
//! database, and nobody guesses a token in earnest.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::rates::Asker;

/// Wrong ones in [`WINDOW`].
const MOST: u32 = 30;
const WINDOW: Duration = Duration::from_mins(1);
/// Addresses that are remembered at most.
const REMEMBERED: usize = 10_000;

/// Who was wrong lately, since when, and how often.
#[derive(Debug, Default)]
pub(super) struct Tries(Mutex<HashMap<Asker, (Instant, u32)>>);

impl Tries {
    /// How long to wait before the next try; none where it may be made now.
    pub fn wait(&self, asker: &Asker, now: Instant) -> Option<Duration> {
        let (since, wrong) = self.lock().get(asker).copied()?;
        let left = WINDOW.checked_sub(now - since)?;
        (wrong >= MOST).then_some(left)
    }

    /// Counts one that was wrong.
    pub fn was_wrong(&self, asker: Asker, now: Instant) {
        let mut tries = self.lock();
        if tries.len() >= REMEMBERED {
            tries.retain(|_, (since, _)| now - *since < WINDOW);
        }
        if tries.len() < REMEMBERED || tries.contains_key(&asker) {
            let (since, wrong) = tries.entry(asker).or_insert((now, 0));
            if now - *since >= WINDOW {
                (*since, *wrong) = (now, 0);
            }
            *wrong += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Asker, (Instant, u32)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_wrong_too_often_waits_for_the_minute_to_pass() {
        let (tries, one, start) = (Tries::default(), Asker::at([10, 0, 0, 1].into()), Instant::now());
        let later = |seconds| start + Duration::from_secs(seconds);
        for _ in 0..MOST {
            assert_eq!(tries.wait(&one, start), None);
            tries.was_wrong(one.clone(), start);
        }
        assert_eq!(tries.wait(&one, later(20)), Some(Duration::from_secs(40)));
        assert_eq!(tries.wait(&Asker::at([10, 0, 0, 2].into()), later(20)), None);
        assert_eq!(tries.wait(&one, later(61)), None);
        tries.was_wrong(one.clone(), later(61));
        assert_eq!(tries.wait(&one, later(61)), None, "it is counted anew");
    }
}
