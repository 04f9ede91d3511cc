//! `[[machine]]`.

use super::super::reader::Value;
use super::super::report::Report;
use super::super::source::Placed;
use super::super::table::Table;
use super::super::{LocalBoot, raw, values};
use super::{answers, arguments, catalogue_name, name};
use crate::mac::Mac;
use crate::uuid::Uuid;

/// Name servers that `ip=` has room for.
const NAME_SERVERS: usize = 2;
/// Bytes of an interface's name on Linux, without the NUL (IFNAMSIZ).
const INTERFACE_BYTES: usize = 15;

pub(super) fn read(table: Table, report: &mut Report) -> raw::Machine {
    let machine_name = table
        .need("name", report)
        .and_then(|value| name(value, report));
    let macs = table.get("mac").map(|value| macs(value, report));
    let uuid = table.get("uuid");
    let uuid = uuid.and_then(|value| value.word(|text| text.parse::<Uuid>(), report));
    if table.get("mac").is_none() && table.get("uuid").is_none() {
        report
            .error(table.place, "this machine has neither `mac` nor `uuid`")
            .note("it could not be recognised; write for example `mac = \"5c:f3:fc:01:02:03\"`");
    }
    let profile = table.get("profile").and_then(|value| name(value, report));
    let address = table.get("address");
    let address = address.and_then(|value| value.word(values::prefix_address, report));
    let gateway = table.get("gateway");
    let gateway = gateway.and_then(|value| value.word(values::host_address, report));
    let interface = table.get("interface");
    let interface = interface.and_then(|value| value.word(self::interface, report));
    let dns = table.get("dns").and_then(|value| dns(value, report));
    needs_address(&table, report);
    let loader = table.get("loader");
    let loader = loader.and_then(|value| value.word(catalogue_name, report));
    let choices = [("exit", LocalBoot::Exit), ("sanboot", LocalBoot::Sanboot)];
    let local_boot = table.get("local_boot");
    let local_boot = local_boot.and_then(|value| value.choice(&choices, report));
    raw::Machine {
        name: machine_name,
        place: table.place,
        macs: macs.unwrap_or_default(),
        uuid,
        profile,
        arguments: arguments(table.get("arguments"), report),
        variables: table
            .get("variables")
            .map(|value| answers::variables(value, report))
            .unwrap_or_default(),
        address,
        gateway,
        interface: interface.map(|interface| interface.value),
        dns: dns.unwrap_or_default(),
        loader,
        local_boot: local_boot.map(|chosen| chosen.value),
    }
}

fn macs(value: Value, report: &mut Report) -> Vec<Placed<Mac>> {
    let items = value.one_or_items(report);
    if items.as_ref().is_some_and(Vec::is_empty) {
        value.wrong::<()>("at least one address is needed", report);
    }
    let items = items.unwrap_or_default();
    let macs = items
        .iter()
        .filter_map(|item| item.word(|text| text.parse::<Mac>(), report));
    macs.collect()
}

fn dns(value: Value, report: &mut Report) -> Option<Vec<std::net::Ipv4Addr>> {
    let items = value.one_or_items(report)?;
    if items.len() > NAME_SERVERS {
        let problem = format!("the kernel's `ip=` has room for {NAME_SERVERS} name servers");
        return value.wrong(&problem, report);
    }
    let parse = values::host_address;
    let servers = items.iter().filter_map(|item| item.word(parse, report));
    Some(servers.map(|server| server.value).collect())
}

/// Keys that say more of a static address mean nothing without one.
fn needs_address(table: &Table, report: &mut Report) {
    if table.get("address").is_some() {
        return;
    }
    for key in ["gateway", "interface", "dns"] {
        if let Some(value) = table.get(key) {
            report
                .error(value.key_place(), format!("`{key}` without `address`"))
                .note(
                    "a machine without a static address gets this from DHCP; \
                     write for example `address = \"192.168.1.171/24\"`",
                );
        }
    }
}

fn interface(text: &str) -> Result<String, String> {
    let holds = (1..=INTERFACE_BYTES).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if holds {
        Ok(text.to_owned())
    } else {
        Err("must be an interface of the booted system, such as `eth0` or `enp3s0`".to_owned())
    }
}
