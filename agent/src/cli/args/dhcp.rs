//! `hearth dhcp` and what can be written behind it.

use std::net::Ipv4Addr;
use std::str::FromStr;

use clap::{Args, Subcommand};

use crate::dhcp;

/// `hearth dhcp`.
#[derive(Debug, Subcommand)]
pub enum Dhcp {
    /// Print the fields for a DHCP server
    ///
    /// Each kind of firmware is told its loader, and iPXE is told default.ipxe.
    /// Machines are sent to the first IPv4 address of server.addresses, unless
    /// an option says which.
    #[command(after_long_help = "\
Examples:
  hearth dhcp snippet --for kea
  hearth dhcp snippet --for isc --subnet 192.168.20.0/24
  hearth dhcp snippet --for windows --address 192.168.1.1")]
    Snippet {
        /// Whose language: isc, kea, dnsmasq, mikrotik or windows
        #[arg(long = "for", value_name = "SERVER")]
        server: dhcp::Server,
        #[command(flatten)]
        place: Place,
    },
    /// Show the fields in no server's language
    ///
    /// Those of every IPv4 address of server.addresses, unless an option says which.
    #[command(after_long_help = "\
Examples:
  hearth dhcp fields
  hearth dhcp fields --subnet 192.168.20.0/24 --json")]
    Fields {
        #[command(flatten)]
        place: Place,
        /// For programs
        #[arg(long)]
        json: bool,
    },
}

/// Where the machines are, as one of the server's addresses.
#[derive(Args, Debug)]
pub struct Place {
    /// Where machines reach Hearth
    #[arg(long, group = "where")]
    pub address: Option<Ipv4Addr>,
    /// Take the address that this interface has
    #[arg(long, group = "where", value_name = "NAME")]
    pub interface: Option<String>,
    /// Take the address that lies in this network
    #[arg(long, group = "where", value_name = "NETWORK/BITS")]
    pub subnet: Option<Subnet>,
}

impl Place {
    /// Whether any of the options is given.
    pub fn is_named(&self) -> bool {
        self.address.is_some() || self.interface.is_some() || self.subnet.is_some()
    }
}

/// An IPv4 network: `192.168.1.0/24`.
#[derive(Clone, Copy, Debug)]
pub struct Subnet(pub (Ipv4Addr, u8));

impl FromStr for Subnet {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Subnet, Self::Err> {
        let network = text.split_once('/').and_then(|(address, bits)| {
            let bits = bits.parse().ok().filter(|bits| *bits <= 32)?;
            Some((address.parse().ok()?, bits))
        });
        network
            .map(Subnet)
            .ok_or("not an IPv4 network such as 192.168.1.0/24")
    }
}
