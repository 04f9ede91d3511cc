//! What the agent says is under way (`GET /api/v1/live`), as people may be shown it: every text in it is
//! one line, and a terminal acts on none of its characters.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::form::printable;

/// A text that may be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(String);

impl std::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(Text(printable(&text.unwrap_or_default())))
    }
}

/// Everything at one moment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    /// Milliseconds since 1970.
    pub now: u64,
    /// Machines that are booting, in the order in which they are shown.
    pub machines: Vec<Machine>,
    /// Machines that boot too and are not among them.
    pub left_out: u64,
    /// Fetches in the agent.
    pub fetches: Vec<Fetch>,
    /// Sums.
    pub totals: Totals,
}

/// Sums over all transfers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// By TFTP.
    pub tftp: Total,
    /// By HTTP.
    pub http: Total,
}

/// Sums over one protocol's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Total {
    /// Now.
    pub transfers: u64,
    /// Bytes a second.
    pub rate: u64,
    /// Connections now, and at most (HTTP).
    pub connections: u64,
    /// See there.
    pub limit: u64,
    /// Clients that were told 503 since the agent's start.
    pub turned_away: u64,
}

/// One machine's boot.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Its number, if it was met.
    pub machine: Option<u64>,
    /// What people call it.
    pub label: Text,
    /// The card it boots from.
    pub mac: Text,
    /// Its address.
    pub address: Text,
    /// Its phase.
    pub phase: Text,
    /// What is installed on it.
    pub profile: Text,
    /// What it gets.
    pub decision: Text,
    /// Milliseconds since 1970.
    pub began: u64,
    /// The stage of its boot.
    pub stage: Text,
    /// Since when.
    pub since: u64,
    /// Under way.
    pub transfers: Vec<Transfer>,
    /// What it was sent last, the newest last.
    pub sent: Vec<Sent>,
    /// The last thing that happened.
    pub event: Option<Event>,
    /// What is wrong.
    pub finding: Option<Finding>,
    /// How it ended.
    pub ended: Option<Ended>,
}

/// A transfer under way.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Transfer {
    /// The protocol.
    pub via: Text,
    /// The file.
    pub name: Text,
    /// Bytes that went.
    pub bytes: u64,
    /// Of so many.
    pub size: u64,
    /// Bytes a second.
    pub rate: u64,
}

/// A transfer that ended.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Sent {
    /// The protocol.
    pub via: Text,
    /// The file.
    pub name: Text,
    /// Bytes that went.
    pub bytes: u64,
    /// Of so many.
    pub size: Option<u64>,
    /// How long it took.
    pub seconds: f64,
    /// When it ended, in milliseconds since 1970.
    pub at: u64,
    /// Why it broke off; empty if it did not.
    pub failed: Text,
}

/// The last thing that happened.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Event {
    /// Milliseconds since 1970.
    pub at: u64,
    /// Its sentence.
    pub text: Text,
}

/// What is wrong with a machine.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Finding {
    /// Its name.
    pub code: Text,
    /// `error`, `warning`, `notice`.
    pub severity: Text,
    /// What.
    pub sentence: Text,
    /// What to do.
    pub remedy: Text,
}

impl Finding {
    /// The machine does not boot because of it.
    pub fn is_error(&self) -> bool {
        &*self.severity == "error"
    }
}

/// How a boot ended.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Ended {
    /// `installed`, `local`, ...
    pub how: Text,
    /// Milliseconds since 1970.
    pub at: u64,
    /// Why it failed.
    pub why: Text,
}

/// A fetch in the agent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Fetch {
    /// Its number.
    pub id: u64,
    /// `running`, ...
    pub state: Text,
    /// What is wrong.
    pub error: Text,
    /// Its files.
    pub files: Vec<Fetched>,
}

/// A file that is fetched.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Fetched {
    /// Its name.
    pub name: Text,
    /// `running`, ...
    pub state: Text,
    /// Bytes that are there.
    pub bytes: u64,
    /// Of so many.
    pub total: Option<u64>,
    /// Bytes a second.
    pub rate: u64,
}

impl Snapshot {
    /// Reads an answer of the agent; `None`: it is of another Hearth.
    pub fn of(answer: Value) -> Option<Snapshot> {
        serde_json::from_value(answer).ok()
    }

    /// Bytes a second, of all.
    pub fn rate(&self) -> u64 {
        self.totals.tftp.rate + self.totals.http.rate
    }
}

impl Machine {
    /// By what it is known from one look to the next.
    pub fn key(&self) -> (Option<u64>, &str) {
        match self.machine {
            Some(id) => (Some(id), ""),
            None => (None, &self.label),
        }
    }

    /// Whether what a person typed, in small letters, stands in what is known of it.
    pub fn mentions(&self, text: &str) -> bool {
        let code = self.finding.as_ref().map_or("", |finding| &finding.code);
        let how = self.ended.as_ref().map_or("", |ended| &ended.how);
        let all = [
            &*self.label,
            &self.mac,
            &self.address,
            &self.phase,
            &self.profile,
            &self.decision,
            &self.stage,
            code,
            how,
        ];
        all.iter().any(|one| one.to_lowercase().contains(text))
    }

    /// The last thing that happened, if it is not the end of the last transfer, which is told by itself.
    pub fn happened(&self) -> Option<&Event> {
        let sent = self.sent.last().map(|sent| sent.at);
        self.event.as_ref().filter(|event| sent != Some(event.at))
    }

    /// Something keeps it from booting.
    pub fn is_wrong(&self) -> bool {
        let failed = self
            .ended
            .as_ref()
            .is_some_and(|ended| &*ended.how == "failed");
        failed || self.finding.as_ref().is_some_and(Finding::is_error)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_machine_says_stays_one_harmless_line() {
        let answer = json!({ "machines": [
            { "label": "a\u{1b}[31mb\nc\u{202e}", "sent": [{ "name": "\u{9b}2J" }], "mac": null },
        ] });
        let machine = Snapshot::of(answer).unwrap().machines.remove(0);
        assert_eq!(&*machine.label, "a\\u{1b}[31mb\\nc\\u{202e}");
        assert_eq!(&*machine.sent[0].name, "\\u{9b}2J");
        assert_eq!(&*machine.mac, "");
    }

    #[test]
    fn an_answer_of_something_else_is_none() {
        assert_eq!(Snapshot::of(json!({ "machines": 7 })), None);
        assert_eq!(Snapshot::of(json!({})), Some(Snapshot::default()));
    }

    #[test]
    fn a_machine_is_found_by_all_that_is_shown_of_it() {
        let answer = json!({ "machines": [{
            "label": "Oden", "address": "192.168.1.171", "decision": "install talos",
            "finding": { "code": "no-address" }, "ended": { "how": "failed" },
        }] });
        let machine = Snapshot::of(answer).unwrap().machines.remove(0);
        for text in ["oden", "1.171", "talos", "no-add", "fail", ""] {
            assert!(machine.mentions(text), "{text}");
        }
        assert!(!machine.mentions("tor"));
        assert!(machine.is_wrong());
    }
}
