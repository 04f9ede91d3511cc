//! The addresses of this host, which come and go: a firewall's interfaces come up one after the other,
//! are given other addresses, and a shared address (CARP) moves to another host and back.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use nix::net::if_::InterfaceFlags;

use super::{Daemon, signals};
use crate::config::Config;
use crate::sys::bind;

/// An address of this host, and the interface that has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Local {
    /// The interface's name.
    pub interface: String,
    /// One of its addresses.
    pub address: IpAddr,
    /// Several hosts are on it, and this one is not alone: neither loopback nor a tunnel.
    pub is_shared: bool,
}

/// Every address that an interface has now; `None`: the system does not say.
pub fn local() -> Option<Vec<Local>> {
    let all = nix::ifaddrs::getifaddrs().ok()?;
    let local = all.filter_map(|one| {
        let address = one.address?;
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        let v6 = || address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip()));
        Some(Local {
            interface: one.interface_name,
            address: v4.or_else(v6)?,
            is_shared: one.flags.contains(InterfaceFlags::IFF_BROADCAST),
        })
    });
    Some(local.collect())
}

/// The addresses that the configuration names and that no interface has.
pub fn missing(config: &Config, local: &[Local]) -> Vec<IpAddr> {
    let named = config.server.addresses.iter().chain(&config.api.addresses);
    let mut missing: Vec<IpAddr> = Vec::new();
    for address in named {
        let is_there = address.is_unspecified()
            || address.is_loopback()
            || local.iter().any(|one| one.address == *address);
        // Where the system says nothing at all, nothing is missed.
        if !is_there && !local.is_empty() && !missing.contains(address) {
            missing.push(*address);
        }
    }
    missing
}

/// What is waited for, for people.
pub fn waits(address: &IpAddr) -> String {
    format!(
        "no interface has the address {address} now; machines reach Hearth there as soon as one has"
    )
}

/// Those that a socket can be bound to now: all, where one may be bound before its address is there
/// ([`bind`]).
pub fn bindable(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let addresses = addresses.iter().copied();
    addresses
        .filter(|address| bind::is_possible(address.ip()))
        .collect()
}

/// Looks whether this host's addresses are others than at the last look, and has the daemon follow.
#[derive(Default)]
pub struct Lookout(BTreeSet<Local>);

impl Lookout {
    /// Begins with what is there.
    pub fn new() -> Lookout {
        Lookout(local().unwrap_or_default().into_iter().collect())
    }

    /// Looks.
    pub fn look(&mut self) {
        let now: BTreeSet<Local> = local().unwrap_or_default().into_iter().collect();
        if self.0 != now {
            self.0 = now;
            signals::ask_to_change();
        }
    }
}

impl Daemon {
    /// Takes up what is there now, and says what came and went. Nothing that runs is cut: a socket
    /// stays as it is while its address is away, and works again once it is back.
    pub(super) fn follow_addresses(&mut self) {
        let config = self.keeper.site().config.clone();
        let local = local().unwrap_or_default();
        let missing = missing(&config, &local);
        let before = std::mem::replace(&mut *self.status.waits_for(), missing.clone());
        for address in missing.iter().filter(|one| !before.contains(one)) {
            log::warn!("{}", waits(address));
        }
        for address in before.iter().filter(|one| !missing.contains(one)) {
            if let Some(one) = local.iter().find(|one| one.address == *address) {
                log::info!("{address} is there now, on {}", one.interface);
            }
        }
        if let Err(error) = self.bind_more(&config) {
            log::warn!("an address is there that cannot be listened on: {error}");
        }
        self.observe_where(&config, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_interface_has_is_missed_once() {
        let mut config = crate::boot::testing::config("");
        let addresses = |all: &[&str]| all.iter().map(|one| one.parse().unwrap()).collect();
        config.server.addresses = addresses(&["192.168.1.1", "0.0.0.0", "127.0.0.1", "fd00::1"]);
        config.api.addresses = addresses(&["fd00::1", "192.168.2.1"]);
        let local = |address: &str| Local {
            interface: "igb0".to_owned(),
            address: address.parse().unwrap(),
            is_shared: true,
        };
        let missed = missing(&config, &[local("192.168.1.1"), local("fd00::2")]);
        assert_eq!(
            missed,
            addresses(&["fd00::1", "192.168.2.1"]) as Vec<IpAddr>
        );
        assert_eq!(missing(&config, &[]), Vec::<IpAddr>::new());
    }

    #[test]
    fn this_host_has_its_loopback() {
        let local = local().unwrap();
        let loopback = local.iter().find(|one| one.address.is_loopback()).unwrap();
        assert!(!loopback.is_shared);
    }
}
