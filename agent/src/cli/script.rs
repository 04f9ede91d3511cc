//! `hearth script`.

use std::path::Path;
use std::sync::Arc;

use super::args::Machine;
use super::client::{Client, encoded};
use super::exit::{DATA, Failed, NO_INPUT};
use super::print;
use super::value::text;
use crate::arch::{Cpu, Platform};
use crate::boot::preview;
use crate::boot::site::Site;
use crate::config::Config;
use crate::event::Via;
use crate::image::lock::Lock;
use crate::machine::Facts;

pub fn script(path: &Path, machine: &Machine) -> Result<u8, Failed> {
    match &machine.machine {
        Some(name) => of_known(path, name, machine),
        None => of_made_up(super::load(path)?, machine),
    }
}

/// What a machine would get now that the running agent knows.
fn of_known(path: &Path, name: &str, machine: &Machine) -> Result<u8, Failed> {
    let asked = machine.asked.map(|address| format!("?asked={address}"));
    let asked = asked.unwrap_or_default();
    let path_of = format!("machines/{}/script{asked}", encoded(name));
    let answer = Client::of(path).get(&path_of)?;
    match machine.json {
        true => print(&format!("{answer:#}\n"))?,
        false => print(&text(&answer["script"]))?,
    }
    Ok(0)
}

/// What a machine with these facts would get that nobody has met.
fn of_made_up(config: Config, machine: &Machine) -> Result<u8, Failed> {
    let lock = Lock::load(&config.server.state.join(Lock::FILE))
        .map_err(|error| Failed::new(DATA, error.to_string()))?;
    let root = config.server.root.clone();
    let site = Site::build(Arc::new(config), lock).map_err(|error| {
        let text = format!("reading {}: {error}; correct server.root", root.display());
        Failed::new(NO_INPUT, text)
    })?;
    let via = match machine.fallback {
        true => Via::Tftp,
        false => Via::Http,
    };
    print(&preview(&site, &facts(machine), via, machine.asked))?;
    Ok(0)
}

fn facts(machine: &Machine) -> Facts {
    // iPXE for BIOS is a 32-bit program, and says apart what the processor can.
    let buildarch = match (machine.platform, machine.arch) {
        (Platform::Bios, Cpu::Amd64) => Cpu::I386,
        (_, cpu) => cpu,
    };
    Facts {
        uuid: machine.uuid.filter(|uuid| !uuid.is_worthless()),
        macs: machine.mac.clone(),
        platform: Some(machine.platform),
        buildarch: Some(buildarch),
        cpu64: machine.arch == Cpu::Amd64,
        ip: machine.ip,
        manufacturer: machine.manufacturer.clone(),
        product: machine.product.clone(),
        serial: machine.serial.clone(),
        asset: machine.asset.clone(),
        busid: machine.busid.clone(),
        item: machine.item.clone(),
        menu: machine.menu,
        ..Facts::default()
    }
}
