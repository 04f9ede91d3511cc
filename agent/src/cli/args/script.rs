//! What can be written behind `hearth script`.

use std::net::IpAddr;

use clap::Args;

use crate::arch::{Cpu, Platform};
use crate::config::Name;
use crate::mac::Mac;
use crate::uuid::Uuid;

/// The machine of `hearth script`.
#[derive(Args, Debug)]
pub struct Machine {
    /// One that the agent knows, by name, MAC, UUID or number: what it would get now
    #[arg(conflicts_with_all = [
        "mac", "uuid", "platform", "arch", "ip", "manufacturer", "product", "serial", "asset", "busid",
        "item", "menu", "fallback",
    ])]
    pub machine: Option<String>,
    /// Print the script with phase, decision and reason as JSON
    #[arg(long, requires = "machine")]
    pub json: bool,
    /// A MAC, that of the card it boots from first
    #[arg(long)]
    pub mac: Vec<Mac>,
    /// Its SMBIOS UUID
    #[arg(long)]
    pub uuid: Option<Uuid>,
    /// What it boots with: pcbios or efi
    #[arg(long, default_value = "efi")]
    pub platform: Platform,
    /// Its processor: amd64, arm64, ...
    #[arg(long, default_value = "amd64")]
    pub arch: Cpu,
    /// Its address
    #[arg(long)]
    pub ip: Option<IpAddr>,
    /// SMBIOS manufacturer
    #[arg(long, default_value = "", hide_default_value = true)]
    pub manufacturer: String,
    /// SMBIOS product
    #[arg(long, default_value = "", hide_default_value = true)]
    pub product: String,
    /// SMBIOS serial number
    #[arg(long, default_value = "", hide_default_value = true)]
    pub serial: String,
    /// SMBIOS asset tag
    #[arg(long, default_value = "", hide_default_value = true)]
    pub asset: String,
    /// The network card as iPXE names it, for example 0114e41639
    #[arg(long, default_value = "", hide_default_value = true)]
    pub busid: String,
    /// The menu item that is chosen at the machine
    #[arg(long, value_parser = Name::new, conflicts_with = "menu")]
    pub item: Option<Name>,
    /// Somebody at the machine asks for the menu
    #[arg(long)]
    pub menu: bool,
    /// The address of ours that it asks; the first if not given
    #[arg(long, value_name = "ADDRESS")]
    pub asked: Option<IpAddr>,
    /// Print default.ipxe, with the menu that works without HTTP
    #[arg(long)]
    pub fallback: bool,
}
