//! Where DHCP is listened to, and what a person is told where that is not possible.

use std::io::ErrorKind;
use std::net::IpAddr;

use super::Daemon;
use super::addresses::{Local, local};
use crate::config::Config;
use crate::observe::{self, Deaf, Ears, Observer};
use crate::sys::capture::Capture;

impl Daemon {
    /// Hears DHCP where the configuration says now. Only a new configuration closes an interface: one
    /// whose address is away may come back, and to open it again may take root.
    pub(super) fn observe_where(&mut self, config: &Config, may_close: bool) {
        let wanted = wanted(config);
        let have = self.observer.as_ref().map(Observer::interfaces);
        let have = have.unwrap_or_default();
        let gone: Vec<_> = have
            .iter()
            .filter(|name| may_close && !wanted.contains(name))
            .cloned()
            .collect();
        let new: Vec<_> = wanted
            .iter()
            .filter(|name| !have.contains(name))
            .cloned()
            .collect();
        if gone.is_empty() && new.is_empty() {
            return;
        }
        let became = config.server.user.as_deref();
        let captures = open(&new, config, became, &mut self.deaf);
        if let Some(observer) = &mut self.observer {
            observer.change(&gone, captures);
            self.tell_where();
        } else {
            self.observe(captures);
        }
    }

    /// Hears DHCP on what was opened.
    pub(super) fn observe(&mut self, captures: Vec<Capture>) {
        if captures.is_empty() {
            return;
        }
        let known = (self.status.clone(), self.keeper.clone());
        let told = self.status.clone();
        let ears = Ears {
            sink: self.status.clone(),
            is_known: Box::new(move |mac| {
                known.0.journal.has_met(mac) || known.1.site().declares(mac)
            }),
            leased: Box::new(move |lease| told.journal.leased(lease)),
        };
        match Observer::start(captures, ears) {
            Ok(observer) => self.observer = Some(observer),
            Err(error) => log::warn!("cannot listen to DHCP: starting the thread: {error}"),
        }
        self.tell_where();
    }

    fn tell_where(&self) {
        let interfaces = self.observer.as_ref().map(Observer::interfaces);
        let interfaces = interfaces.unwrap_or_default().to_vec();
        match interfaces.is_empty() {
            true => log::info!("DHCP is not listened to"),
            false => log::info!("DHCP is heard on {}", interfaces.join(", ")),
        }
        *self.status.observed() = interfaces;
    }
}

/// The interfaces that the configuration means now.
pub fn wanted(config: &Config) -> Vec<String> {
    let observe = &config.observe;
    match (observe.enabled, observe.interfaces.as_slice()) {
        (false, _) => Vec::new(),
        (true, []) => with_addresses(&config.server.addresses, &local().unwrap_or_default()),
        (true, named) => {
            let mut names = named.to_vec();
            names.dedup();
            names
        }
    }
}

/// Why there is no interface to listen on, where a person would expect one.
pub fn why_none(config: &Config) -> Option<&'static str> {
    let may_boot = |address: &IpAddr| !address.is_loopback();
    let expected = config.observe.enabled
        && config.observe.interfaces.is_empty()
        && config.server.addresses.iter().any(may_boot);
    expected.then_some(
        "DHCP is not listened to: no interface has one of server.addresses yet; name the interface in \
         observe.interfaces",
    )
}

/// The interfaces with one of the addresses; a wildcard is every address.
fn with_addresses(addresses: &[IpAddr], interfaces: &[Local]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for interface in interfaces.iter().filter(|interface| interface.is_shared) {
        let has_one = addresses
            .iter()
            .any(|address| address.is_unspecified() || *address == interface.address);
        if has_one && !names.contains(&interface.interface) {
            names.push(interface.interface.clone());
        }
    }
    names
}

/// Opens interfaces and says which cannot be, each reason once: `told` is what was said the last time.
/// `became` is the user that this process has become.
pub fn open(
    interfaces: &[String],
    config: &Config,
    became: Option<&str>,
    told: &mut Vec<String>,
) -> Vec<Capture> {
    let (captures, deaf) = observe::open(interfaces);
    let is_chosen = config.observe.interfaces.is_empty();
    let lines = complaints(&deaf, is_chosen, became);
    for line in lines.iter().filter(|line| !told.contains(line)) {
        log::warn!("{line}");
    }
    *told = lines;
    captures
}

