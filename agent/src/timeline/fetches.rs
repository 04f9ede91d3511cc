//! What is wrong with what Hearth fetches: rules over the events of fetches, which are of no machine.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, Severity};
use crate::event::{Cause, Event, Stamped};

/// Names that a sentence lists; the rest are counted.
const NAMES: usize = 3;

/// The last event of every name, if that is a failure.
fn failed(events: &[Stamped]) -> BTreeMap<&str, &Stamped> {
    let mut last: BTreeMap<&str, &Stamped> = BTreeMap::new();
    for event in events {
        if let Event::Fetch { name, .. } = &event.event
            && last
                .get(name.as_str())
                .is_none_or(|seen| seen.seq < event.seq)
        {
            last.insert(name, event);
        }
    }
    last.retain(|_, event| matches!(&event.event, Event::Fetch { cause: Some(_), .. }));
    last
}

/// The names of which the last thing that is known is a failure.
pub fn failing(events: &[Stamped]) -> BTreeSet<String> {
    failed(events).into_keys().map(str::to_owned).collect()
}

/// Everything that is wrong with fetches: what failed last of what is still `wanted`. What failed for one
/// cause at one origin is one finding. It is an error while a file `is_there` not.
pub fn fetch_findings(
    events: &[Stamped],
    wanted: &dyn Fn(&str) -> bool,
    is_there: &dyn Fn(&str) -> bool,
) -> Vec<Finding> {
    let mut groups: BTreeMap<(Cause, &str), Vec<&Stamped>> = BTreeMap::new();
    for (name, event) in failed(events) {
        if let Event::Fetch { host, cause, .. } = &event.event
            && let Some(cause) = cause
            && (name.is_empty() || wanted(name))
        {
            groups.entry((*cause, host)).or_default().push(event);
        }
    }
    let found = |((cause, host), events)| finding(cause, host, events, is_there);
    let mut all: Vec<Finding> = groups.into_iter().filter_map(found).collect();
    all.sort_by_key(|finding| finding.severity);
    all
}

fn finding(
    cause: Cause,
    host: &str,
    events: Vec<&Stamped>,
    is_there: &dyn Fn(&str) -> bool,
) -> Option<Finding> {
    let newest = events.iter().max_by_key(|event| event.seq)?;
    let Event::Fetch { error, .. } = &newest.event else {
        return None;
    };
    let names: Vec<&str> = events
        .iter()
        .filter_map(|event| match &event.event {
            Event::Fetch { name, .. } => Some(name.as_str()).filter(|name| !name.is_empty()),
            _ => None,
        })
        .collect();
    let all_there = !names.is_empty() && names.iter().all(|name| is_there(name));
    let (code, remedy) = told(cause, host);
    Some(Finding {
        code,
        severity: match all_there {
            true => Severity::Warning,
            false => Severity::Error,
        },
        sentence: format!(
            "{} not fetched: {}",
            listed(&names),
            error.as_deref().unwrap_or("it is not known why")
        ),
        remedy,
        evidence: events.iter().map(|event| event.seq).collect(),
    })
}

/// The names in a sentence, with its verb.
fn listed(names: &[&str]) -> String {
    match names {
        [] => "what is declared was".to_owned(),
        [one] => format!("{one} was"),
        names if names.len() <= NAMES => format!("{} were", names.join(", ")),
        names => format!(
            "{} and {} more were",
            names[..NAMES].join(", "),
            names.len() - NAMES
        ),
    }
}

