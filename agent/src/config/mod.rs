//! What is true: the validated configuration.
//!
//! The way to it: [`load()`] reads the files, `merge` puts their tables together, `sections` reads
//! each table with `reader` (which knows the keys from `schema`) into `raw`, what was written;
//! `check` turns that into a [`Config`]. Mistakes do not stop this way: each goes into `report`,
//! and comes out as [`Diagnostics`] of all files in one run. `condition` is what a policy asks.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use crate::arch::Cpu;
use crate::mac::Mac;
use crate::uuid::Uuid;

pub use answers::{AnswerFile, Variable};
pub use condition::{Condition, FactName, Kind, Pattern, Test, Value};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use excerpt::Excerpt;
pub use fragment::{Change, Written};
pub use image::{Custom, Debian, Image, Meta, Overlay, Recipe, Source, Talos};
pub use load::{Environment, Loaded, load, load_changed};
pub use open::OpenArgument;
pub use sections::KINDS;
pub use values::{duration, size};
pub use words::{Argument, Label, Name, Secret, Url};

pub mod answers;
mod check;
mod command_line;
mod condition;
pub mod defaults;
mod diagnostic;
mod excerpt;
pub mod fragment;
mod image;
mod load;
mod machines;
mod menu;
mod merge;
pub mod open;
mod policies;
mod raw;
mod reader;
mod report;
mod schema;
mod secret;
mod sections;
mod source;
mod suggest;
mod syntax;
mod table;
mod values;
mod words;

/// A whole, valid configuration: every reference points at something, nothing is declared twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where Hearth listens and keeps its files.
    pub server: Server,
    /// Bounds of the TFTP server.
    pub tftp: Tftp,
    /// Bounds of the HTTP server's boot side.
    pub http: Http,
    /// The control side for programs on other hosts.
    pub api: Api,
    /// Whether and where DHCP is listened to.
    pub observe: Observe,
    /// Which events are kept.
    pub events: Events,
    /// How files are fetched.
    pub fetch: Fetch,
    /// Where lines go.
    pub log: Log,
    /// The menu that a machine gets when nothing else is decided.
    pub menu: Menu,
    /// Which iPXE binaries are kept, and from where.
    pub loaders: Loaders,
    /// Declared images, and those that a menu item implies (`netboot.xyz`, `memtest`).
    pub images: BTreeMap<Name, Image>,
    /// Declared profiles.
    pub profiles: BTreeMap<Name, Profile>,
    /// Rules in order; the first that matches counts.
    pub policies: Vec<Policy>,
    /// Who is told of events.
    pub webhooks: Vec<Webhook>,
    /// Declared machines, by name.
    pub machines: BTreeMap<Name, Machine>,
}

/// `[server]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// TFTP and HTTP listen here; at least one, each an address of this host.
    pub addresses: Vec<IpAddr>,
    /// TCP port of the boot side.
    pub http_port: u16,
    /// UDP port of TFTP.
    pub tftp_port: u16,
    /// The tree of boot files.
    pub root: PathBuf,
    /// What Hearth remembers: the lock, later the database.
    pub state: PathBuf,
    /// The control socket's folder.
    pub run: PathBuf,
    /// What a machine gets that is not declared and that no policy matches.
    pub unknown: Unknown,
    /// Files in `root` that are not Hearth's are served too.
    pub own_files: bool,
    /// The user that the agent becomes once its sockets are open; `None`: it stays who it is.
    pub user: Option<String>,
}

/// `server.unknown`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The menu.
    Menu,
    /// A script that waits and asks again.
    Hold,
    /// The local disk.
    Local,
    /// A profile.
    Profile(Name),
}

/// `[tftp]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tftp {
    /// All data leaves from the listening port, for networks whose filter drops other ports.
    pub single_port: bool,
    /// Largest block in bytes; `None`: what fits the path without fragments.
    pub block_size: Option<u16>,
    /// Largest window in blocks (RFC 7440), 1 to [`crate::limits::TFTP_WINDOW`].
    pub window: u16,
    /// Transfers at a time in all.
    pub transfers: u32,
    /// Transfers at a time for one address.
    pub transfers_per_address: u32,
    /// First wait for an answer before a packet is sent again; doubles each time.
    pub timeout: Duration,
}

