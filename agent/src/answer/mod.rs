//! Answer files: what an installer asks for is a template of the profile, filled in for the machine
//! that is installed. Who may ask is the gate's.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use crate::config::answers::merged;
use crate::config::{AnswerFile, Machine, Profile, StaticAddress, Variable};
use crate::machine::Record;
use crate::template::{self, Mistake};

/// What an answer is filled in from.
#[derive(Clone, Copy, Debug)]
pub struct Filling<'a> {
    /// The profile that is installed.
    pub profile: &'a Profile,
    /// The declared machine that it is.
    pub machine: Option<&'a Machine>,
    /// What is known of it.
    pub record: &'a Record,
    /// The installation's own addresses.
    pub places: &'a Places,
}

/// Where the machine reaches Hearth, and its installation there.
#[derive(Clone, Debug)]
pub struct Places {
    /// The address of ours that it asked.
    pub address: String,
    /// The boot side: `http://192.168.1.1:8069`.
    pub server: String,
    /// The folder of its answers, without a slash at its end.
    pub answers: String,
    /// Where it reports: `/done`, `/failed` and `/log` below this.
    pub events: String,
    /// The installation's token.
    pub token: String,
}

/// The answer as the machine gets it.
///
/// # Errors
/// [`Mistake`] of the template.
pub fn fill(answer: &AnswerFile, filling: &Filling) -> Result<String, Mistake> {
    template::render(answer.text.reveal(), &values(filling))
}

/// Everything that a template can ask for. What is not known is not there, so that asking for it is
/// a mistake and no empty word.
fn values(filling: &Filling) -> Value {
    let Filling {
        profile,
        machine,
        record,
        places,
    } = filling;
    let own = machine.map(|machine| &machine.variables);
    let variables = plain(&merged(&profile.variables, own));
    let arguments: Vec<String> = profile
        .arguments
        .iter()
        .filter_map(|one| one.filled(&places.answers).ok())
        .map(|one| one.as_str().to_owned())
        .collect();
    let mut values = json!({
        "machine": of_machine(record, *machine),
        "profile": {
            "name": profile.name.as_str(),
            "label": profile.label.as_str(),
            "image": profile.image.as_str(),
            "arguments": arguments,
            "variables": variables,
        },
        "variables": variables,
        "server": { "url": places.server, "address": places.address },
        "answer_url": places.answers,
        "event_url": places.events,
        "token": places.token,
    });
    drop_nothing(&mut values);
    values
}

fn of_machine(record: &Record, machine: Option<&Machine>) -> Value {
    let facts = &record.facts;
    json!({
        "name": machine.map(|machine| machine.name.as_str()).or(record.name().map(|name| name.as_str())),
        "label": record.label(),
        "mac": record.macs.first(),
        "macs": record.macs,
        "uuid": record.uuid,
        "serial": facts.serial,
        "address": record.address.map(|address| address.to_canonical()),
        "facts": facts,
        "tags": record.wishes.tags,
        "notes": record.wishes.notes,
        "network": machine.and_then(|machine| machine.network.as_ref()).map(network),
    })
}

fn network(network: &StaticAddress) -> Value {
    let ones = u32::from(network.prefix.min(32));
    let mask = u32::MAX.checked_shl(32 - ones).unwrap_or(0);
    json!({
        "address": network.address,
        "prefix": network.prefix,
        "netmask": Ipv4Addr::from(mask),
        "gateway": network.gateway,
        "interface": network.interface,
        "dns": network.dns,
    })
}

fn plain(variables: &BTreeMap<&str, &Variable>) -> Map<String, Value> {
    let plain = variables.iter().map(|(name, variable)| {
        let value = match variable {
            Variable::Plain(value) => value.clone(),
            Variable::Secret(secret) => secret.reveal().into(),
        };
        ((*name).to_owned(), value)
    });
    plain.collect()
}

/// Takes out what is null or an empty text of the machine's own: it is not known.
fn drop_nothing(values: &mut Value) {
    let Some(machine) = values.get_mut("machine").and_then(Value::as_object_mut) else {
        return;
    };
    let is_known = |value: &Value| !value.is_null() && value.as_str() != Some("");
    machine.retain(|name, value| name == "notes" || is_known(value));
    for inner in ["facts", "network"] {
        if let Some(inner) = machine.get_mut(inner).and_then(Value::as_object_mut) {
            inner.retain(|_, value| is_known(value));
        }
    }
}

#[cfg(test)]
mod tests;