/// What a person should know of interfaces that were named, or chosen by this program.
fn complaints(deaf: &[Deaf], is_chosen: bool, became: Option<&str>) -> Vec<String> {
    let mut lines = Vec::new();
    let is_refused = |one: &&Deaf| one.error.kind() == ErrorKind::PermissionDenied;
    let refused: Vec<_> = deaf.iter().filter(is_refused).collect();
    if let Some(first) = refused.first() {
        let names: Vec<_> = refused.iter().map(|one| one.interface.as_str()).collect();
        let remedy = match became {
            Some(user) => format!("hearth became user {user} at its start: restart it"),
            None => "start as root".to_owned(),
        };
        lines.push(format!(
            "cannot listen to DHCP on {}: {}; {remedy}, or set observe.enabled = false; machines boot \
             all the same, their timelines begin with the loader",
            names.join(", "),
            first.error
        ));
    }
    for Deaf { interface, error } in deaf.iter().filter(|one| !is_refused(one)) {
        let why = match error.kind() {
            // What this program chose it may leave out: nothing boots over it.
            ErrorKind::Unsupported if is_chosen => continue,
            ErrorKind::Unsupported => "it has no Ethernet frames".to_owned(),
            ErrorKind::NotFound => "there is no such interface".to_owned(),
            _ => error.to_string(),
        };
        lines.push(format!(
            "cannot listen to DHCP on {interface}: {why}; correct observe.interfaces"
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn interface(name: &str, address: &str, is_shared: bool) -> Local {
        Local {
            interface: name.to_owned(),
            address: address.parse().unwrap(),
            is_shared,
        }
    }

    fn chosen(addresses: &[&str]) -> Vec<String> {
        let interfaces = [
            interface("lo0", "127.0.0.1", false),
            interface("igb0", "203.0.113.7", true),
            interface("igb1", "192.168.1.1", true),
            interface("igb1", "fd00::1", true),
            interface("tun0", "10.8.0.1", false),
        ];
        let addresses: Vec<_> = addresses.iter().map(|one| one.parse().unwrap()).collect();
        with_addresses(&addresses, &interfaces)
    }

    #[test]
    fn interfaces_with_the_servers_addresses_are_chosen_and_loopback_is_not() {
        assert_eq!(chosen(&["192.168.1.1", "127.0.0.1", "fd00::1"]), ["igb1"]);
        assert_eq!(chosen(&["0.0.0.0"]), ["igb0", "igb1"]);
        assert_eq!(chosen(&["192.168.2.1"]), [""; 0]);
    }

    fn said(kinds: &[ErrorKind], is_chosen: bool, became: Option<&str>) -> Vec<String> {
        let deaf = kinds.iter().enumerate().map(|(number, kind)| Deaf {
            interface: format!("igb{number}"),
            error: io::Error::from(*kind),
        });
        complaints(&deaf.collect::<Vec<_>>(), is_chosen, became)
    }

    #[test]
    fn that_nothing_is_to_be_heard_is_told_only_where_a_machine_could_boot() {
        let why = |text: &str| {
            let mut config = crate::boot::testing::config(text);
            config.server.addresses = vec!["192.168.1.1".parse().unwrap()];
            let expected = why_none(&config);
            config.server.addresses = vec!["127.0.0.1".parse().unwrap()];
            assert_eq!(why_none(&config), None);
            expected
        };
        assert!(why("").is_some());
        assert_eq!(why("[observe]\nenabled = false"), None);
        assert_eq!(why("[observe]\ninterfaces = [\"igb1\"]"), None);
    }

    #[test]
    fn who_may_not_listen_is_told_once_with_the_remedy() {
        let refused = ErrorKind::PermissionDenied;
        assert_eq!(
            said(&[refused, refused], true, None),
            [
                "cannot listen to DHCP on igb0, igb1: permission denied; start as root, or set \
                 observe.enabled = false; machines boot all the same, their timelines begin with the \
                 loader"
            ]
        );
        let after = said(&[refused], true, Some("hearth"));
        assert!(after[0].contains("; hearth became user hearth at its start: restart it, or "));
    }

    #[test]
    fn only_what_a_person_named_is_complained_of() {
        let kinds = [ErrorKind::Unsupported];
        assert_eq!(said(&kinds, true, None), [""; 0]);
        assert_eq!(
            said(&[ErrorKind::Unsupported, ErrorKind::NotFound], false, None),
            [
                "cannot listen to DHCP on igb0: it has no Ethernet frames; correct \
                 observe.interfaces",
                "cannot listen to DHCP on igb1: there is no such interface; correct \
                 observe.interfaces"
            ]
        );
    }
}