/// `[http]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Http {
    /// Connections at a time; over it a client gets 503 with `Retry-After`.
    pub connections: u32,
    /// Seconds that `Retry-After` names.
    pub retry_after: Duration,
    /// A request's head must arrive within this time.
    pub header_timeout: Duration,
    /// A kept connection is closed after this time without a request.
    pub idle_timeout: Duration,
    /// A client that takes no byte for this long is gone.
    pub stall_timeout: Duration,
}

/// `[api]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Api {
    /// The API answers over TLS here; empty: on the control socket only.
    pub addresses: Vec<IpAddr>,
    /// Its TCP port.
    pub port: u16,
    /// Certificate and key, each a file of PEM; `None`: the agent makes its own.
    pub files: Option<(PathBuf, PathBuf)>,
}

/// `[observe]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Observe {
    /// Whether DHCP is listened to.
    pub enabled: bool,
    /// On these interfaces; empty: on those that have one of `server.addresses`.
    pub interfaces: Vec<String>,
}

/// `[events]`: those that are more or older are removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// How long each is kept.
    pub keep: Duration,
    /// How many are kept of one machine, the last.
    pub per_machine: u32,
    /// How many are kept in all, the last.
    pub in_all: u32,
}

/// `[fetch]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetch {
    /// Proxy for all fetches; `None`: the environment's.
    pub proxy: Option<Url>,
    /// Tries of one file before it counts as failed.
    pub tries: u8,
    /// Bytes of one file.
    pub size_limit: u64,
    /// Bytes that must stay free on the disk.
    pub keep_free: u64,
    /// A fetch that gets no byte for this long is tried again.
    pub timeout: Duration,
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// Lines below this level are dropped.
    pub level: log::LevelFilter,
    /// Where lines go.
    pub target: LogTarget,
}

/// `log.target`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// Standard error.
    Stderr,
    /// syslog(3), facility daemon.
    Syslog,
}

/// `[menu]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Menu {
    /// The heading.
    pub title: Label,
    /// The default is taken after this time; zero: it waits for a key for ever.
    pub timeout: Duration,
    /// The item that is taken after the time-out; one of `items`.
    pub default: MenuItem,
    /// The items in order.
    pub items: Vec<MenuItem>,
}

/// One item of the menu. In the file it is a name: a profile's, else an image's, else a built-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MenuItem {
    /// Boots a profile.
    Profile(Name),
    /// Boots an image as it is, without a profile's arguments.
    Image(Name),
    /// `local`: the local disk.
    Local,
    /// `shell`: the iPXE shell.
    Shell,
    /// `reboot`: starts the machine anew.
    Reboot,
}

impl MenuItem {
    /// The name that the configuration uses.
    pub fn name(&self) -> &str {
        match self {
            MenuItem::Profile(name) | MenuItem::Image(name) => name.as_str(),
            MenuItem::Local => "local",
            MenuItem::Shell => "shell",
            MenuItem::Reboot => "reboot",
        }
    }
}

/// `[loaders]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaders {
    /// Where iPXE binaries come from.
    pub source: LoaderSource,
    /// The processors whose loaders are kept; BIOS loaders come with `i386` or `amd64`.
    pub architectures: Vec<Cpu>,
    /// Files of the user's own that stand in for a loader: catalogue name to path.
    pub files: BTreeMap<String, PathBuf>,
}

/// Where iPXE binaries come from.
#[derive(Clone, Debug, PartialEq)]
pub enum LoaderSource {
    /// A site laid out as boot.ipxe.org.
    Origin(Url),
    /// A release archive (`ipxeboot.tar.gz`) at a URL.
    ArchiveUrl(Url),
    /// A release archive on this host.
    ArchiveFile(PathBuf),
    /// Nothing is fetched: only `files` and what lies in `root`.
    None,
}

