//! Puts together what a profile or an image starts, for one machine or for the menu that knows
//! none.

use crate::arch::{Cpu, Platform};
use crate::boot::script::{Entry, Start};
use crate::config::{
    Argument, Config, Image, Machine, MenuItem, Name, Omni, Recipe, StaticAddress,
};
use crate::image::lock::Lock;
use crate::limits;
use crate::recipe::{self, Bootable, NotBootable};

/// What is known of the files: the lock, and whether a name can be asked for.
#[derive(Clone, Copy)]
pub struct Shelf<'a> {
    /// What is pinned.
    pub lock: &'a Lock,
    /// Whether the catalogue has a name.
    pub have: &'a dyn Fn(&str) -> bool,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// A profile.
    Profile(&'a Name),
    /// An image as it is.
    Image(&'a Name),
}

/// What a machine of this kind is started with; the error is a sentence for its screen.
pub fn start(
    config: &Config,
    shelf: Shelf,
    wanted: Wanted,
    machine: Option<&Machine>,
    cpu: Cpu,
    platform: Platform,
) -> Result<Start, String> {
    let (what, image, profile) = match wanted {
        Wanted::Profile(name) => {
            let profile = config.profiles.get(name);
            let profile = profile.ok_or_else(|| format!("profile {name} is not declared"))?;
            (profile.label.as_str(), &profile.image, Some(profile))
        }
        Wanted::Image(name) => (name.as_str(), name, None),
    };
    let image = config
        .images
        .get(image)
        .ok_or_else(|| format!("image {image} is not declared"))?;
    let bootable = recipe::bootable(image, shelf.lock, shelf.have, cpu, platform)
        .map_err(|why| sentence(image, &why))?;
    let mut arguments = Vec::new();
    if let Some(profile) = profile {
        if let Some(omni) = &profile.omni {
            arguments.extend(omni_arguments(omni));
        }
        arguments.extend(
            profile
                .arguments
                .iter()
                .map(|argument| argument.as_str().to_owned()),
        );
    }
    if let Some(machine) = machine {
        arguments.extend(
            machine
                .arguments
                .iter()
                .map(|argument| argument.as_str().to_owned()),
        );
        arguments.extend(
            machine
                .network
                .as_ref()
                .map(|net| ip_argument(&machine.name, net)),
        );
    }
    for argument in &arguments {
        // The word itself may hold a token and is not shown.
        Argument::new(argument)
            .map_err(|why| format!("an argument of {what} is refused: {why}"))?;
    }
    let own = match &bootable {
        Bootable::Kernel { arguments, .. } => arguments.as_slice(),
        Bootable::Chain { .. } => &[],
    };
    let length: usize = own
        .iter()
        .chain(&arguments)
        .map(|argument| argument.len() + 1)
        .sum();
    if length > limits::COMMAND_LINE_BYTES {
        return Err(format!(
            "the kernel arguments of {what} have {length} bytes, more than a kernel takes ({})",
            limits::COMMAND_LINE_BYTES
        ));
    }
    Ok(Start {
        what: what.to_owned(),
        bootable,
        arguments,
    })
}

/// Why an image cannot be started, and what to do, for a machine's screen.
fn sentence(image: &Image, why: &NotBootable) -> String {
    let name = &image.name;
    match why {
        NotBootable::Architecture { wanted, have } => {
            let have: Vec<_> = have.iter().map(|cpu| cpu.name()).collect();
            format!(
                "image {name} is kept for {}, this machine is {wanted}",
                have.join(", ")
            )
        }
        NotBootable::Missing(_) => {
            format!("image {name} is not fetched yet; on the firewall run: hearth fetch {name}")
        }
        NotBootable::Arguments { reason, .. } => {
            format!("the publisher's kernel arguments of image {name} are refused: {reason}")
        }
    }
}

/// boot-facts 4.8, as Omni shows them.
fn omni_arguments(omni: &Omni) -> Vec<String> {
    let mut api = format!("siderolink.api={}", omni.api);
    if let Some(token) = &omni.token {
        api.push(if omni.api.contains('?') { '&' } else { '?' });
        api.push_str(&format!("jointoken={}", token.reveal()));
    }
    let events = omni
        .events
        .iter()
        .map(|sink| format!("talos.events.sink={sink}"));
    let logs = omni
        .logs
        .iter()
        .map(|target| format!("talos.logging.kernel={target}"));
    std::iter::once(api).chain(events).chain(logs).collect()
}

/// `ip=client::gateway:netmask:hostname:device:off[:dns0[:dns1]]` (Linux nfsroot.rst; Talos reads
/// the same fields, boot-facts 4.7).
fn ip_argument(name: &Name, network: &StaticAddress) -> String {
    let mask = u32::MAX
        .checked_shl(32 - u32::from(network.prefix))
        .unwrap_or(0);
    let mut fields = vec![
        network.address.to_string(),
        String::new(),
        network
            .gateway
            .map(|gateway| gateway.to_string())
            .unwrap_or_default(),
        std::net::Ipv4Addr::from(mask).to_string(),
        name.to_string(),
        network.interface.clone().unwrap_or_default(),
        "off".to_owned(),
    ];
    fields.extend(network.dns.iter().map(|server| server.to_string()));
    format!("ip={}", fields.join(":"))
}

/// What people read in the menu, in the order of its items.
pub fn labels(config: &Config) -> Vec<String> {
    let label = |item: &MenuItem| match item {
        MenuItem::Profile(name) => match config.profiles.get(name) {
            Some(profile) => profile.label.as_str().to_owned(),
            None => name.to_string(),
        },
        MenuItem::Image(name) => match config.images.get(name).map(|image| &image.recipe) {
            Some(Recipe::Memtest { .. }) => "Memory test".to_owned(),
            _ => name.to_string(),
        },
        MenuItem::Local => "Local disk".to_owned(),
        MenuItem::Shell => "iPXE shell".to_owned(),
        MenuItem::Reboot => "Restart".to_owned(),
    };
    config.menu.items.iter().map(label).collect()
}

/// What each item of the menu does where nobody knows the machine.
pub fn entries(config: &Config, shelf: Shelf) -> Vec<Entry> {
    config
        .menu
        .items
        .iter()
        .map(|item| entry(config, shelf, item))
        .collect()
}

fn entry(config: &Config, shelf: Shelf, item: &MenuItem) -> Entry {
    let (wanted, image) = match item {
        MenuItem::Profile(name) => (
            Wanted::Profile(name),
            config.profiles.get(name).map(|profile| &profile.image),
        ),
        MenuItem::Image(name) => (Wanted::Image(name), Some(name)),
        MenuItem::Local | MenuItem::Shell | MenuItem::Reboot => return Entry::BuiltIn,
    };
    let architectures = image
        .and_then(|name| config.images.get(name))
        .map(|image| &image.architectures);
    let mut ways = Vec::new();
    let mut why = "nothing is kept for it".to_owned();
    // x86-64 last, where it serves whoever says nothing better: a BIOS iPXE says i386.
    let mut cpus: Vec<Cpu> = architectures.into_iter().flatten().copied().collect();
    cpus.sort_by_key(|cpu| *cpu == Cpu::Amd64);
    for cpu in cpus {
        match start(config, shelf, wanted, None, cpu, Platform::Efi) {
            Ok(start) => ways.push((cpu.ipxe_name(), start)),
            Err(sentence) => why = sentence,
        }
    }
    if ways.is_empty() {
        Entry::Says(why)
    } else {
        Entry::Starts(ways)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn a_static_address_is_what_linux_and_talos_read() {
        let network = StaticAddress {
            address: "192.168.1.171".parse().unwrap(),
            prefix: 24,
            gateway: Some("192.168.1.1".parse().unwrap()),
            interface: Some("eth0".to_owned()),
            dns: vec!["1.1.1.1".parse().unwrap()],
        };
        assert_eq!(
            ip_argument(&Name::new("oden").unwrap(), &network),
            "ip=192.168.1.171::192.168.1.1:255.255.255.0:oden:eth0:off:1.1.1.1"
        );
    }

    #[test]
    fn omnis_token_joins_an_address_with_and_without_a_query() {
        let omni = |api: &str| Omni {
            api: api.to_owned(),
            token: Some(Secret::new("T".to_owned())),
            events: None,
            logs: None,
        };
        assert_eq!(
            omni_arguments(&omni("https://x:8090/")),
            ["siderolink.api=https://x:8090/?jointoken=T"]
        );
        assert_eq!(
            omni_arguments(&omni("grpc://x:8090?grpc_tunnel=true")),
            ["siderolink.api=grpc://x:8090?grpc_tunnel=true&jointoken=T"]
        );
    }
}
