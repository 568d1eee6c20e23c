//! The ring: lanes with waiting jobs, and who of them comes next.
//!
//! A lane is what one user has waiting of one kind under one limit key. Each round gives every user the same share of the
//! free slots, and a user's lanes the same share of his; within a lane the order is by rank. So a user with one job waits
//! for one round, however many jobs another has.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::claims::{Lane, Share};

/// Most lanes that are remembered.
const RECENT: usize = 64;

/// Lanes in turn.
#[derive(Debug, Default)]
pub struct Ring {
    lanes: Vec<Lane>,
    /// Where the next round begins: a user who got nothing in one for want of slots is among the first in the next.
    turn: usize,
    /// Lanes that gave jobs lately, the last one last, each from where it would go on.
    recent: Vec<Lane>,
}

impl Ring {
    /// Takes these lanes in place of those of before.
    pub fn refill(&mut self, lanes: Vec<Lane>) {
        self.lanes = lanes;
    }

    /// Takes the lanes that gave jobs lately; they may have some again. Whether there are such lanes.
    pub fn recall(&mut self) -> bool {
        self.lanes.clone_from(&self.recent);
        !self.lanes.is_empty()
    }

    /// The lanes that gave jobs lately, each from where it would go on.
    #[must_use]
    pub fn recent(&self) -> &[Lane] {
        &self.recent
    }

    /// Whether no lane is known to have jobs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// The kinds that have jobs waiting.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.lanes.iter().map(|lane| lane.kind.as_str())
    }

    /// What to take of each lane, where so many jobs of each kind can be started. Never more than that in all.
    #[must_use]
    pub fn shares(&mut self, free: &HashMap<String, usize>) -> Vec<Share> {
        self.turn = self.turn.wrapping_add(1);
        let mut shares = Vec::new();
        for (kind, slots) in free {
            let mut users: BTreeMap<Option<Uuid>, Vec<&Lane>> = BTreeMap::new();
            for lane in self.lanes.iter().filter(|lane| lane.kind == *kind) {
                users.entry(lane.user_id).or_default().push(lane);
            }
            let users: Vec<_> = users.into_values().collect();
            let round = self.turn / users.len().max(1);
            for (lanes, slots) in split(&users, *slots, self.turn) {
                for (lane, quota) in split(lanes, slots, round) {
                    let quota = i32::try_from(quota).unwrap_or(i32::MAX);
                    shares.push(Share { lane: lane.lane, kind: lane.kind.clone(), since: lane.since, quota });
                }
            }
        }
        shares
    }

    /// The lane with that number.
    #[must_use]
    pub fn lane(&self, number: i64) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.lane == number)
    }

    /// Leaves a lane out until the next refill.
    pub fn leave_out(&mut self, number: i64) {
        self.lanes.retain(|lane| lane.lane != number);
    }

    /// Notes what a claim of these shares brought, by the jobs' lanes and ranks: a lane that gave less than it was asked
    /// for has no more.
    pub fn claimed(&mut self, shares: &[Share], brought: impl IntoIterator<Item = (i64, DateTime<Utc>)>) {
        let mut by_lane: HashMap<i64, (usize, DateTime<Utc>)> = HashMap::new();
        for (lane, rank) in brought {
            let (count, last) = by_lane.entry(lane).or_insert((0, rank));
            (*count, *last) = (*count + 1, rank.max(*last));
        }
        for share in shares {
            let (count, last) = by_lane.get(&share.lane).copied().unwrap_or((0, share.since));
            if count > 0
                && let Some(lane) = self.lanes.iter().find(|lane| lane.lane == share.lane)
            {
                let lane = Lane { since: last, ..lane.clone() };
                self.recent.retain(|known| known.lane != lane.lane);
                self.recent.push(lane);
                if self.recent.len() > RECENT {
                    self.recent.remove(0);
                }
            }
            if count < usize::try_from(share.quota).unwrap_or(0) {
                self.lanes.retain(|lane| lane.lane != share.lane);
            } else if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.lane == share.lane) {
                lane.since = last;
            }
        }
    }
}

