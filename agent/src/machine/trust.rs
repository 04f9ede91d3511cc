//! Whether a request comes from the card that it claims: the neighbour table knows which card has an
//! address. No secret goes to an [`Trust::Impostor`]; where nothing here can tell, an installation's
//! token and the address that it is bound to are what guards a secret.
//!
//! It keeps out whoever only says that it is another machine. Who also sends from the other's MAC
//! while that machine is off cannot be told from it by anything that firmware does.

use super::Facts;
use crate::mac::Mac;

/// How far a request is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The card that has the address is one of those that are claimed.
    Confirmed,
    /// Nothing here can tell: the address is behind a router, or the table has no entry for it
    /// (IPv6 has none, see [`crate::sys::neighbour`]).
    Unknown,
    /// The card that has the address is the one that is claimed, of a machine that never had it: a new
    /// card, or another machine that knows a UUID. Nothing that is meant for that machine alone goes to
    /// it.
    NewCard {
        /// A card of the machine.
        known: Mac,
        /// The card that has the address.
        found: Mac,
    },
    /// Another card has the address.
    Impostor {
        /// The card that is claimed: the one it says it boots from.
        claimed: Mac,
        /// The card that has the address.
        found: Mac,
    },
}

/// Judges a request by the card that has its address, if the address is on a link of ours.
///
/// `known` are the cards of the machine's record as they were before this request, and those that are
/// declared for it; empty for one that is new. A card that the machine never had before is not
/// confirmed by the request that brings it: who knows a UUID, and every DHCP request tells it to the
/// whole network, could claim a machine with a card of its own.
pub fn check(facts: &Facts, known: &[Mac], neighbour: Option<Mac>, is_on_link: bool) -> Trust {
    let claimed = facts.macs.first().or(known.first());
    let (true, Some(found), Some(&claimed)) = (is_on_link, neighbour, claimed) else {
        return Trust::Unknown;
    };
    let is_claimed = facts.macs.contains(&found);
    match (known.contains(&found), is_claimed, known.first()) {
        (true, ..) | (false, true, None) => Trust::Confirmed,
        (false, true, Some(&known)) => Trust::NewCard { known, found },
        (false, false, _) => Trust::Impostor { claimed, found },
    }
}

/// What is left of the facts of an impostor, for [`super::registry::Registry::meet`]; with them it finds and
/// changes nothing of whom it claims to be (to judge a request before it is met, look with
/// [`super::registry::Registry::find`]): it is the machine that has the card that was found. What
/// it runs on may be so, for it has to be sent something that it can read; who it is is not.
pub fn without_claims(facts: Facts, found: Mac) -> Facts {
    Facts {
        uuid: None,
        macs: vec![found],
        manufacturer: String::new(),
        serial: String::new(),
        asset: String::new(),
        hostname: String::new(),
        ..facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(last: u8) -> Mac {
        Mac::new([0x52, 0x54, 0, 0, 0, last]).unwrap()
    }

    /// Claims cards 1 and 2.
    fn of(known: &[u8], neighbour: Option<u8>, is_on_link: bool) -> Trust {
        let facts = Facts {
            macs: vec![mac(1), mac(2)],
            ..Facts::default()
        };
        let known: Vec<_> = known.iter().copied().map(mac).collect();
        check(&facts, &known, neighbour.map(mac), is_on_link)
    }

    #[test]
    fn every_case_is_judged() {
        use Trust::{Confirmed, Unknown};
        let impostor = Trust::Impostor {
            claimed: mac(1),
            found: mac(9),
        };
        let new_card = Trust::NewCard {
            known: mac(3),
            found: mac(1),
        };
        for (known, neighbour, is_on_link, expected) in [
            (&[1, 2][..], Some(1), true, Confirmed),
            (&[1], Some(1), true, Confirmed),
            (&[], Some(2), true, Confirmed),
            // A card of its own that this request does not name.
            (&[3], Some(3), true, Confirmed),
            // A card that it has from now on, as it says.
            (&[3], Some(1), true, new_card),
            (&[1], Some(9), true, impostor),
            (&[], Some(9), true, impostor),
            // A router's card stands for everybody behind it.
            (&[1], Some(9), false, Unknown),
            (&[1], Some(1), false, Unknown),
            (&[1], None, true, Unknown),
        ] {
            let trust = of(known, neighbour, is_on_link);
            assert_eq!(trust, expected, "{known:?} {neighbour:?} {is_on_link}");
        }
    }

    #[test]
    fn a_request_without_a_card_is_held_against_the_cards_that_are_known() {
        let facts = Facts::default();
        assert_eq!(check(&facts, &[], Some(mac(9)), true), Trust::Unknown);
        let trust = check(&facts, &[mac(1)], Some(mac(9)), true);
        assert!(matches!(trust, Trust::Impostor { .. }));
    }

    #[test]
    fn nothing_that_an_impostor_claims_finds_a_machine() {
        use crate::machine::registry::Registry;
        let claims = Facts::parse(
            "uuid=4c4c4544-0042-3510-8052-b4c04f4d3132&mac=52:54:00:00:00:01&manufacturer=IBM\
             &serial=KQ01234&asset=7&hostname=oden&platform=efi",
        );
        let mut registry = Registry::default();
        registry.meet(&claims, None, None, 0);
        assert!(registry.find(&claims, None, None, 0).is_some());
        let facts = without_claims(claims, mac(9));
        assert!(registry.find(&facts, None, None, 0).is_none());
        assert_eq!(facts.platform(), crate::arch::Platform::Efi);
    }
}
