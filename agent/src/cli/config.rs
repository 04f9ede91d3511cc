//! `hearth config`: the fragments that are in force.

use std::path::Path;

use clap::Subcommand;
use serde_json::Value;

use super::client::{Client, encoded};
use super::exit::Failed;
use super::table::table;
use super::value::{items, text};
use super::{done, print};

/// `hearth config`.
#[derive(Debug, Subcommand)]
pub enum Fragments {
    /// List the fragments that are in force
    ///
    /// Those of origin `file` lie beside hearth.toml and are changed there;
    /// those of origin `api` were applied.
    #[command(after_long_help = "Examples:\n  hearth config list\n  hearth config list --json")]
    List {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Print a fragment without its secrets; all that is declared if none is named
    #[command(after_long_help = "Examples:\n  hearth config show\n  hearth config show lab")]
    Show {
        /// Its name
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Take an applied fragment out of force
    ///
    /// What it was is kept: `hearth config revert` brings it back.
    #[command(after_long_help = "Example:\n  hearth config delete lab")]
    Delete {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Put in force what a fragment was before its last change
    ///
    /// Done twice, it is as it was.
    #[command(after_long_help = "Example:\n  hearth config revert lab")]
    Revert {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// For programs
        #[arg(long)]
        json: bool,
    },
}

pub fn config(path: &Path, command: &Fragments) -> Result<u8, Failed> {
    let mut client = Client::of(path);
    match command {
        Fragments::List { json: true } => {
            print(&format!("{:#}\n", client.get("config/fragments")?))?;
        }
        Fragments::List { json: false } => {
            let answer = client.get("config/fragments")?;
            let row = |one: &Value| {
                let previous = if one["previous"] == true { "yes" } else { "" };
                vec![
                    text(&one["name"]),
                    text(&one["origin"]),
                    previous.to_owned(),
                    text(&one["path"]),
                ]
            };
            let rows: Vec<_> = items(&answer["fragments"]).map(row).collect();
            print(&table(&["FRAGMENT", "ORIGIN", "EARLIER", "FILE"], &rows))?;
        }
        Fragments::Show { name: None } => print(&format!("{:#}\n", client.get("config")?))?,
        Fragments::Show { name: Some(name) } => {
            let shown = client.get_text(&format!("config/fragments/{}", encoded(name)))?;
            print(&shown)?;
        }
        Fragments::Delete { name, json } => {
            let answer = client.delete(&format!("config/fragments/{}", encoded(name)))?;
            done(&answer, *json, &format!("{name} is not in force any more"))?;
        }
        Fragments::Revert { name, json } => {
            let path = format!("config/fragments/{}/revert", encoded(name));
            let answer = client.send("POST", &path, &[])?;
            done(&answer, *json, &format!("{name} is what it was before"))?;
        }
    }
    Ok(0)
}