/// Splits `slots` among `parts` as evenly as can be, beginning at `turn`; those who get nothing are left out.
fn split<T>(parts: &[T], slots: usize, turn: usize) -> Vec<(&T, usize)> {
    if parts.is_empty() {
        return Vec::new();
    }
    let (each, rest) = (slots / parts.len(), slots % parts.len());
    let from_turn = parts.iter().cycle().skip(turn % parts.len()).take(parts.len());
    from_turn
        .enumerate()
        .map(|(place, part)| (part, each + usize::from(place < rest)))
        .filter(|(_, slots)| *slots > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;
    use proptest::prelude::*;

    fn lane(number: i64, kind: &str, user: u8) -> Lane {
        let user_id = (user > 0).then(|| Uuid::from_u128(user.into()));
        Lane {
            lane: number,
            kind: kind.into(),
            limit_key: None,
            user_id,
            since: DateTime::UNIX_EPOCH,
            is_limited: false,
        }
    }

    fn ring(lanes: Vec<Lane>) -> Ring {
        let mut ring = Ring::default();
        ring.refill(lanes);
        ring
    }

    fn free(slots: usize) -> HashMap<String, usize> {
        HashMap::from([("probe".to_owned(), slots)])
    }

    proptest! {
        #[test]
        fn no_slot_is_given_twice_none_is_wasted_and_users_are_even(
            users in prop::collection::vec(0..6_u8, 1..40), slots in 0..200_usize, rounds in 1..5,
        ) {
            let lanes: Vec<_> = users.iter().zip(0..).map(|(user, number)| lane(number, "probe", *user)).collect();
            let mut ring = ring(lanes.clone());
            for _ in 0..rounds {
                let shares = ring.shares(&free(slots));
                let total: i32 = shares.iter().map(|share| share.quota).sum();
                prop_assert_eq!(total as usize, slots);
                let mut by_user: HashMap<Option<Uuid>, i32> = lanes.iter().map(|lane| (lane.user_id, 0)).collect();
                for share in &shares {
                    *by_user.get_mut(&lanes[share.lane as usize].user_id).unwrap() += share.quota;
                }
                let (least, most) = (by_user.values().min().unwrap(), by_user.values().max().unwrap());
                prop_assert!(most - least <= 1, "{by_user:?}");
            }
        }

        #[test]
        fn every_user_is_served_within_as_many_rounds_as_there_are_users(users in 1..20_u8, slots in 1..4_usize) {
            let mut ring = ring((1..=users).map(|user| lane(user.into(), "probe", user)).collect());
            let mut waiting: Vec<i64> = (1..=users).map(Into::into).collect();
            for _ in 0..users {
                for share in ring.shares(&free(slots)) {
                    waiting.retain(|lane| *lane != share.lane);
                }
            }
            prop_assert_eq!(waiting, Vec::<i64>::new());
        }
    }

    #[test]
    fn a_lane_that_gave_less_is_left_out_and_one_that_gave_all_goes_on_where_it_was() {
        let mut ring = ring(vec![lane(1, "probe", 1), lane(2, "probe", 2), lane(3, "generation", 0)]);
        let shares = ring.shares(&free(4));
        assert_eq!(shares.len(), 2, "no slot is free for the other kind");
        let last = DateTime::UNIX_EPOCH + chrono::Duration::seconds(9);
        ring.claimed(&shares, [(1, DateTime::UNIX_EPOCH), (1, last), (2, last)]);
        assert_eq!(ring.kinds().collect::<Vec<_>>(), ["probe", "generation"]);
        let first = Share { lane: 1, kind: "probe".into(), since: last, quota: 4 };
        assert_eq!(ring.shares(&free(4)), slice::from_ref(&first));
        ring.refill(Vec::new());
        assert!(ring.recall(), "both gave jobs");
        assert_eq!(ring.shares(&free(8)).iter().find(|share| share.lane == 1), Some(&first));
    }
}
