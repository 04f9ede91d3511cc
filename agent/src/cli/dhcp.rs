//! `hearth dhcp snippet`.

use std::net::{IpAddr, Ipv4Addr};

use super::args::Snippet;
use super::exit::{Failed, USAGE};
use super::print;
use crate::config::Config;
use crate::dhcp;

pub fn snippet(config: &Config, asked: &Snippet) -> Result<u8, Failed> {
    let address = match (&asked.address, &asked.interface, &asked.subnet) {
        (Some(address), _, _) => *address,
        (_, Some(interface), _) => {
            let there = addresses_of(interface);
            first(config, &format!("on {interface}"), |own| {
                there.contains(&own)
            })?
        }
        (_, _, Some(subnet)) => {
            let (network, bits) = subnet.0;
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            let part = |address: Ipv4Addr| u32::from(address) & mask;
            first(config, &format!("in {network}/{bits}"), |own| {
                part(own) == part(network)
            })?
        }
        _ => first(config, "that machines could be sent to", |_| true)?,
    };
    print(&dhcp::snippet(config, asked.server, address))?;
    Ok(0)
}

/// The first of `server.addresses` for which `fits` holds.
fn first(
    config: &Config,
    which: &str,
    fits: impl Fn(Ipv4Addr) -> bool,
) -> Result<Ipv4Addr, Failed> {
    let own = config.server.addresses.iter();
    let mut own = own.filter_map(|address| match address {
        IpAddr::V4(address) if !address.is_unspecified() => Some(*address),
        _ => None,
    });
    own.find(|address| fits(*address)).ok_or_else(|| {
        let text = format!("server.addresses has no IPv4 address {which}: give --address");
        Failed::new(USAGE, text)
    })
}

fn addresses_of(interface: &str) -> Vec<Ipv4Addr> {
    let all = nix::ifaddrs::getifaddrs().into_iter().flatten();
    all.filter(|one| one.interface_name == interface)
        .filter_map(|one| Some(one.address?.as_sockaddr_in()?.ip()))
        .collect()
}
