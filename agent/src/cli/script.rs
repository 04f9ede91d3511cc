//! `hearth script`.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::args::Machine;
use super::{Failed, USAGE, print};
use crate::boot::decide::{Assignments, decide};
use crate::boot::site::Site;
use crate::config::{Config, Name};
use crate::image::lock::Lock;
use crate::machine::{Facts, identify};

pub fn script(config: Config, machine: &Machine) -> Result<u8, Failed> {
    let lock = Lock::load(&config.server.state.join(Lock::FILE))
        .map_err(|error| Failed::new(65, error.to_string()))?;
    let root = config.server.root.clone();
    let asked = config.server.addresses.first().copied();
    let asked = asked.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let site = Site::build(Arc::new(config), lock)
        .map_err(|error| Failed::new(66, format!("reading {}: {error}", root.display())))?;
    let text = if machine.fallback {
        site.default_script(&[asked])
    } else {
        let item = machine.item.as_deref().map(Name::new).transpose();
        let facts = Facts {
            uuid: machine.uuid.filter(|uuid| !uuid.is_worthless()),
            macs: machine.mac.into_iter().collect(),
            platform: Some(machine.platform),
            buildarch: Some(machine.arch),
            ip: machine.ip,
            manufacturer: machine.manufacturer.clone(),
            product: machine.product.clone(),
            serial: machine.serial.clone(),
            item: item.map_err(|error| Failed::new(USAGE, format!("--item: {error}")))?,
            ..Facts::default()
        };
        let declared = identify(&site.config, &facts);
        let choice = decide(&site.config, declared, &facts, &Assignments::default());
        site.script(&choice, declared, &facts, asked)
    };
    print(&text)?;
    Ok(0)
}
