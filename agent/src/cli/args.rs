//! What can be written on the command line. The comments are the help and the manual pages.

mod machine;
mod policy;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::api::Role;
use crate::arch::{Cpu, Platform};
use crate::config::Name;
use crate::dhcp;
use crate::mac::Mac;
use crate::pci::PciId;
use crate::uuid::Uuid;
pub use machine::{MachineSet, Machines};
pub use policy::{Policies, Test as PolicyTest};

/// The boot server of a network
///
/// Fetches iPXE and operating systems, serves them by TFTP and HTTP, decides
/// what each machine gets that boots from the network, and says what happened.
#[derive(Debug, Parser)]
#[command(
    name = "hearth",
    version,
    max_term_width = 80,
    disable_help_subcommand = true,
    after_long_help = "\
Examples:
  hearth check                        what is wrong with the configuration
  hearth fetch                        bring loaders and images
  hearth dhcp snippet --for kea       what the DHCP server has to say
  hearth serve                        serve them"
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
    ///
    /// All sockets are opened first: a port that is taken ends the start, and
    /// who has it is named. SIGHUP reads the configuration again and cuts no
    /// transfer; a bad one is refused and the old stays in force. SIGTERM and
    /// SIGINT let what is under way end for ten seconds; a second one does not
    /// wait.
    #[command(after_long_help = "\
Examples:
  hearth serve
  hearth --config ./hearth.toml serve
  kill -HUP \"$(cat /var/run/hearth/hearth.pid)\"")]
    Serve,
    /// Check the configuration and show every mistake with its place
    ///
    /// Each with file, line and column, the line itself, and what it would
    /// cause. The exit code is 78 if there is an error, and 0 if there are
    /// warnings only. Addresses are held against this host's interfaces; `serve`
    /// itself takes an address that is not there yet, and waits for it.
    #[command(after_long_help = "\
Examples:
  hearth check
  hearth --config ./hearth.toml check && service hearth reload")]
    Check,
    /// Fetch loaders and images, all or by name
    ///
    /// What is there and true is not fetched again; what was begun goes on where
    /// it ended. Each file is verified before it has its name, and pinned in the
    /// lock. A file of yours is never touched.
    #[command(after_long_help = "\
