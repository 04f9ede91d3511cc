//! `hearth token` and what can be written behind it.

use std::time::Duration;

use clap::Subcommand;

use crate::api::Role;
use crate::config::Name;

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
        /// For programs
        #[arg(long)]
        json: bool,
    },
}

fn role(text: &str) -> Result<Role, &'static str> {
    Role::of(text).ok_or("a role is read, operate or admin")
}
