//! How many streams there may be at once: of all who listen, and of each token, so that nobody takes all places.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::model::failure::{Failure, Kind, Result};

/// The places for streams. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Places {
    most: usize,
    most_each: usize,
    /// How many each token has that has some; anybody's are those of no token.
    taken: Arc<Mutex<HashMap<Option<Uuid>, usize>>>,
}

/// A place for a stream, held for as long as this.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    token: Option<Uuid>,
}

impl Places {
    /// So many, and of one token no more than `most_each` of them.
    pub fn new(most: usize, most_each: usize) -> Self {
        Self { most, most_each, taken: Arc::default() }
    }

    /// A place for whoever shows this token, where there is one left.
    pub fn take(&self, token: Option<Uuid>) -> Result<Place> {
        let mut places = self.taken();
        let own = places.get(&token).copied().unwrap_or_default();
        let full = if places.values().sum::<usize>() >= self.most {
            Some(format!("{} streams of events are open", self.most))
        } else {
            (token.is_some() && own >= self.most_each).then(|| format!("{own} streams of this token are open"))
        };
        if let Some(what) = full {
            return Err(Failure::new(Kind::Unavailable, what).hint("close one, or come back later"));
        }
        places.insert(token, own + 1);
        Ok(Place { places: self.clone(), token })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<Option<Uuid>, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        match taken.get_mut(&self.token) {
            Some(own) if *own > 1 => *own -= 1,
            _ => _ = taken.remove(&self.token),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_all_places() {
        let places = Places::new(3, 2);
        let (one, other) = (Some(Uuid::from_u128(1)), Some(Uuid::from_u128(2)));
        let own: Vec<_> = (0..2).map(|_| places.take(one).unwrap()).collect();
        assert_eq!(places.take(one).unwrap_err().kind(), Kind::Unavailable);
        let last = places.take(other).unwrap();
        assert!(places.take(None).unwrap_err().what().starts_with("3 streams"));
        drop(own);
        assert!(places.take(one).is_ok() && places.take(None).is_ok());
        drop(last);
        assert!(places.taken().is_empty());
    }
}
