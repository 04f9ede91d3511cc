//! `hearth advise`.

use std::path::Path;

use super::client::{Client, encoded};
use super::exit::{Failed, USAGE};
use super::print;
use super::value::text;
use crate::api;
use crate::pci::PciId;

/// About a machine that the agent knows, or about a card, for which no agent is needed.
pub fn advise(
    path: &Path,
    machine: Option<&str>,
    card: Option<PciId>,
    json: bool,
) -> Result<u8, Failed> {
    let advice = match (machine, card) {
        (Some(machine), _) => {
            Client::of(path).get(&format!("machines/{}/advice", encoded(machine)))?
        }
        (None, Some(card)) => api::advice(Some(card), "", None),
        (None, None) => {
            let text = "name a machine, or a card with --pci 14e4:1639".to_owned();
            return Err(Failed::new(USAGE, text));
        }
    };
    if json {
        print(&format!("{advice:#}\n"))?;
        return Ok(0);
    }
    let label = match text(&advice["label"]).as_str() {
        "" => String::new(),
        label => format!("{label}: "),
    };
    print(&format!("{label}{}\n", text(&advice["text"])))?;
    Ok(0)
}
