//! The machines whose DHCP is followed, no more than a fixed number of them.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use super::bucket::Bucket;
use crate::limits;
use crate::mac::Mac;

/// What is remembered of each.
#[derive(Debug)]
struct Client {
    /// When it last said that it boots from the network.
    booted: Option<Instant>,
    heard: Instant,
    bucket: Bucket,
}

/// Machines by MAC.
#[derive(Debug, Default)]
pub struct Clients {
    clients: HashMap<Mac, Client>,
    /// Every one of them once, with when it was heard as it was put here: the longest silent are in
    /// front, or behind those that have spoken since.
    order: VecDeque<(Mac, Instant)>,
}

impl Clients {
    /// Whether this machine boots from the network, or did so lately.
    pub fn boots(&self, mac: Mac, now: Instant) -> bool {
        let booted = self.clients.get(&mac).and_then(|client| client.booted);
        booted.is_some_and(|then| now.saturating_duration_since(then) < limits::DHCP_BOOT_TIME)
    }

    /// This machine was heard. `false`: too often.
    pub fn take(&mut self, mac: Mac, boots: bool, now: Instant) -> bool {
        if !self.clients.contains_key(&mac) {
            self.make_room();
            self.order.push_back((mac, now));
        }
        let client = self.clients.entry(mac).or_insert_with(|| Client {
            booted: None,
            heard: now,
            bucket: Bucket::new(limits::DHCP_EVENTS_OF_ONE, now),
        });
        client.heard = now;
        if boots {
            client.booted = Some(now);
        }
        client.bucket.take(now)
    }

    /// Forgets the first in the order that has not spoken since it was put there. Whoever has goes to
    /// the end, but only a few of them at a time, since each costs time.
    fn make_room(&mut self) {
        let mut chances = 8;
        while self.clients.len() >= limits::DHCP_CLIENTS {
            let Some((mac, then)) = self.order.pop_front() else {
                return;
            };
            match self.clients.get(&mac) {
                Some(client) if client.heard > then && chances > 0 => {
                    chances -= 1;
                    self.order.push_back((mac, client.heard));
                }
                _ => drop(self.clients.remove(&mac)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn mac(number: usize) -> Mac {
        let [.., a, b, c] = number.to_be_bytes();
        Mac::new([2, 0, 1, a, b, c]).unwrap()
    }

    #[test]
    fn made_up_machines_fill_no_memory_and_who_speaks_is_kept() {
        let start = Instant::now();
        let mut clients = Clients::default();
        for number in 0..5 * limits::DHCP_CLIENTS {
            let now = start + Duration::from_micros(number as u64);
            clients.take(mac(number), true, now);
            if number % 1_000 == 0 {
                clients.take(mac(7), true, now);
            }
        }
        assert_eq!(clients.clients.len(), limits::DHCP_CLIENTS);
        assert_eq!(clients.order.len(), limits::DHCP_CLIENTS);
        let now = start + Duration::from_secs(1);
        assert!(clients.boots(mac(7), now));
        assert!(!clients.boots(mac(8), now), "it was silent longest");
        assert!(clients.boots(mac(5 * limits::DHCP_CLIENTS - 1), now));
    }

    #[test]
    fn a_boot_is_over_after_a_while() {
        let start = Instant::now();
        let mut clients = Clients::default();
        clients.take(mac(1), true, start);
        clients.take(mac(2), false, start);
        assert!(clients.boots(mac(1), start) && !clients.boots(mac(2), start));
        assert!(!clients.boots(mac(1), start + limits::DHCP_BOOT_TIME));
    }
}