Examples:
  hearth fetch
  hearth fetch loaders talos")]
    Fetch {
        /// Images, profiles, `loaders`, or names below the root; all if none
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// Have the running agent do it, and show how far it is
        #[arg(long)]
        agent: bool,
        /// Have the running agent do it, and do not wait
        #[arg(long)]
        detach: bool,
    },
    /// List the images, and what of them is there
    #[command(after_long_help = "Examples:\n  hearth images\n  hearth images --json")]
    Images {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Show what the running agent does
    ///
    /// Where it listens, what is ready and what is missing, what is under way,
    /// and the last events.
    #[command(after_long_help = "\
Examples:
  hearth status
  hearth status --json | jq .tftp.active")]
    Status {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Print exactly what a machine would get, without network
    ///
    /// It goes the way of a real request, from the declared machines over the
    /// policies to `server.unknown`; what a machine does not say is left out
    /// here too.
    #[command(after_long_help = "\
Examples:
  hearth script --mac 5c:f3:fc:01:02:03
  hearth script --platform pcbios --manufacturer IBM --product 'System x3550'
  hearth script --item memtest
  hearth script --fallback > default.ipxe")]
    Script(Machine),
    /// The fields that a DHCP server must have
    #[command(subcommand)]
    Dhcp(Dhcp),
    /// The lock that pins every fetched byte
    #[command(subcommand)]
    Lock(Lock),
    /// What the image factory of Talos offers
    #[command(subcommand)]
    Talos(Talos),
    /// What is known of machines, and what is to become of them
    #[command(subcommand)]
    Machine(Machines),
    /// The rules by which machines get their profiles
    #[command(subcommand)]
    Policy(Policies),
    /// List the profiles, and who gets them
    ///
    /// While no agent answers, those of the configuration file are listed.
    #[command(after_long_help = "\
Examples:
  hearth profiles
  hearth profiles --json | jq -r '.profiles[].name'")]
    Profiles {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Show what happened to a machine, boot by boot, and why it failed
    ///
    /// Times are since the boot's first event. After the events stands what
    /// went wrong, if something did, and what to do.
    #[command(after_long_help = "\
Examples:
  hearth timeline oden
  hearth timeline 52:54:00:77:00:01 --all
  hearth timeline oden --json | jq '.findings[].code'")]
    Timeline {
        /// Its name, MAC, UUID or number
        #[arg(value_name = "MACHINE")]
        machine: String,
        /// Every boot that is remembered, not the last alone
        #[arg(long)]
        all: bool,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// List what is wrong now, of all machines
    #[command(after_long_help = "\
Examples:
  hearth findings
  hearth findings --json")]
    Findings {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// List what happened last
    #[command(after_long_help = "\
Examples:
  hearth events
  hearth events --machine oden --number 200
  hearth events --json")]
    Events {
        /// Of one machine: its name, MAC, UUID or number
        #[arg(long, value_name = "MACHINE")]
        machine: Option<String>,
        /// How many at most
        #[arg(long, short, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        number: u16,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Say what a machine's network card needs
    ///
    /// Which driver Linux has for it, whether Talos has that too or an extension
    /// does, and whether the image that is meant for the machine has the extension.
    #[command(after_long_help = "\
Examples:
  hearth advise oden
  hearth advise --pci 14e4:1639")]
    Advise {
        /// Its name, MAC, UUID or number
        #[arg(value_name = "MACHINE", conflicts_with = "pci")]
        machine: Option<String>,
        /// A card, without any machine: vendor and device as lspci -n shows them
        #[arg(long, value_name = "VENDOR:DEVICE")]
        pci: Option<PciId>,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Who may ask from other hosts, over TLS
    #[command(subcommand)]
    Token(Tokens),
    /// Put a fragment of the configuration in force
    ///
    /// The agent holds the whole configuration with it against its rules, and
    /// shows every mistake; then nothing was changed. What the fragment was
    /// before is kept.
    #[command(after_long_help = "\
Examples:
  hearth apply -f lab.toml
  hearth apply -f - --name lab < lab.toml
  hearth apply -f lab.toml --check")]
    Apply(super::apply::Apply),
    /// The fragments of the configuration that are in force
    #[command(subcommand)]
    Config(super::config::Fragments),
    /// List who changed what
    #[command(after_long_help = "\
Examples:
  hearth audit
  hearth audit --number 200 --json")]
    Audit {
        /// How many at most
        #[arg(long, short, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        number: u16,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Write a copy of the database, while the agent runs
    #[command(after_long_help = "Example:\n  hearth backup /var/backups/hearth.db")]
    Backup {
        /// A file that is not there yet
        file: PathBuf,
    },
    /// Put a copy of the database in force, while the agent runs
    ///
    /// What was there before is kept beside the database as
    /// hearth.db.before-restore.
    #[command(after_long_help = "Example:\n  hearth restore /var/backups/hearth.db")]
    Restore {
        /// What `hearth backup` wrote
        file: PathBuf,
    },
    /// Print completions for a shell
    #[command(after_long_help = "\
Examples:
  hearth completions bash > /etc/bash_completion.d/hearth
  hearth completions zsh > /usr/local/share/zsh/site-functions/_hearth
  hearth completions fish > ~/.config/fish/completions/hearth.fish")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write all pages into a folder
    #[command(after_long_help = "\
Examples:
  hearth man | man -l -
  hearth man /usr/local/share/man/man8")]
    Man {
        /// Where to
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

/// `hearth token`.
#[derive(Debug, Subcommand)]
pub enum Tokens {
    /// Make a token and print it, this once
    ///
    /// Only its hash is kept: who loses it revokes it, and makes another.
    #[command(after_long_help = "\
Examples:
  hearth token create prometheus --role read
  hearth token create deploy --role operate --expires 90d")]
    Create {
        /// What it is for; it stands in the audit log
        #[arg(value_parser = Name::new)]
        name: Name,
        /// What it may: read, operate (say what becomes of machines) or admin
        #[arg(long, value_parser = role)]
        role: Role,
        /// How long it lasts; until it is revoked if not given
        #[arg(long, value_name = "TIME", value_parser = crate::config::duration)]
        expires: Option<Duration>,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// List tokens, without what is secret of them
    #[command(after_long_help = "Examples:\n  hearth token list\n  hearth token list --json")]
    List {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// End a token at once
    #[command(after_long_help = "Example:\n  hearth token revoke deploy")]
    Revoke {
        /// Its name
        name: String,
    },
}

fn role(text: &str) -> Result<Role, &'static str> {
    Role::of(text).ok_or("a role is read, operate or admin")
}

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
        /// Print JSON
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

/// `hearth lock`.
#[derive(Debug, Subcommand)]
pub enum Lock {
    /// Print what is pinned
    #[command(after_long_help = "Example:\n  hearth lock print | grep talos")]
    Print,
    /// Hash every pinned file and compare
    ///
    /// The exit code is 65 if a file is missing or is not what the lock says.
    #[command(after_long_help = "Example:\n  hearth lock check")]
    Check,
    /// Fetch anew and pin what comes
    ///
    /// The one way in which a pin changes.
    #[command(after_long_help = "Example:\n  hearth lock update loaders")]
    Update {
        /// Images, profiles, `loaders`, or names below the root
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Remove fetched files that nothing refers to any more
    ///
    /// A file that was changed since it was fetched is yours, and stays.
    #[command(after_long_help = "Example:\n  hearth lock prune")]
    Prune,
}

/// `hearth talos`.
#[derive(Debug, Subcommand)]
pub enum Talos {
    /// List the versions that can be had, the newest last
    #[command(after_long_help = "Example:\n  hearth talos versions | tail -n 5")]
    Versions {
        #[command(flatten)]
        factory: Factory,
    },
    /// List the official extensions for a version
    #[command(after_long_help = "\
Examples:
  hearth talos extensions v1.11.2
  hearth talos extensions v1.11.2 | grep -i broadcom")]
    Extensions {
        /// The Talos version, with its v; that of the first image if none
        #[arg(value_name = "VERSION")]
        of: Option<String>,
        #[command(flatten)]
        factory: Factory,
    },
}

/// Which factory.
#[derive(Args, Debug)]
pub struct Factory {
    /// The image factory; that of the first Talos image if not given
    #[arg(long, value_name = "URL", value_parser = crate::config::Url::new)]
    pub factory: Option<crate::config::Url>,
}

/// The machine of `hearth script`.
#[derive(Args, Debug)]
pub struct Machine {
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
