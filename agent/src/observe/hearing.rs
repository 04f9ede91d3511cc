//! Which of the DHCP messages that were heard are worth an event. No socket, no clock.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Instant;

use super::bucket::Bucket;
use super::clients::Clients;
use crate::dhcp::packet::Heard;
use crate::event::{Dhcp, DhcpMessage};
use crate::limits;
use crate::mac::Mac;

/// What was heard lately.
#[derive(Debug)]
pub struct Hearing {
    clients: Clients,
    recent: VecDeque<Recent>,
    of_known: Bucket,
    of_others: Bucket,
    left_out: u64,
}

/// A message that became an event.
#[derive(Debug)]
struct Recent {
    dhcp: Dhcp,
    interface: u64,
    at: Instant,
}

/// A message that is worth an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// What it says.
    pub dhcp: Dhcp,
    /// Its client boots from the network, or did so lately.
    pub boots: bool,
}

/// A machine has an address from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Its card.
    pub mac: Mac,
    /// What it was given.
    pub address: IpAddr,
    /// It boots from the network, or did so lately.
    pub boots: bool,
}

impl Told {
    /// The address that the message gives; only an acknowledgement does.
    pub fn lease(&self) -> Option<Lease> {
        let is_given = self.dhcp.message == DhcpMessage::Ack;
        Some(Lease {
            mac: self.dhcp.mac,
            address: self.dhcp.address.filter(|_| is_given)?,
            boots: self.boots,
        })
    }
}

impl Hearing {
    /// Nothing was heard.
    pub fn new(now: Instant) -> Hearing {
        Hearing {
            clients: Clients::default(),
            recent: VecDeque::new(),
            of_known: Bucket::new(limits::DHCP_EVENTS_OF_KNOWN, now),
            of_others: Bucket::new(limits::DHCP_EVENTS_OF_OTHERS, now),
            left_out: 0,
        }
    }

    /// A message was heard on an interface, which any number stands for. It is worth an event if its
    /// client boots from the network, did so lately, or is a machine that `is_known`; not if it is a
    /// copy, a renewal of such a machine's address, or one too many.
    pub fn hear(
        &mut self,
        interface: u64,
        heard: Heard,
        is_known: impl FnOnce(Mac) -> bool,
        now: Instant,
    ) -> Option<Told> {
        let Heard {
            dhcp,
            boots,
            renews,
        } = heard;
        if self.is_copy(interface, &dhcp, now) {
            return None;
        }
        let follows = boots || self.clients.boots(dhcp.mac, now);
        if renews && !follows {
            return None;
        }
        let is_known = is_known(dhcp.mac);
        if !follows && !is_known {
            return None;
        }
        // Only a client says that it boots; a server that answers everybody as one does not count.
        let begins = boots && dhcp.server.is_none();
        let total = if is_known {
            &mut self.of_known
        } else {
            &mut self.of_others
        };
        if !self.clients.take(dhcp.mac, begins, now) || !total.take(now) {
            self.left_out += 1;
            return None;
        }
        self.recent.push_back(Recent {
            dhcp: dhcp.clone(),
            interface,
            at: now,
        });
        if self.recent.len() > limits::DHCP_COPIES {
            self.recent.pop_front();
        }
        Some(Told {
            dhcp,
            boots: follows,
        })
    }

    /// One frame is heard on a bridge and on its member, on a VLAN and on the interface below it, and
    /// before and behind a relay. On one interface it is a repetition, which tells something.
    fn is_copy(&self, interface: u64, dhcp: &Dhcp, now: Instant) -> bool {
        let mut recent =
            self.recent.iter().rev().take_while(|recent| {
                now.saturating_duration_since(recent.at) < limits::DHCP_COPY_TIME
            });
        recent.any(|recent| recent.interface != interface && recent.dhcp == *dhcp)
    }