/// `[[profile]]`: how a kind of machine boots.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Its name.
    pub name: Name,
    /// What people read in the menu; the name where none is given.
    pub label: Label,
    /// What it boots.
    pub image: Name,
    /// Kernel arguments behind the image's own.
    pub arguments: Vec<OpenArgument>,
    /// What installers ask for, by name.
    pub answers: BTreeMap<String, AnswerFile>,
    /// Values for the templates of the answers.
    pub variables: BTreeMap<String, Variable>,
    /// Joins Talos to Omni.
    pub omni: Option<Omni>,
    /// What tells that the disk is bootable now.
    pub installed: Installed,
    /// How often a machine is sent the installation before it counts as failed.
    pub tries: u32,
    /// How long an installation may take before it counts as failed.
    pub timeout: Duration,
}

impl Profile {
    /// Whether its arguments name answers, which only an installation gets.
    pub fn needs_answers(&self) -> bool {
        self.arguments.iter().any(OpenArgument::is_open)
    }

    /// Whether machines with it are sent something that is not for everybody.
    pub fn holds_secrets(&self) -> bool {
        let omni = self.omni.as_ref();
        self.needs_answers() || omni.is_some_and(|omni| omni.token.is_some())
    }
}

/// `profile.omni`.
#[derive(Clone, Debug, PartialEq)]
pub struct Omni {
    /// Omni's SideroLink endpoint: `https://...` or `grpc://...`, as Omni shows it.
    pub api: String,
    /// The join token; becomes `jointoken=` in `siderolink.api`.
    pub token: Option<Secret>,
    /// The token stands in `default.ipxe` too, which everybody can read, so that its built-in menu can
    /// start the profile when nobody answers over HTTP.
    pub fallback: bool,
    /// `talos.events.sink`, for example `[fdae:41e4:649b:9303::1]:8090`.
    pub events: Option<String>,
    /// `talos.logging.kernel`, for example `tcp://[fdae:41e4:649b:9303::1]:8092`.
    pub logs: Option<String>,
}

/// `profile.installed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installed {
    /// The installer calls back.
    Callback,
    /// The machine's next network boot.
    NextBoot,
    /// Nothing: it is offered again at each boot.
    Never,
}

/// `[[policy]]`: machines that match get the profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// For people.
    pub name: Label,
    /// Every condition must hold.
    pub conditions: Vec<Condition>,
    /// What they get.
    pub profile: Name,
    /// How many machines at most.
    pub limit: Option<u32>,
    /// A machine waits until a person approves it.
    pub approval: bool,
}

/// `[[machine]]`: one declared computer.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// Its name, also its host name.
    pub name: Name,
    /// Its MACs.
    pub macs: Vec<Mac>,
    /// Its SMBIOS UUID.
    pub uuid: Option<Uuid>,
    /// What it gets; `None`: what a policy or `server.unknown` says.
    pub profile: Option<Name>,
    /// Kernel arguments behind the profile's.
    pub arguments: Vec<Argument>,
    /// Values for templates, in place of the profile's of the same names.
    pub variables: BTreeMap<String, Variable>,
    /// Its static address; `None`: DHCP.
    pub network: Option<StaticAddress>,
    /// The loader it gets whatever its firmware asks for: a catalogue name.
    pub loader: Option<String>,
    /// How its disk is started; `None`: by platform.
    pub local_boot: Option<LocalBoot>,
}

/// A machine's static address.
#[derive(Clone, Debug, PartialEq)]
pub struct StaticAddress {
    /// The address.
    pub address: Ipv4Addr,
    /// Bits of the network.
    pub prefix: u8,
    /// The router.
    pub gateway: Option<Ipv4Addr>,
    /// The interface in the booted system; `None`: its first.
    pub interface: Option<String>,
    /// Name servers, at most two.
    pub dns: Vec<Ipv4Addr>,
}

/// `[[webhook]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// Its name, in the log.
    pub name: Name,
    /// Where events are sent.
    pub url: Url,
    /// What they are signed with.
    pub secret: Secret,
    /// Kinds of events, one of them `*` for all.
    pub events: Vec<String>,
}

/// `machine.local_boot`: boot-facts 4.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LocalBoot {
    /// Leave iPXE with an error status; the firmware goes on with its boot order.
    Exit,
    /// `sanboot --no-describe --drive 0x80`.
    Sanboot,
}

impl std::fmt::Display for LocalBoot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            LocalBoot::Exit => "exit",
            LocalBoot::Sanboot => "sanboot",
        })
    }
}

#[cfg(test)]
mod tests;
