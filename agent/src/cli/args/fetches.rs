//! `hearth fetches` and what can be written behind it.

use clap::Subcommand;

use crate::cli::view::Output;

/// `hearth fetches`.
#[derive(Debug, Subcommand)]
pub enum Fetches {
    /// List the fetches that the agent remembers, the newest first
    #[command(after_long_help = "\
Examples:
  hearth fetches list
  hearth fetches list --watch")]
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show how far a fetch is, file by file
    #[command(after_long_help = "\
Examples:
  hearth fetches show 3
  hearth fetches show 3 --watch")]
    Show {
        /// Its number
        #[arg(value_name = "FETCH")]
        fetch: u64,
        #[command(flatten)]
        output: Output,
    },
    /// Have a fetch end before its time
    ///
    /// What has come of the file that is on its way stays: the next fetch goes
    /// on there.
    #[command(after_long_help = "Example:\n  hearth fetches cancel 3")]
    Cancel {
        /// Its number
        #[arg(value_name = "FETCH")]
        fetch: u64,
        /// For programs
        #[arg(long)]
        json: bool,
    },
}
