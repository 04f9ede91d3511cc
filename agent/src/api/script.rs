//! The script that a machine would get now.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::policies::declared_record;
use super::{Api, Asked, Problem, Role, view};
use crate::boot::site::Site;
use crate::id::MachineId;

/// What stands before Omni's join token, as Talos reads it.
const TOKEN: &str = "jointoken=";

impl Api {
    /// What a machine would get that is switched on now, with why. Who may not read the configuration
    /// does not see the secret in it.
    pub(super) fn script(&self, name: &str, asked: &Asked, site: &Site) -> Result<Value, Problem> {
        let pairs = view::pairs(asked.query);
        let at = pairs.get("asked").map(|text| {
            let no_address =
                |_| Problem::wrong(&format!("asked must be an address, and is {text:?}"));
            text.parse::<IpAddr>().map_err(no_address)
        });
        let at = at.transpose()?;
        let record = self.census.named(name);
        let record = record.or_else(|| declared_record(&site.config, name, (self.now)()));
        let record = record.ok_or_else(|| Problem::no_machine(name))?;
        let would = self.keeper.would_get(&record, at);
        let sees_secrets = asked.role.is_some_and(|role| role >= Role::Admin);
        let script = match sees_secrets {
            true => would.script.clone(),
            false => masked(&would.script),
        };
        let wishes = &record.wishes;
        Ok(json!({
            "machine": (record.id != MachineId(0)).then_some(record.id),
            "label": record.label(),
            "phase": record.phase.word(),
            "becomes": would.becomes.word(),
            "profile": would.profile,
            "wishes": wishes,
            "decision": would.decision,
            "reason": would.reason,
            "unready": would.unready,
            "masked": script != would.script,
            "script": script,
        }))
    }
}

/// A script without Omni's join token.
fn masked(script: &str) -> String {
    let mut parts = script.split(TOKEN);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_whitespace() || c == '&');
        text.push_str(TOKEN);
        text.push_str("***");
        text.push_str(&part[end.unwrap_or(part.len())..]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_masked_and_all_else_stays() {
        let script = "kernel http://x/k siderolink.api=https://o?jointoken=s3cret%3D&a=b x=y\n\
                      # jointoken=s3cret\nboot jointoken=s3cret";
        assert_eq!(
            masked(script),
            "kernel http://x/k siderolink.api=https://o?jointoken=***&a=b x=y\n\
             # jointoken=***\nboot jointoken=***"
        );
        assert_eq!(masked("#!ipxe\nexit 1\n"), "#!ipxe\nexit 1\n");
    }
}
