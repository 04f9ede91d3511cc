//! `hearth dhcp`.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::json;

use super::args::{Dhcp, Place};
use super::exit::{Failed, USAGE};
use super::print;
use super::table::table;
use crate::config::Config;
use crate::dhcp::fields::{Boot, Fields};

pub fn dhcp(config: &Config, asked: &Dhcp) -> Result<u8, Failed> {
    match asked {
        Dhcp::Snippet { server, place } => {
            let text = crate::dhcp::snippet(config, *server, address(config, place)?);
            print(&text)?;
        }
        Dhcp::Fields { place, json } => fields(config, place, *json)?,
    }
    Ok(0)
}

/// The fields of the one place that is asked for, or of every address.
fn fields(config: &Config, place: &Place, json: bool) -> Result<(), Failed> {
    let addresses = match place.is_named() {
        true => vec![address(config, place)?],
        false => own_addresses(config).collect(),
    };
    let all: Vec<_> = addresses
        .into_iter()
        .map(|address| Fields::new(config, address))
        .collect();
    if json {
        return print(&format!("{:#}\n", json!({ "networks": all })));
    }
    let rows: Vec<_> = all.iter().flat_map(lines).collect();
    print(&table(
        &["NEXT-SERVER", "CLIENT", "KNOWN BY", "GETS"],
        &rows,
    ))
}

fn lines(fields: &Fields) -> Vec<Vec<String>> {
    let address = fields.address.to_string();
    let line = |client: &str, known: String, gets: &str| {
        vec![address.clone(), client.to_owned(), known, gets.to_owned()]
    };
    let ipxe = &fields.ipxe;
    let known = format!("option 77 = {}", ipxe.option_77);
    let mut lines = vec![line("iPXE", known, ipxe.file)];
    lines.extend(fields.rows.iter().map(|row| {
        let values: Vec<_> = row.option_93.iter().map(u16::to_string).collect();
        let (Boot::File(gets) | Boot::Url(gets)) = &row.boot;
        line(
            row.label,
            format!("option 93 = {}", values.join(", ")),
            gets,
        )
    }));
    lines
}

fn address(config: &Config, place: &Place) -> Result<Ipv4Addr, Failed> {
    Ok(match (&place.address, &place.interface, &place.subnet) {
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
    })
}

/// The first of `server.addresses` for which `fits` holds.
fn first(
    config: &Config,
    which: &str,
    fits: impl Fn(Ipv4Addr) -> bool,
) -> Result<Ipv4Addr, Failed> {
    own_addresses(config)
        .find(|address| fits(*address))
        .ok_or_else(|| {
            let text = format!("server.addresses has no IPv4 address {which}: give --address");
            Failed::new(USAGE, text)
        })
}

/// The addresses of `server.addresses` that a DHCP server can name.
fn own_addresses(config: &Config) -> impl Iterator<Item = Ipv4Addr> {
    let own = config.server.addresses.iter();
    own.filter_map(|address| match address {
        IpAddr::V4(address) if !address.is_unspecified() => Some(*address),
        _ => None,
    })
}

fn addresses_of(interface: &str) -> Vec<Ipv4Addr> {
    let all = nix::ifaddrs::getifaddrs().into_iter().flatten();
    all.filter(|one| one.interface_name == interface)
        .filter_map(|one| Some(one.address?.as_sockaddr_in()?.ip()))
        .collect()
}
