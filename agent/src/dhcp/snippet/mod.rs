//! One text for each kind of DHCP server, all from the same [`Fields`].
//!
//! What every text says, in the words of its server: a client that is iPXE (option 77 is the raw
//! bytes `iPXE`) gets `default.ipxe`; any other client gets the loader of the architecture that it
//! names in option 93, by TFTP or, for UEFI HTTP boot, as a URL with option 60 echoed.
//!
//! Option 175 alone does not make a client iPXE here: gPXE and Etherboot ROMs send it too, and
//! they need a loader first. A loader that is given a loader again would go round in circles, so
//! wherever two entries can match one client the iPXE entry is written where it wins.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use super::fields::{Boot, Fields, Row, SCRIPT};
use crate::config::Config;

mod dnsmasq;
mod isc;
mod kea;
mod mikrotik;
#[cfg(test)]
mod tests;
mod windows;

/// The port that firmware asks for TFTP; it cannot be told another one.
const TFTP_PORT: u16 = 69;

/// A kind of DHCP server that [`snippet`] writes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// ISC dhcpd.
    Isc,
    /// Kea.
    Kea,
    /// dnsmasq.
    Dnsmasq,
    /// MikroTik RouterOS 7.4 or newer.
    Mikrotik,
    /// The DHCP role of Windows Server 2012 or newer.
    Windows,
}

impl Server {
    /// Every kind, in the order in which help shows them.
    pub const ALL: [Server; 5] = [
        Server::Isc,
        Server::Kea,
        Server::Dnsmasq,
        Server::Mikrotik,
        Server::Windows,
    ];

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Server::Isc => "isc",
            Server::Kea => "kea",
            Server::Dnsmasq => "dnsmasq",
            Server::Mikrotik => "mikrotik",
            Server::Windows => "windows",
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Server, String> {
        Server::ALL
            .into_iter()
            .find(|server| server.name() == text)
            .ok_or_else(|| {
                let names: Vec<_> = Server::ALL.iter().map(|server| server.name()).collect();
                format!(
                    "unknown DHCP server `{text}`, expected one of {}",
                    names.join(", ")
                )
            })
    }
}

/// The fields as text for this kind of server, for machines that reach Hearth at `address`.
///
/// `address` is one of `server.addresses`. It is an IPv4 address because firmware is brought here
/// by DHCPv4's fields; see docs/dhcp.md on IPv6.
pub fn snippet(config: &Config, server: Server, address: Ipv4Addr) -> String {
    Fields::new(config, address).render(server)
}

impl Fields {
    fn render(&self, server: Server) -> String {
        match server {
            Server::Isc => isc::render(self),
            Server::Kea => kea::render(self),
            Server::Dnsmasq => dnsmasq::render(self),
            Server::Mikrotik => mikrotik::render(self),
            Server::Windows => windows::render(self),
        }
    }

    /// Lines for the head of each text, each behind the server's comment mark.
    fn head(&self, mark: &str, place: &[&str]) -> String {
        let mut lines = vec!["Network boot through Hearth.".to_owned()];
        lines.extend(place.iter().map(|&line| line.to_owned()));
        if self.tftp_port != TFTP_PORT {
            lines.push(format!(
                "Attention: Hearth's TFTP listens on port {}, but firmware always asks port 69.",
                self.tftp_port
            ));
        }
        lines
            .iter()
            .map(|line| format!("{mark} {line}\n"))
            .collect()
    }
}
