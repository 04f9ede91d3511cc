//! What a DHCP server has to be told, in no server's language.
//!
//! One table for all: [`super::snippet()`] writes it in the words of a server, and `hearth dhcp fields`
//! gives it to programs, of which the firewall's plugin is one.

use std::net::Ipv4Addr;

use serde::Serialize;

use crate::arch::{CLIENTS, Client, Cpu, Platform};
use crate::config::Config;

/// The script that iPXE starts with, by its catalogue name.
pub const SCRIPT: &str = "default.ipxe";

/// How a client is known to be iPXE: option 77 is these bytes, without the length byte of RFC 3004.
pub const IPXE: &str = "iPXE";

/// Option 175 back to iPXE, in hexadecimal: sub-option 176 (`no-pxedhcp`) is 1.
pub const NO_PROXY: &str = "b00101";

/// The fields for machines that reach Hearth at one address.
#[derive(Debug, Serialize)]
pub struct Fields {
    /// Where TFTP and HTTP answer.
    pub address: Ipv4Addr,
    /// UDP port of TFTP.
    pub tftp_port: u16,
    /// TCP port of HTTP.
    pub http_port: u16,
    /// What iPXE is known by, and gets.
    pub ipxe: Ipxe,
    /// What each kind of firmware gets.
    pub rows: Vec<Row>,
}

/// What a client gets that is iPXE already.
#[derive(Debug, Serialize)]
pub struct Ipxe {
    /// The bytes of option 77.
    pub option_77: &'static str,
    /// The file that it gets by TFTP.
    pub file: &'static str,
    /// The bytes of option 175 that spare it the wait for a proxy DHCP server, in hexadecimal.
    pub option_175: &'static str,
}

/// One kind of firmware and what it gets.
#[derive(Debug, Serialize)]
pub struct Row {
    /// A short name, unique among the rows: `bios`, `x86_64`, `x86_64-http`.
    pub tag: String,
    /// For people.
    pub label: &'static str,
    /// The values of option 93 that mean it.
    pub option_93: Vec<u16>,
    /// What it loads.
    #[serde(flatten)]
    pub boot: Boot,
}

/// What a client loads.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Boot {
    /// A file by TFTP.
    File(String),
    /// A URL, for UEFI HTTP boot.
    Url(String),
}

impl Fields {
    /// The fields of a configuration: a row for each kind of firmware whose loader is kept.
    pub fn new(config: &Config, address: Ipv4Addr) -> Fields {
        let kept = &config.loaders.architectures;
        Fields::of(
            CLIENTS.iter().filter(|client| is_kept(client, kept)),
            address,
            config.server.http_port,
            config.server.tftp_port,
        )
    }

    pub(super) fn of<'a>(
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
            http_port,
            ipxe: Ipxe {
                option_77: IPXE,
                file: SCRIPT,
                option_175: NO_PROXY,
            },
            rows,
        }
    }
}

impl Row {
    /// The row in words, with its values of option 93.
    pub fn title(&self) -> String {
        let values: Vec<_> = self.option_93.iter().map(u16::to_string).collect();
        format!("{} (option 93: {})", self.label, values.join(", "))
    }
}

/// A BIOS loader runs on every x86 processor, so keeping either kind of x86 keeps it.
pub(super) fn is_kept(client: &Client, kept: &[Cpu]) -> bool {
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
