//! What can be written on the command line.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::arch::{Cpu, Platform};
use crate::dhcp;
use crate::mac::Mac;
use crate::uuid::Uuid;

/// The boot server of a network
#[derive(Debug, Parser)]
#[command(
    name = "hearth",
    version,
    max_term_width = 80,
    propagate_version = true
)]
pub struct Arguments {
    /// The configuration; conf.d/*.toml beside it are read too
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "/usr/local/etc/hearth/hearth.toml"
    )]
    pub config: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve TFTP and HTTP until SIGTERM; SIGHUP reloads
    Serve,
    /// Check the configuration and show every mistake with its place
    Check,
    /// Fetch loaders and images, all or by name
    ///
    /// Example: hearth fetch loaders talos
    Fetch {
        /// Images, `loaders`, or names below the root; everything if none
        names: Vec<String>,
    },
    /// Show what the running agent does
    Status {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Print exactly what a machine would get, without network
    ///
    /// Example: hearth script --mac 5c:f3:fc:01:02:03 --platform efi
    Script(Machine),
    /// The DHCP fields that bring machines to Hearth
    #[command(subcommand)]
    Dhcp(Dhcp),
    /// Print, check and change the lock that pins every fetched byte
    #[command(subcommand)]
    Lock(Lock),
    /// Print completions for a shell
    ///
    /// Example: hearth completions bash > /etc/bash_completion.d/hearth
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write all pages into a folder
    Man {
        /// Where to
        folder: Option<PathBuf>,
    },
}

/// `hearth dhcp`.
#[derive(Debug, Subcommand)]
pub enum Dhcp {
    /// Print the fields for a DHCP server that is not the firewall's own
    ///
    /// Example: hearth dhcp snippet --for kea
    Snippet {
        /// isc, kea, dnsmasq, mikrotik or windows
        #[arg(long = "for", value_name = "SERVER")]
        server: dhcp::Server,
        /// Where machines reach Hearth; the first of server.addresses if not given
        #[arg(long)]
        address: Option<Ipv4Addr>,
    },
}

/// `hearth lock`.
#[derive(Debug, Subcommand)]
pub enum Lock {
    /// Print what is pinned
    Print,
    /// Hash every pinned file and compare
    Check,
    /// Fetch anew and pin what comes
    Update {
        /// Images, `loaders`, or names below the root
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Remove fetched files that nothing refers to any more
    Prune,
}

/// The machine of `hearth script`.
#[derive(Args, Debug)]
pub struct Machine {
    /// Its MAC
    #[arg(long)]
    pub mac: Option<Mac>,
    /// Its SMBIOS UUID
    #[arg(long)]
    pub uuid: Option<Uuid>,
    /// pcbios or efi
    #[arg(long, default_value = "efi")]
    pub platform: Platform,
    /// amd64, arm64, ...
    #[arg(long, default_value = "amd64")]
    pub arch: Cpu,
    /// Its address
    #[arg(long)]
    pub ip: Option<IpAddr>,
    /// SMBIOS manufacturer
    #[arg(long, default_value = "")]
    pub manufacturer: String,
    /// SMBIOS product
    #[arg(long, default_value = "")]
    pub product: String,
    /// SMBIOS serial number
    #[arg(long, default_value = "")]
    pub serial: String,
    /// The menu item that is chosen there
    #[arg(long)]
    pub item: Option<String>,
    /// Print default.ipxe instead, with the menu that works without HTTP
    #[arg(long)]
    pub fallback: bool,
}
