//! `hearth script`.

use std::sync::Arc;

use super::args::Machine;
use super::{Failed, USAGE, print};
use crate::boot::preview;
use crate::boot::site::Site;
use crate::config::{Config, Name};
use crate::event::Via;
use crate::image::lock::Lock;
use crate::machine::Facts;

pub fn script(config: Config, machine: &Machine) -> Result<u8, Failed> {
    let lock = Lock::load(&config.server.state.join(Lock::FILE))
        .map_err(|error| Failed::new(65, error.to_string()))?;
    let root = config.server.root.clone();
    let site = Site::build(Arc::new(config), lock)
        .map_err(|error| Failed::new(66, format!("reading {}: {error}", root.display())))?;
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
    let via = if machine.fallback {
        Via::Tftp
    } else {
        Via::Http
    };
    let text = preview(&site, &facts, via, None);
    print(&text)?;
    Ok(0)
}
