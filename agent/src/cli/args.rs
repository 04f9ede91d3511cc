//! What can be written on the command line. The comments are the help and the manual pages.

mod dhcp;
mod fetches;
mod files;
mod machine;
mod policy;
mod script;
mod token;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::view::Output;
use crate::pci::PciId;
pub use dhcp::{Dhcp, Place};
pub use fetches::Fetches;
pub use files::{By, Factory, Lock, Talos};
pub use machine::{MachineSet, Machines, One};
pub use policy::{Policies, Test as PolicyTest};
pub use script::Machine;
pub use token::Tokens;

/// The configuration that is read if no other is named. A package for a system with another place for
/// it is built with the environment variable `HEARTH_CONFIG`.
pub const CONFIG: &str = match option_env!("HEARTH_CONFIG") {
    Some(path) => path,
    None => "/usr/local/etc/hearth/hearth.toml",
};

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
    #[arg(long, global = true, value_name = "FILE", default_value = CONFIG)]
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
    /// itself takes an address that is not there yet, and waits for it. With
    /// --serve other exit codes are those with which `serve` would end.
    #[command(after_long_help = "\
Examples:
  hearth check
  hearth --config ./hearth.toml check --serve && service hearth reload")]
    Check {
        /// Refuse what `serve` refuses, and only that: an address may come up
        /// later; user, folders, lock and database must be of use
        #[arg(long)]
        serve: bool,
    },
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
        #[command(flatten)]
        by: By,
    },
    /// List the images, and what of them is there
    #[command(after_long_help = "Examples:\n  hearth images\n  hearth images --json")]
    Images {
        #[command(flatten)]
        output: Output,
    },
    /// List the loaders, and what of them is there
    #[command(after_long_help = "Examples:\n  hearth loaders\n  hearth loaders --json")]
    Loaders {
        #[command(flatten)]
        output: Output,
    },
    /// Fetches in the running agent
    #[command(subcommand)]
    Fetches(Fetches),
    /// Show what the running agent does
    ///
    /// Where it listens, what is ready and what is missing, what is under way,
    /// and the last events.
    #[command(after_long_help = "\
Examples:
  hearth status
  hearth status --watch
  hearth status --json | jq .tftp.active")]
    Status {
        #[command(flatten)]
        output: Output,
    },
    /// Watch the machines that are booting, as they boot
    ///
    /// Each with the stage it is in, what it is being sent and how fast, and what
    /// is wrong. Enter shows the chosen machine's timeline, `?` the other keys.
    /// A boot that ended stays for a minute. Colours are left out where NO_COLOR
    /// is set. A signal ends it with 128 and its number, and with the terminal as
    /// it was.
    #[command(after_long_help = "\
Examples:
  hearth top
  hearth top --once
  hearth top --json | jq -r '.machines[] | [.label, .stage] | @tsv'")]
    Top {
        /// Print one frame as text
        #[arg(long, conflicts_with = "json")]
        once: bool,
        /// For programs: one snapshot
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
  hearth script oden
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
  hearth timeline oden --watch
  hearth timeline oden --json | jq '.findings[].code'")]
    Timeline {
        /// Its name, MAC, UUID or number
        #[arg(value_name = "MACHINE")]
        machine: String,
        /// Every boot that is remembered, not the last alone
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        output: Output,
    },
    /// List what is wrong now, of all machines
    #[command(after_long_help = "\
Examples:
  hearth findings
  hearth findings --watch
  hearth findings --json")]
    Findings {
        #[command(flatten)]
        output: Output,
    },
    /// List what happened last
    ///
    /// With --watch also what happens from now on, a line each; with --json too
    /// one object a line. It outlives a restart of the agent and misses nothing.
    #[command(after_long_help = "\
Examples:
  hearth events
  hearth events --machine oden --number 200
  hearth events --watch
  hearth events --watch --json | jq -r .text")]
    Events {
        /// Of one machine: its name, MAC, UUID or number
        #[arg(long, value_name = "MACHINE")]
        machine: Option<String>,
        /// How many at most
        #[arg(long, short, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        number: u16,
        #[command(flatten)]
        output: Output,
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
    #[command(after_long_help = "Example:\n  hearth backup /var/db/hearth/before.db")]
    Backup {
        /// A file that is not there yet
        file: PathBuf,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Put a copy of the database in force, while the agent runs
    ///
    /// What was there before is kept beside the database as
    /// hearth.db.before-restore.
    #[command(after_long_help = "Example:\n  hearth restore /var/db/hearth/before.db")]
    Restore {
        /// What `hearth backup` wrote
        file: PathBuf,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Print completions for a shell
    ///
    /// Those of bash, zsh and fish ask the running agent for the names of
    /// machines, profiles, images and more; those of the others know commands
    /// and options.
    #[command(after_long_help = "\
Examples:
  hearth completions bash > /etc/bash_completion.d/hearth
  hearth completions zsh > /usr/local/share/zsh/site-functions/_hearth
  hearth completions fish > ~/.config/fish/completions/hearth.fish")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print what may stand at a place of a command line
    ///
    /// For the scripts of `hearth completions`.
    #[command(
        hide = true,
        after_long_help = "Example:\n  hearth complete --at 3 -- hearth machine show od"
    )]
    Complete {
        /// Which of the words it is, from 0
        #[arg(long, value_name = "INDEX", value_parser = clap::value_parser!(u16).range(..1000))]
        at: u16,
        /// The line's words, the command itself first
        #[arg(last = true, value_name = "WORD")]
        words: Vec<OsString>,
    },
    /// Print what the API can, for programs
    ///
    /// The OpenAPI document that the agent gives out too, as
    /// /api/v1/openapi.json.
    #[command(after_long_help = "Example:\n  hearth openapi > hearth.json")]
    Openapi,
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
