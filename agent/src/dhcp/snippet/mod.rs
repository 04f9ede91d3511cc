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

use crate::arch::{CLIENTS, Client, Cpu, Platform};
use crate::config::Config;

mod dnsmasq;
mod isc;
mod kea;
mod mikrotik;
#[cfg(test)]
mod tests;
mod windows;

/// The script that iPXE starts with, by its catalogue name.
const SCRIPT: &str = "default.ipxe";

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

/// What a DHCP server has to be told, in no server's language.
#[derive(Debug)]
struct Fields {
    /// Where TFTP and HTTP answer.
    address: Ipv4Addr,
    /// UDP port of TFTP.
    tftp_port: u16,
    /// What each kind of firmware gets.
    rows: Vec<Row>,
}

/// One kind of firmware and what it gets.
#[derive(Debug)]
struct Row {
    /// A short name, unique among the rows: `bios`, `x86_64`, `x86_64-http`.
    tag: String,
    /// For people.
    label: &'static str,
    /// The values of option 93 that mean it.
    option_93: Vec<u16>,
    /// What it loads.
    boot: Boot,
}

/// What a client loads.
#[derive(Debug)]
enum Boot {
    /// A file by TFTP.
    File(String),
    /// A URL, for UEFI HTTP boot.
    Url(String),
}

impl Fields {
    /// The fields of a configuration: a row for each kind of firmware whose loader is kept.
    fn new(config: &Config, address: Ipv4Addr) -> Fields {
        let kept = &config.loaders.architectures;
        Fields::of(
            CLIENTS.iter().filter(|client| is_kept(client, kept)),
            address,
            config.server.http_port,
            config.server.tftp_port,
        )
    }

    fn of<'a>(
        clients: impl Iterator<Item = &'a Client>,
        address: Ipv4Addr,
        http_port: u16,
        tftp_port: u16,
    ) -> Fields {
        let mut rows: Vec<Row> = Vec::new();
        for client in clients {
            let tag = tag(client);
            if let Some(row) = rows.iter_mut().find(|row| row.tag == tag) {
                row.option_93.push(client.option_93);
                continue;
            }
            let loader = client.loader();
            rows.push(Row {
                tag,
                label: client.label,
                option_93: vec![client.option_93],
                boot: if client.http {
                    Boot::Url(format!("http://{address}:{http_port}/files/{loader}"))
                } else {
                    Boot::File(loader)
                },
            });
        }
        Fields {
            address,
            tftp_port,
            rows,
        }
    }

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

impl Row {
    /// The row in words, with its values of option 93.
    fn title(&self) -> String {
        let values: Vec<_> = self.option_93.iter().map(u16::to_string).collect();
        format!("{} (option 93: {})", self.label, values.join(", "))
    }
}

/// A BIOS loader runs on every x86 processor, so keeping either kind of x86 keeps it.
fn is_kept(client: &Client, kept: &[Cpu]) -> bool {
    kept.contains(&client.cpu)
        || client.platform == Platform::Bios
            && kept.iter().any(|cpu| matches!(cpu, Cpu::I386 | Cpu::Amd64))
}

fn tag(client: &Client) -> String {
    let platform = match client.platform {
        Platform::Bios => "bios",
        Platform::Efi => client.cpu.ipxe_name(),
    };
    format!("{platform}{}", if client.http { "-http" } else { "" })
}
