//! `hearth machine` and what can be written behind it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::view::Output;

/// `hearth machine`.
#[derive(Debug, Subcommand)]
pub enum Machines {
    /// List machines
    #[command(after_long_help = "\
Examples:
  hearth machine list
  hearth machine list --phase installing
  hearth machine list --watch
  hearth machine list ibm --json")]
    List {
        /// Only those with this anywhere in their names and facts
        text: Option<String>,
        /// Only those in this phase
        #[arg(long)]
        phase: Option<String>,
        /// Only those with this tag
        #[arg(long)]
        tag: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Show what is known of a machine, and what is wrong with it
    #[command(after_long_help = "Example:\n  hearth machine show oden")]
    Show {
        /// Its name, MAC, UUID or number
        machine: String,
        #[command(flatten)]
        output: Output,
    },
    /// Let a machine go on that waits for approval
    #[command(after_long_help = "Example:\n  hearth machine approve 52:54:00:77:00:01")]
    Approve(One),
    /// Give a machine a profile, whatever is declared
    #[command(after_long_help = "Example:\n  hearth machine assign oden talos-omni")]
    Assign {
        #[command(flatten)]
        one: One,
        /// The profile
        profile: String,
    },
    /// Take back what `assign` gave
    #[command(after_long_help = "Example:\n  hearth machine unassign oden")]
    Unassign(One),
    /// Install a machine anew at its next boot
    #[command(after_long_help = "\
Examples:
  hearth machine reinstall oden
  hearth machine reinstall oden --wake")]
    Reinstall {
        #[command(flatten)]
        one: One,
        /// Switch it on by Wake-on-LAN then, as `hearth machine wake` does
        #[arg(long)]
        wake: bool,
    },
    /// Say that a machine's disk is bootable: it gets that from now on
    #[command(after_long_help = "Example:\n  hearth machine local oden")]
    Local {
        #[command(flatten)]
        one: One,
        /// The profile that is on it
        profile: Option<String>,
    },
    /// Let a machine wait until it is released
    #[command(after_long_help = "Example:\n  hearth machine hold oden")]
    Hold(One),
    /// Let a machine go on that is held, ignored, or failed
    #[command(after_long_help = "Example:\n  hearth machine release oden")]
    Release(One),
    /// Give a machine nothing, so that its firmware moves on
    #[command(after_long_help = "Example:\n  hearth machine ignore oden")]
    Ignore(One),
    /// Boot a profile once, whatever the machine's phase
    #[command(after_long_help = "Example:\n  hearth machine boot oden rescue")]
    Boot {
        #[command(flatten)]
        one: One,
        /// The profile
        profile: String,
    },
    /// Switch a machine on by Wake-on-LAN
    ///
    /// A packet goes to each of its cards, in each network that the agent
    /// serves. Nothing says whether it was heard.
    #[command(after_long_help = "Example:\n  hearth machine wake oden")]
    Wake(One),
    /// Set a machine's name, loader, way to its disk, tags or notes
    #[command(after_long_help = "\
Examples:
  hearth machine set 52:54:00:77:00:01 --name oden
  hearth machine set oden --loader snponly.efi --local-boot sanboot
  hearth machine set oden --loader none --tags rack1,old")]
    Set(MachineSet),
    /// Show what is said of a machine in place of what is declared, or put it
    ///
    /// A document of JSON with name, profile, loader, local_boot, tags and notes;
    /// what it leaves out is taken back.
    #[command(after_long_help = "\
Examples:
  hearth machine overrides oden > oden.json
  hearth machine overrides oden --put oden.json
  echo '{\"profile\": \"rescue\"}' | hearth machine overrides oden --put -")]
    Overrides {
        /// Its name, MAC, UUID or number
        machine: String,
        /// What is to be said from now on; `-` is standard input
        #[arg(long, value_name = "FILE")]
        put: Option<PathBuf>,
    },
    /// Forget a machine: the next time it asks it is a new one
    #[command(after_long_help = "Example:\n  hearth machine forget oden")]
    Forget(One),
}

/// Which machine.
#[derive(Args, Debug)]
pub struct One {
    /// Its name, MAC, UUID or number
    pub machine: String,
    /// For programs
    #[arg(long)]
    pub json: bool,
}

/// `hearth machine set`.
#[derive(Args, Debug)]
#[command(
    override_usage = "hearth machine set [OPTIONS] <MACHINE>",
    group(clap::ArgGroup::new("what").required(true).multiple(true))
)]
pub struct MachineSet {
    #[command(flatten)]
    pub one: One,
    /// What people call it; `none` for what is declared, or its MAC
    #[arg(long, group = "what")]
    pub name: Option<String>,
    /// The loader it gets; `none` for what it asks for
    #[arg(long, group = "what")]
    pub loader: Option<String>,
    /// How its disk is started: exit, sanboot; `none` for the usual way
    #[arg(long, group = "what", value_name = "WAY")]
    pub local_boot: Option<String>,
    /// Its tags, with commas between; empty for none
    #[arg(long, group = "what", value_name = "TAG,...")]
    pub tags: Option<String>,
    /// Notes for people
    #[arg(long, group = "what", value_name = "TEXT")]
    pub notes: Option<String>,
}