/// The code, and what to do.
fn told(cause: Cause, host: &str) -> (&'static str, String) {
    let again = "then `hearth fetch --agent`";
    let (code, remedy) = match cause {
        Cause::Clock => (
            "fetch-clock",
            format!(
                "set this host's clock (`date`, and NTP so that it stays right), {again}: the \
                 certificate begins later than the clock says it is now"
            ),
        ),
        Cause::Expired => (
            "fetch-expired",
            format!(
                "look at this host's clock first; if it is right, whoever runs {host} has to renew the \
                 certificate, and until then another origin helps"
            ),
        ),
        Cause::Untrusted => (
            "fetch-untrusted",
            format!(
                "if {host} is yours, or a proxy of yours looks into TLS, add its authority to this \
                 host's trust store; if not, somebody is between you and {host}"
            ),
        ),
        Cause::WrongName => (
            "fetch-wrong-name",
            format!(
                "write the name that the certificate is for into the URL, or look what DNS says of \
                 {host}"
            ),
        ),
        Cause::Tls => (
            "fetch-tls",
            format!("look whether {host} speaks TLS 1.2 or 1.3 there, and no proxy is in the way"),
        ),
        Cause::Dns => (
            "fetch-dns",
            format!("look whether this host resolves {host}, and for a mistake in the name; {again}"),
        ),
        Cause::Refused => (
            "fetch-refused",
            format!("look whether {host} is up and the URL's port is right; {again}"),
        ),
        Cause::Silent => (
            "fetch-silent",
            format!(
                "look for a firewall rule between this host and {host}, and whether it takes a \
                 `fetch.proxy`; {again}"
            ),
        ),
        Cause::Broken => (
            "fetch-broken",
            format!("fetch again, which goes on where it ended; look at the line to {host} if it stays so"),
        ),
        Cause::Proxy => (
            "fetch-proxy",
            "look at `fetch.proxy`: its address, and name and password if it takes them".to_owned(),
        ),
        Cause::Absent => (
            "fetch-absent",
            format!("{host} has no such file: correct the version or the URL"),
        ),
        Cause::Denied => (
            "fetch-denied",
            format!("{host} gives it to those it knows only: look at name and password in the URL"),
        ),
        Cause::Status => (
            "fetch-status",
            format!("{host} has a trouble of its own: wait, {again}, or take another origin"),
        ),
        Cause::Page => (
            "fetch-page",
            "log this host in at the network's login page, or leave out the proxy that answers in \
             place of the origin"
                .to_owned(),
        ),
        Cause::Changed => (
            "fetch-changed",
            "ask the publisher whether the change is meant; `hearth lock update NAME` accepts it, and \
             until then what was pinned stays in use"
                .to_owned(),
        ),
        Cause::Digest => (
            "fetch-digest",
            "correct the `sha256` if it is yours; if not, a mirror may be half-way through an update, \
             or somebody changes what comes: do not use it"
                .to_owned(),
        ),
        Cause::DiskFull => (
            "fetch-disk-full",
            format!("make room (`hearth lock prune` removes old versions), {again}"),
        ),
        Cause::Disk => (
            "fetch-disk",
            format!("let Hearth's user write to `server.root` and `server.state`, {again}"),
        ),
        Cause::Other => (
            "fetch-failed",
            format!("do what the sentence says, {again}"),
        ),
    };
    (code, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn event(seq: u64, name: &str, cause: Option<Cause>) -> Stamped {
        Stamped {
            seq,
            at: seq * 1_000,
            machine: None,
            event: Event::Fetch {
                name: name.to_owned(),
                host: "mirror.example".to_owned(),
                bytes: 0,
                took: Duration::from_secs(1),
                cause,
                error: cause.map(|_| "it failed".to_owned()),
            },
        }
    }

    fn codes(events: &[Stamped]) -> Vec<(&'static str, Vec<u64>)> {
        let found = fetch_findings(events, &|name| name != "gone", &|_| false);
        found
            .into_iter()
            .map(|one| (one.code, one.evidence))
            .collect()
    }

    #[test]
    fn every_cause_has_a_code_of_its_own_and_a_remedy() {
        let codes: BTreeSet<_> = Cause::ALL.map(|cause| told(cause, "h").0).into();
        assert_eq!(codes.len(), Cause::ALL.len());
        let mut all = Cause::ALL.to_vec();
        all.dedup();
        assert_eq!(all.len(), Cause::ALL.len());
        for cause in Cause::ALL {
            let events = [event(1, "a", Some(cause))];
            let found = fetch_findings(&events, &|_| true, &|_| false);
            let [finding] = &found[..] else {
                panic!("{cause:?}: {found:?}");
            };
            assert!(finding.code.starts_with("fetch-"), "{}", finding.code);
            assert!(finding.remedy.len() > 20 && !finding.remedy.ends_with('.'));
            assert_eq!(finding.sentence, "a was not fetched: it failed");
            assert_eq!(
                (finding.severity, &finding.evidence[..]),
                (Severity::Error, &[1][..])
            );
        }
    }

    #[test]
    fn a_later_success_ends_it_in_whatever_order_events_are_read() {
        let mut events = vec![event(1, "a", Some(Cause::Dns)), event(2, "a", None)];
        assert_eq!(codes(&events), []);
        events.reverse();
        assert_eq!(codes(&events), []);
        assert_eq!(failing(&events), BTreeSet::new());
        events.push(event(3, "a", Some(Cause::Refused)));
        assert_eq!(codes(&events), [("fetch-refused", vec![3])]);
        assert_eq!(failing(&events), ["a".to_owned()].into());
    }

    #[test]
    fn one_cause_at_one_origin_is_one_finding() {
        let dns = Some(Cause::Dns);
        let events: Vec<_> = (1..=5)
            .map(|n| event(n, &format!("file{n}"), dns))
            .collect();
        let found = fetch_findings(&events, &|_| true, &|_| false);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].sentence,
            "file1, file2, file3 and 2 more were not fetched: it failed"
        );
        assert_eq!(found[0].evidence, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn what_nobody_wants_any_more_is_no_finding() {
        assert_eq!(codes(&[event(1, "gone", Some(Cause::Dns))]), []);
        // The fetch as a whole has no name.
        let whole = [event(1, "", Some(Cause::Other))];
        assert_eq!(codes(&whole), [("fetch-failed", vec![1])]);
    }

    #[test]
    fn it_is_a_warning_while_the_file_is_there() {
        let events = [event(1, "a", Some(Cause::Changed))];
        let found = fetch_findings(&events, &|_| true, &|_| true);
        assert_eq!(found[0].severity, Severity::Warning);
    }
}
