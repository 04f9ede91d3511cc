//! Which card was given which address, so that a transfer can be told whose it is before the machine's
//! first script says so.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::limits;
use crate::mac::Mac;

/// The last addresses that DHCP servers gave out, at most [`limits::DHCP_LEASES`].
#[derive(Debug, Default)]
pub struct Leases(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    cards: HashMap<IpAddr, Mac>,
    order: VecDeque<IpAddr>,
}

impl Leases {
    /// The card has this address now.
    pub fn put(&self, mac: Mac, address: IpAddr) {
        let mut kept = self.kept();
        if kept.cards.insert(address, mac).is_some() {
            return;
        }
        kept.order.push_back(address);
        if kept.order.len() > limits::DHCP_LEASES
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.cards.remove(&oldest);
        }
    }

    /// The card that was last given an address.
    pub fn mac_at(&self, address: IpAddr) -> Option<Mac> {
        self.kept().cards.get(&address).copied()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_last_card_and_the_oldest_make_room() {
        let leases = Leases::default();
        let mac = |last: u8| Mac::new([2, 0, 0, 0, 0, last]).unwrap();
        let address = |number: usize| IpAddr::from(u32::try_from(number).unwrap().to_be_bytes());
        leases.put(mac(1), address(0));
        leases.put(mac(2), address(0));
        assert_eq!(leases.mac_at(address(0)), Some(mac(2)));
        (1..=limits::DHCP_LEASES).for_each(|number| leases.put(mac(3), address(number)));
        assert_eq!(leases.mac_at(address(0)), None);
        assert_eq!(leases.mac_at(address(1)), Some(mac(3)));
        assert_eq!(leases.kept().cards.len(), limits::DHCP_LEASES);
    }
}
