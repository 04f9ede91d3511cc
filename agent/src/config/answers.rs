//! Answer files and variables: what a profile gives to an installer, and what differs by machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::raw;
use super::report::Report;
use super::source::Place;
use super::suggest::nearest;
use super::{Name, Secret};
use crate::limits;

/// An answer file: a template ([`crate::template`]) that is filled in for the machine that asks.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerFile {
    /// The template. It may hold secrets, so it is treated as one.
    pub text: Secret,
    /// Where it stands; `None`: in the configuration itself.
    pub path: Option<PathBuf>,
}

/// A value for templates.
#[derive(Clone, Debug, PartialEq)]
pub enum Variable {
    /// A string, number, boolean, or a list of these.
    Plain(serde_json::Value),
    /// A text that is shown nowhere.
    Secret(Secret),
}

/// What templates may ask for, besides `variables`. Held against what they get by a test of
/// [`crate::answer`].
pub const VALUES: [&str; 46] = [
    "answer_url",
    "event_url",
    "machine.address",
    "machine.facts.asset",
    "machine.facts.buildarch",
    "machine.facts.busid",
    "machine.facts.chip",
    "machine.facts.cpu64",
    "machine.facts.cpu_model",
    "machine.facts.cpu_vendor",
    "machine.facts.firmware",
    "machine.facts.hostname",
    "machine.facts.ip",
    "machine.facts.macs",
    "machine.facts.manufacturer",
    "machine.facts.memory_mb",
    "machine.facts.platform",
    "machine.facts.port",
    "machine.facts.product",
    "machine.facts.secure_boot",
    "machine.facts.serial",
    "machine.facts.switch",
    "machine.facts.uuid",
    "machine.facts.version",
    "machine.label",
    "machine.mac",
    "machine.macs",
    "machine.name",
    "machine.network.address",
    "machine.network.dns",
    "machine.network.gateway",
    "machine.network.interface",
    "machine.network.netmask",
    "machine.network.prefix",
    "machine.notes",
    "machine.serial",
    "machine.tags",
    "machine.uuid",
    "profile.arguments",
    "profile.image",
    "profile.label",
    "profile.name",
    "profile.variables",
    "server.address",
    "server.url",
    "token",
];

/// Whether an answer can have this name: parts of letters, digits, `.`, `_`, `-` and `+` between
/// slashes, each part beginning with a letter or digit.
pub fn is_name(text: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-+".contains(&b))
    };
    text.len() <= limits::NAME_BYTES && text.split('/').all(part)
}

/// A template with the names that it asks for, and where it is named.
#[derive(Debug)]
pub(super) struct Asks {
    pub place: Place,
    /// The file's path; `None`: it stands in the configuration.
    pub path: Option<PathBuf>,
    pub names: BTreeSet<String>,
}

/// Reports what templates ask for and will not get: names that there never are, and variables that
/// nothing declares.
pub(super) fn check(profiles: &[raw::Profile], machines: &[raw::Machine], report: &mut Report) {
    for profile in profiles {
        let name = profile.name.as_ref().map(|name| &name.value);
        let known = variables(profile, name, machines);
        for asks in &profile.asks {
            for name in &asks.names {
                one(name, &known, asks, report);
            }
        }
    }
}

/// Every variable that the profile has for some machine.
fn variables<'a>(
    profile: &'a raw::Profile,
    name: Option<&Name>,
    machines: &'a [raw::Machine],
) -> BTreeSet<&'a str> {
    let may_get_it = |machine: &&raw::Machine| match &machine.profile {
        Some(own) => Some(&own.value) == name,
        None => true,
    };
    let of_machines = machines.iter().filter(may_get_it);
    let of_machines = of_machines.flat_map(|machine| machine.variables.keys());
    let all = profile.variables.keys().chain(of_machines);
    all.map(String::as_str).collect()
}

fn one(name: &str, known: &BTreeSet<&str>, asks: &Asks, report: &mut Report) {
    let whose = match &asks.path {
        Some(path) => format!("`{}`", path.display()),
        None => "this answer".to_owned(),
    };
    let variable = name
        .strip_prefix("variables.")
        .or_else(|| name.strip_prefix("profile.variables."));
    if let Some(variable) = variable {
        let variable = variable.split('.').next().unwrap_or(variable);
        if !known.contains(variable) {
            let message =
                format!("{whose} asks for the variable `{variable}`, which nothing declares");
            let draft = report.warning(asks.place, message);
            if let Some(meant) = nearest(variable, known.iter().copied()) {
                draft.note(format!("did you mean `{meant}`?"));
            }
            draft.note(
                "no machine would get this answer, unless the template has another value ready: \
                 declare it in `variables` of the profile, or of each machine",
            );
        }
        return;
    }
    let begins = |longer: &str, shorter: &str| {
        let rest = longer.strip_prefix(shorter);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let mut values = VALUES.iter().copied().chain(["variables"]);
    if values.any(|value| begins(value, name) || begins(name, value)) {
        return;
    }
    let draft = report.error(
        asks.place,
        format!("{whose} asks for `{name}`, which there never is"),
    );
    let values = VALUES.iter().copied().chain(["variables"]);
    if let Some(meant) = nearest(name, values) {
        draft.note(format!("did you mean `{meant}`?"));
    }
    draft.note("machines would get no answer; docs/answers.md lists what there is");
}

/// A profile's variables with a machine's own in place of those of the same name.
pub fn merged<'a>(
    profile: &'a BTreeMap<String, Variable>,
    machine: Option<&'a BTreeMap<String, Variable>>,
) -> BTreeMap<&'a str, &'a Variable> {
    let own = machine.into_iter().flatten();
    let all = profile.iter().chain(own);
    all.map(|(name, variable)| (name.as_str(), variable))
        .collect()
}
