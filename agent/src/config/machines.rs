//! Declared machines against each other: no two may be one, and each address belongs to one.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};

use super::check::Declared;
use super::raw;
use super::report::Report;
use super::source::{Place, Placed};
use super::suggest::nearest;
use super::values::network;
use super::{Loaders, Machine, Name, Server, StaticAddress};
use crate::arch::{self, CLIENTS};
use crate::mac::Mac;
use crate::uuid::Uuid;

/// Whose something is: the machine's name (if it has one) and the place.
#[derive(Clone)]
struct Owner {
    machine: String,
    place: Place,
}

#[derive(Default)]
struct Taken {
    macs: HashMap<Mac, Owner>,
    uuids: HashMap<Uuid, Owner>,
    addresses: HashMap<Ipv4Addr, Owner>,
}

pub(super) fn check(
    raw: Vec<raw::Machine>,
    server: &Server,
    loaders: &Loaders,
    profiles: &Declared,
    report: &mut Report,
) -> BTreeMap<Name, Machine> {
    let mut taken = Taken::default();
    let known_loaders = known_loaders(loaders);
    let mut machines = BTreeMap::new();
    for machine in raw {
        let name = machine.name.as_ref();
        let called = name.map_or_else(|| "without a name".to_owned(), |n| format!("`{}`", n.value));
        identities(&machine, &called, &mut taken, report);
        if let Some(profile) = &machine.profile {
            profiles.expect(profile, "the machine would have nothing to start", report);
        }
        if let Some(address) = &machine.address {
            let gateway = machine.gateway.as_ref();
            self::address(address, gateway, &called, server, &mut taken, report);
        }
        if let Some(loader) = &machine.loader {
            self::loader(loader, &known_loaders, server, report);
        }
        if let Some(Placed { value: name, .. }) = machine.name {
            let network = machine.address.map(|address| StaticAddress {
                address: address.value.0,
                prefix: address.value.1,
                gateway: machine.gateway.map(|gateway| gateway.value),
                interface: machine.interface,
                dns: machine.dns,
            });
            let machine = Machine {
                name: name.clone(),
                macs: machine.macs.into_iter().map(|mac| mac.value).collect(),
                uuid: machine.uuid.map(|uuid| uuid.value),
                profile: machine.profile.map(|profile| profile.value),
                arguments: machine.arguments,
                variables: machine.variables,
                network,
                loader: machine.loader.map(|loader| loader.value),
                local_boot: machine.local_boot,
            };
            machines.insert(name, machine);
        }
    }
    machines
}

fn identities(machine: &raw::Machine, called: &str, taken: &mut Taken, report: &mut Report) {
    let owner = |place| Owner {
        machine: called.to_owned(),
        place,
    };
    for mac in &machine.macs {
        let new = owner(mac.place);
        let what = format!("the MAC address {}", mac.value);
        claim(&mut taken.macs, mac.value, new, &what, report);
    }
    if let Some(uuid) = &machine.uuid {
        if uuid.value.is_worthless() {
            let draft = report.error(
                uuid.place,
                "this UUID is on many boards, so it names no machine",
            );
            draft.note("other machines could be taken for this one; write its `mac` instead");
            return;
        }
        let new = owner(uuid.place);
        let what = format!("the UUID {}", uuid.value);
        // One machine shows its UUID in either byte order, so both are one key.
        let key = uuid.value.min(uuid.value.swapped());
        claim(&mut taken.uuids, key, new, &what, report);
    }
}

/// Takes something for a machine, or says who has it.
fn claim<K: Eq + std::hash::Hash>(
    taken: &mut HashMap<K, Owner>,
    key: K,
    new: Owner,
    what: &str,
    report: &mut Report,
) {
    match taken.get(&key) {
        None => {
            taken.insert(key, new);
        }
        Some(first) => {
            report
                .error(new.place, format!("{what} is taken"))
                .note_place(format!("machine {} has it at", first.machine), first.place)
                .note("it would be open which of the two was meant");
        }
    }
}

fn address(
    address: &Placed<(Ipv4Addr, u8)>,
    gateway: Option<&Placed<Ipv4Addr>>,
    called: &str,
    server: &Server,
    taken: &mut Taken,
    report: &mut Report,
) {
    let (ip, bits) = address.value;
    let new = Owner {
        machine: called.to_owned(),
        place: address.place,
    };
    claim(
        &mut taken.addresses,
        ip,
        new,
        &format!("the address {ip}"),
        report,
    );
    if server.addresses.contains(&IpAddr::V4(ip)) {
        report
            .error(address.place, format!("{ip} is this server's own address"))
            .note("the machine would cut all others off from the server");
    }
    let Some(gateway) = gateway else {
        return;
    };
    let (first, last) = network(ip, bits);
    if !(first..=last).contains(&gateway.value) {
        report
            .error(
                gateway.place,
                format!("the gateway is not in the machine's network {first}/{bits}"),
            )
            .note("the machine would reach only its own network");
    } else if gateway.value == ip {
        report
            .error(gateway.place, "the gateway is the machine itself")
            .note("the machine would reach only its own network");
    } else if bits < 31 && (gateway.value == first || gateway.value == last) {
        report
            .error(
                gateway.place,
                format!("the gateway is the network's own or broadcast address in {first}/{bits}"),
            )
            .note("the machine would reach only its own network");
    }
}

fn known_loaders(loaders: &Loaders) -> Vec<String> {
    let mut known = vec!["ipxe.pxe".to_owned()];
    for client in &CLIENTS {
        for file in ["snponly.efi", "ipxe.efi"] {
            known.push(arch::loader_name(client.platform, client.cpu, file));
        }
    }
    known.extend(loaders.files.keys().cloned());
    known.sort_unstable();
    known.dedup();
    known
}

fn loader(loader: &Placed<String>, known: &[String], server: &Server, report: &mut Report) {
    if known.contains(&loader.value) {
        return;
    }
    let message = format!(
        "`{}` is none of the loaders that Hearth keeps",
        loader.value
    );
    let draft = if server.own_files {
        let draft = report.warning(loader.place, message);
        draft.note(format!(
            "the machine gets no loader unless you put a file of this name below {}",
            server.root.display()
        ))
    } else {
        let draft = report.error(loader.place, message);
        draft.note("with `own_files = false` the machine would get no loader")
    };
    if let Some(meant) = nearest(&loader.value, known.iter().map(String::as_str)) {
        draft.note(format!("did you mean `{meant}`?"));
    }
}