    /// How many were one too many since this was asked last.
    pub fn left_out(&mut self) -> u64 {
        std::mem::take(&mut self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOBODY: fn(Mac) -> bool = |_| false;
    const EVERYBODY: fn(Mac) -> bool = |_| true;

    fn mac(number: u32) -> Mac {
        let [a, b, c, d] = number.to_be_bytes();
        Mac::new([2, 1, a, b, c, d]).unwrap()
    }

    fn message(message: DhcpMessage, number: u32, boots: bool) -> Heard {
        let server = matches!(message, DhcpMessage::Offer | DhcpMessage::Ack);
        Heard {
            dhcp: Dhcp {
                message,
                mac: mac(number),
                xid: number,
                architectures: if boots && !server {
                    vec![7]
                } else {
                    Vec::new()
                },
                vendor_class: String::new(),
                is_ipxe: false,
                uuid: None,
                server: server.then_some([192, 168, 1, 1].into()),
                address: server.then_some([192, 168, 1, 171].into()),
                next_server: None,
                file: None,
                has_options_66_67: false,
            },
            boots,
            renews: false,
        }
    }

    fn discover(number: u32) -> Heard {
        message(DhcpMessage::Discover, number, true)
    }

    #[test]
    fn who_boots_and_who_answers_it_are_heard_and_other_clients_are_not() {
        let now = Instant::now();
        let mut hearing = Hearing::new(now);
        let mut hear = |heard| hearing.hear(1, heard, NOBODY, now).is_some();
        assert!(!hear(message(DhcpMessage::Offer, 1, false)), "not asked");
        assert!(hear(discover(1)));
        assert!(hear(message(DhcpMessage::Offer, 1, false)));
        assert!(hear(message(DhcpMessage::Request, 1, false)), "its kernel");
        assert!(!hear(message(DhcpMessage::Discover, 2, false)));
        assert!(!hear(message(DhcpMessage::Ack, 2, false)));
        assert!(hear(message(DhcpMessage::Offer, 3, true)), "of a proxy");
        assert!(!hear(message(DhcpMessage::Request, 3, false)));
    }

    #[test]
    fn a_known_machine_is_heard_but_for_its_renewals() {
        let now = Instant::now();
        let mut hearing = Hearing::new(now);
        let system = || message(DhcpMessage::Request, 1, false);
        assert!(hearing.hear(1, system(), EVERYBODY, now).is_some());
        let renewal = Heard {
            renews: true,
            ..system()
        };
        assert!(hearing.hear(1, renewal, EVERYBODY, now).is_none());
        let boot = Heard {
            renews: true,
            ..discover(1)
        };
        assert!(hearing.hear(1, boot, EVERYBODY, now).is_some());
    }

    #[test]
    fn a_copy_on_another_interface_is_left_out_and_a_repetition_is_not() {
        let start = Instant::now();
        let mut hearing = Hearing::new(start);
        let mut hear = |interface, after| {
            let now = start + Duration::from_millis(after);
            hearing.hear(interface, discover(1), NOBODY, now).is_some()
        };
        assert!(hear(1, 0));
        assert!(!hear(2, 1));
        assert!(!hear(3, 2));
        assert!(hear(1, 400), "again on the same");
        assert!(!hear(2, 401));
        assert!(hear(2, 2_000), "the other happened to be read first");
        assert!(!hear(1, 2_001));
        let other = Heard {
            dhcp: Dhcp {
                xid: 99,
                ..discover(1).dhcp
            },
            ..discover(1)
        };
        let now = start + Duration::from_millis(2_002);
        assert!(hearing.hear(2, other, NOBODY, now).is_some());
    }

    #[test]
    fn one_machine_that_asks_without_end_has_a_bounded_number_of_events() {
        let start = Instant::now();
        let mut hearing = Hearing::new(start);
        let (burst, each_second) = limits::DHCP_EVENTS_OF_ONE;
        let times = (0..20_000).map(|number| start + Duration::from_millis(number));
        let heard = times.filter(|now| hearing.hear(1, discover(1), EVERYBODY, *now).is_some());
        let heard = heard.count() as u64;
        let most = u64::from(burst + 20 * each_second);
        assert!((most - 1..=most).contains(&heard), "{heard}");
        assert_eq!(hearing.left_out(), 20_000 - heard);
        assert_eq!(hearing.left_out(), 0);
    }

    #[test]
    fn a_flood_of_made_up_machines_is_bounded_and_hides_no_known_one() {
        let now = Instant::now();
        let mut hearing = Hearing::new(now);
        let (burst, _) = limits::DHCP_EVENTS_OF_OTHERS;
        let heard = (1..100_000).filter(|number| {
            let heard = hearing.hear(1, discover(*number), NOBODY, now);
            heard.is_some()
        });
        assert_eq!(heard.count(), burst as usize);
        assert!(hearing.hear(1, discover(0), EVERYBODY, now).is_some());
    }

    #[test]
    fn only_what_a_server_confirms_is_a_lease_and_it_is_known_of_whom() {
        let now = Instant::now();
        let mut hearing = Hearing::new(now);
        let mut lease = |heard| hearing.hear(1, heard, EVERYBODY, now).unwrap().lease();
        let given = |boots| {
            Some(Lease {
                mac: mac(1),
                address: [192, 168, 1, 171].into(),
                boots,
            })
        };
        assert_eq!(lease(message(DhcpMessage::Ack, 1, false)), given(false));
        assert_eq!(lease(discover(1)), None);
        assert_eq!(lease(message(DhcpMessage::Offer, 1, false)), None);
        assert_eq!(lease(message(DhcpMessage::Ack, 1, false)), given(true));
    }
}
