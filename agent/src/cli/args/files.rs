//! `hearth lock` and `hearth talos`, and what can be written behind them.

use clap::{Args, Subcommand};

/// `hearth lock`.
#[derive(Debug, Subcommand)]
pub enum Lock {
    /// Print what is pinned
    #[command(after_long_help = "\
Examples:
  hearth lock print | grep talos
  hearth lock print --json | jq -r '.lock[].sha256'")]
    Print {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Hash every pinned file and compare
    ///
    /// The exit code is 65 if a file is missing or is not what the lock says.
    #[command(after_long_help = "Example:\n  hearth lock check")]
    Check,
    /// Fetch anew and pin what comes
    ///
    /// The one way in which a pin changes.
    #[command(after_long_help = "\
Examples:
  hearth lock update loaders
  hearth lock update --detach loaders")]
    Update {
        /// Images, profiles, `loaders`, or names below the root
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        by: By,
    },
    /// Remove fetched files that nothing refers to any more
    ///
    /// A file that was changed since it was fetched is yours, and stays.
    #[command(after_long_help = "Examples:\n  hearth lock prune\n  hearth lock prune --all")]
    Prune {
        /// Every fetched file, also what is referred to: before Hearth goes
        #[arg(long, conflicts_with_all = ["agent", "detach"])]
        all: bool,
        #[command(flatten)]
        by: By,
    },
}

/// Who does it.
#[derive(Args, Clone, Copy, Debug)]
pub struct By {
    /// Have the running agent do it, and show how far it is
    #[arg(long)]
    pub agent: bool,
    /// Have the running agent do it, and do not wait
    #[arg(long)]
    pub detach: bool,
    /// For programs: what has begun
    #[arg(long, requires = "detach")]
    pub json: bool,
}

impl By {
    /// Whether this is for the running agent.
    pub fn is_agent(self) -> bool {
        self.agent || self.detach
    }
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
