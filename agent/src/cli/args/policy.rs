//! `hearth policy` and what can be written behind it.

use std::str::FromStr;

use clap::{Args, Subcommand};

/// `hearth policy`.
#[derive(Debug, Subcommand)]
pub enum Policies {
    /// List the policies in their order, and how many machines each has
    ///
    /// While no agent answers, those of the configuration file are listed.
    #[command(after_long_help = "\
Examples:
  hearth policy list
  hearth policy list --json | jq -r '.policies[].name'
  hearth --config ./hearth.toml policy list --offline")]
    List {
        /// Look at the configuration file, whether an agent runs or not
        #[arg(long)]
        offline: bool,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Show which policy a machine meets, and why no other
    ///
    /// A machine that is known, a made-up one, or a known one with other facts.
    /// The running agent is asked, and nothing changes. While none answers, or
    /// with --offline, the configuration file is asked: there no machine has a
    /// place in a limit, and only declared and made-up machines are known.
    #[command(after_long_help = "\
Examples:
  hearth policy test oden
  hearth policy test --fact manufacturer=IBM --fact memory='16 GiB'
  hearth policy test oden --fact tag=lab --fact tag=rack7
  hearth --config ./new.toml policy test --offline --fact ip=192.168.20.7")]
    Test(Test),
}

/// `hearth policy test`.
#[derive(Args, Debug)]
pub struct Test {
    /// Its name, MAC, UUID or number
    #[arg(required_unless_present = "facts")]
    pub machine: Option<String>,
    /// What the machine has, by the keys of policy.match; `mac` and `tag` may
    /// be said more than once
    #[arg(long = "fact", value_name = "KEY=VALUE")]
    pub facts: Vec<Fact>,
    /// Ask the configuration file, whether an agent runs or not
    #[arg(long)]
    pub offline: bool,
    /// For programs
    #[arg(long)]
    pub json: bool,
}

/// `KEY=VALUE`.
#[derive(Clone, Debug)]
pub struct Fact {
    /// A key of `policy.match`.
    pub key: String,
    /// Its value, as the configuration has it.
    pub value: String,
}

impl FromStr for Fact {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Fact, Self::Err> {
        let (key, value) = text
            .split_once('=')
            .ok_or("a fact is written KEY=VALUE, as memory=16GiB")?;
        Ok(Fact {
            key: key.trim().to_owned(),
            value: value.trim().to_owned(),
        })
    }
}
