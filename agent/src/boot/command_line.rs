//! The kernel arguments behind an image's own, and what an image is started with.

use std::net::Ipv4Addr;

use crate::arch::{Cpu, Platform};
use crate::boot::text::Text;
use crate::config::open::LONGEST_FOLDER;
use crate::config::{
    Argument, Config, Image, Installed, Machine, Name, Omni, Profile, StaticAddress,
};
use crate::image::catalogue::Catalogue;
use crate::image::lock::Lock;
use crate::limits;
use crate::recipe::{self, Bootable, NotBootable};

/// What is to be started.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// A profile's image with its arguments.
    Profile(&'a Profile),
    /// An image as it is.
    Image(&'a Image),
}

/// What stands in an argument for the URL of an answer.
#[derive(Clone, Copy, Debug)]
pub enum Answers<'a> {
    /// An installation's folder of answers, without a slash at its end.
    At(&'a str),
    /// An installation is about to begin, and its token is not made yet.
    Later,
    /// Nothing: there are no answers here, for this reason.
    None(&'a str),
}

/// How it is started on one kind of machine.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// A kernel.
    Kernel {
        /// Catalogue name.
        kernel: String,
        /// Catalogue names in order.
        initrds: Vec<String>,
        /// All arguments in order.
        arguments: Vec<Argument>,
    },
    /// Another boot program or menu.
    Chain {
        /// Its URL.
        url: crate::config::Url,
    },
}

impl Start {
    /// Tells the system that is started where it reports to. What stands behind `---` Debian's
    /// installer gives to the installed system, which has no use for it.
    pub fn report_to(&mut self, url: &str) {
        if let Start::Kernel { arguments, .. } = self
            && let Ok(event) = Argument::new(&format!("{EVENT}={url}"))
        {
            let end = arguments.iter().position(|one| one.as_str() == "---");
            arguments.insert(end.unwrap_or(arguments.len()), event);
        }
    }

    /// The file that is loaded last, by its catalogue name.
    pub fn last_file(&self) -> Option<&str> {
        match self {
            Start::Kernel {
                kernel, initrds, ..
            } => Some(initrds.last().unwrap_or(kernel)),
            Start::Chain { .. } => None,
        }
    }
}

/// The kernel argument that says where an installation reports: `$url/done`, `$url/failed`, `$url/log`.
pub const EVENT: &str = "hearth.event";

/// Why it cannot be started, for the machine's screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Unready {
    /// What is wrong and what to do.
    pub sentence: String,
    /// Files are not there yet; they may have come since the root was scanned.
    pub missing: bool,
}

/// What is kept: the files that can be asked for and the lock.
#[derive(Clone, Copy, Debug)]
pub struct Shelf<'a> {
    /// What can be asked for.
    pub catalogue: &'a Catalogue,
    /// What is pinned.
    pub lock: &'a Lock,
}

impl<'a> Wanted<'a> {
    /// A declared profile.
    pub fn profile(config: &'a Config, name: &Name) -> Option<Wanted<'a>> {
        config.profiles.get(name).map(Wanted::Profile)
    }

    /// A declared image.
    pub fn image(config: &'a Config, name: &Name) -> Option<Wanted<'a>> {
        config.images.get(name).map(Wanted::Image)
    }

    /// What people read.
    pub fn label(self) -> Text {
        match self {
            Wanted::Profile(profile) => Text::from(&profile.label),
            Wanted::Image(image) => Text::from(&image.name),
        }
    }

    /// The image that is started.
    pub fn image_of(self, config: &'a Config) -> Option<&'a Image> {
        match self {
            Wanted::Profile(profile) => config.images.get(&profile.image),
            Wanted::Image(image) => Some(image),
        }
    }

    /// How it is started on a machine of this kind.
    ///
    /// `machine` is a declared one, whose own arguments then follow.
    pub fn start(
        self,
        config: &Config,
        shelf: Shelf,
        machine: Option<&Machine>,
        answers: Answers,
        cpu: Cpu,
        platform: Platform,
    ) -> Result<Start, Unready> {
        let image = self.image_of(config).ok_or_else(|| Unready {
            sentence: "its image is not declared".to_owned(),
            missing: false,
        })?;
        let have = |name: &str| shelf.catalogue.get(name).is_some();
        let bootable = recipe::bootable(image, shelf.lock, &have, cpu, platform)
            .map_err(|why| unready(image, &why))?;
        let refused = |why: String| Unready {
            sentence: format!("{why}; `hearth check` on the server says more"),
            missing: false,
        };
        match bootable {
            Bootable::Chain { url } => Ok(Start::Chain {
                url: crate::config::Url::new(&url).map_err(refused)?,
            }),
            Bootable::Kernel {
                kernel,
                initrds,
                arguments,
            } => {
                let names = initrds.iter().map(|name| initrd_argument(name));
                let mut all = checked(names.chain(arguments)).map_err(refused)?;
                if let (Answers::None(why), true) = (answers, self.asks_for_answers()) {
                    return Err(Unready {
                        sentence: format!("its answer files are given out by Hearth {why}"),
                        missing: false,
                    });
                }
                all.extend(self.arguments(machine, answers).map_err(refused)?);
                let bytes: usize = all.iter().map(|one| one.as_str().len() + 1).sum();
                if bytes > limits::COMMAND_LINE_BYTES {
                    return Err(refused(format!(
                        "its kernel arguments have {bytes} bytes, a kernel takes {}",
                        limits::COMMAND_LINE_BYTES
                    )));
                }
                Ok(Start::Kernel {
                    kernel,
                    initrds,
                    arguments: all,
                })
            }
        }
    }

    /// Whether its arguments name answers, which only an installation has.
    pub fn asks_for_answers(self) -> bool {
        match self {
            Wanted::Profile(profile) => profile.needs_answers(),
            Wanted::Image(_) => false,
        }
    }

    /// Whether its installation says by itself that it is done.
    pub fn calls_back(self) -> bool {
        match self {
            Wanted::Profile(profile) => profile.installed == Installed::Callback,
            Wanted::Image(_) => false,
        }
    }

    /// Whether its arguments hold a secret that is not to stand where everybody can read it.
    pub fn is_secret(self) -> bool {
        match self {
            Wanted::Profile(profile) => {
                let omni = profile.omni.as_ref();
                omni.is_some_and(|omni| omni.token.is_some() && !omni.fallback)
            }
            Wanted::Image(_) => false,
        }
    }

    fn arguments(
        self,
        machine: Option<&Machine>,
        answers: Answers,
    ) -> Result<Vec<Argument>, String> {
        let mut arguments = match self {
            Wanted::Profile(profile) => {
                let mut arguments = match &profile.omni {
                    Some(omni) => checked(omni_arguments(omni))?,
                    None => Vec::new(),
                };
                let folder = match answers {
                    Answers::At(folder) => folder,
                    Answers::Later | Answers::None(_) => LONGEST_FOLDER,
                };
                let filled = profile.arguments.iter().map(|one| one.filled(folder));
                arguments.extend(filled.collect::<Result<Vec<_>, _>>()?);
                arguments
            }
            Wanted::Image(_) => Vec::new(),
        };
        if let Some(machine) = machine {
            arguments.extend(machine_arguments(machine)?);
        }
        Ok(arguments)
    }
}

/// What a declared machine adds to whatever it starts: its arguments and its address.
pub fn machine_arguments(machine: &Machine) -> Result<Vec<Argument>, String> {
    let network = machine.network.as_ref();
    let address = network.map(|network| ip_argument(&machine.name, network));
    let mut arguments = machine.arguments.clone();
    arguments.extend(checked(address)?);
    Ok(arguments)
}

fn checked(words: impl IntoIterator<Item = String>) -> Result<Vec<Argument>, String> {
    words
        .into_iter()
        // The word itself may hold a token and is not shown.
        .map(|word| Argument::new(&word).map_err(|why| format!("an argument is refused: {why}")))
        .collect()
}

fn unready(image: &Image, why: &NotBootable) -> Unready {
    let sentence = match why {
        NotBootable::Missing(_) => format!(
            "image {} is not fetched yet: run `hearth fetch {}` on the server",
            image.name, image.name
        ),
        other => format!("image {}: {other}", image.name),
    };
    Unready {
        sentence,
        missing: matches!(why, NotBootable::Missing(_)),
    }
}

/// Kernels before 5.7, and all that have no LoadFile2, find their initrd on UEFI only by the name
/// under which iPXE shows the file: the last part of its path (boot-facts 4.10). On BIOS it is
/// without effect.
fn initrd_argument(name: &str) -> String {
    format!("initrd={}", name.rsplit('/').next().unwrap_or(name))
}

/// Talos joins Omni by these, as Omni shows them (boot-facts 4.8).
fn omni_arguments(omni: &Omni) -> Vec<String> {
    let mut api = format!("siderolink.api={}", omni.api);
    if let Some(token) = &omni.token {
        let between = match omni.api.split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        api.push_str(&format!("{between}jointoken={}", token.reveal()));
    }
    let events = omni.events.iter();
    let events = events.map(|sink| format!("talos.events.sink={sink}"));
    let logs = omni.logs.iter();
    let logs = logs.map(|target| format!("talos.logging.kernel={target}"));
    std::iter::once(api).chain(events).chain(logs).collect()
}

/// `ip=client:server:gateway:netmask:hostname:device:autoconf:dns0:dns1` with an empty server
/// (Linux `nfsroot.rst`; Talos and dracut read the same fields, boot-facts 4.7). A netmask left out
/// would mean /32 to Talos, and only `dhcp` means anything to it in the seventh field.
fn ip_argument(name: &Name, network: &StaticAddress) -> String {
    let ones = u32::from(network.prefix.min(32));
    let mask = u32::MAX.checked_shl(32 - ones).unwrap_or(0);
    let gateway = network.gateway.map(|gateway| gateway.to_string());
    // A name that is no host name (RFC 1123 section 2.1) would be refused by the system.
    let is_host_name = name.as_str().split('.').all(|label| {
        !label.is_empty()
            && !label.contains('_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    });
    let mut argument = format!(
        "ip={}::{}:{}:{}:{}:off",
        network.address,
        gateway.unwrap_or_default(),
        Ipv4Addr::from(mask),
        if is_host_name { name.as_str() } else { "" },
        network.interface.as_deref().unwrap_or_default(),
    );
    for server in network.dns.iter().take(2) {
        argument.push_str(&format!(":{server}"));
    }
    argument
}

#[cfg(test)]
mod tests {
    #[test]
    fn where_to_report_stands_before_what_the_installed_system_gets() {
        let told = |words: &[&str]| {
            let arguments = words.iter().map(|word| Argument::new(word).unwrap());
            let mut start = Start::Kernel {
                kernel: "linux".to_owned(),
                initrds: Vec::new(),
                arguments: arguments.collect(),
            };
            start.report_to("http://192.168.1.1:8069/event/ab");
            let Start::Kernel { arguments, .. } = start else {
                unreachable!()
            };
            let words = arguments.iter().map(|one| one.as_str().to_owned());
            words.collect::<Vec<_>>().join(" ")
        };
        let event = "hearth.event=http://192.168.1.1:8069/event/ab";
        assert_eq!(told(&["quiet"]), format!("quiet {event}"));
        assert_eq!(
            told(&["quiet", "---", "console=ttyS0"]),
            format!("quiet {event} --- console=ttyS0")
        );
    }

    use super::*;
    use crate::config::Secret;

    fn network(prefix: u8, dns: &[&str]) -> StaticAddress {
        StaticAddress {
            address: "192.168.1.171".parse().unwrap(),
            prefix,
            gateway: Some("192.168.1.1".parse().unwrap()),
            interface: Some("eth0".to_owned()),
            dns: dns.iter().map(|server| server.parse().unwrap()).collect(),
        }
    }

    fn ip(name: &str, network: &StaticAddress) -> String {
        ip_argument(&Name::new(name).unwrap(), network)
    }

    #[test]
    fn a_static_address_is_what_linux_and_talos_read() {
        assert_eq!(
            ip("oden", &network(24, &[])),
            "ip=192.168.1.171::192.168.1.1:255.255.255.0:oden:eth0:off"
        );
        assert_eq!(
            ip("oden", &network(20, &["1.1.1.1", "9.9.9.9"])),
            "ip=192.168.1.171::192.168.1.1:255.255.240.0:oden:eth0:off:1.1.1.1:9.9.9.9"
        );
        let bare = StaticAddress {
            gateway: None,
            interface: None,
            ..network(32, &[])
        };
        assert_eq!(
            ip("oden", &bare),
            "ip=192.168.1.171:::255.255.255.255:oden::off"
        );
    }

    #[test]
    fn a_name_that_is_no_host_name_is_left_out() {
        for name in ["rack_1", "a-", "a..b"] {
            assert!(ip(name, &network(24, &[])).contains(":255.255.255.0::eth0:"));
        }
    }

    #[test]
    fn omnis_token_joins_an_address_with_and_without_a_query() {
        let api = |api: &str| {
            let omni = Omni {
                api: api.to_owned(),
                token: Some(Secret::new("T".to_owned())),
                fallback: false,
                events: Some("[fdae::1]:8090".to_owned()),
                logs: Some("tcp://[fdae::1]:8092".to_owned()),
            };
            let arguments = omni_arguments(&omni);
            assert_eq!(arguments[1], "talos.events.sink=[fdae::1]:8090");
            assert_eq!(arguments[2], "talos.logging.kernel=tcp://[fdae::1]:8092");
            arguments[0].clone()
        };
        for (given, becomes) in [
            ("https://x:8090/", "https://x:8090/?jointoken=T"),
            ("https://x:8090/?", "https://x:8090/?jointoken=T"),
            (
                "grpc://x:8090?grpc_tunnel=true",
                "grpc://x:8090?grpc_tunnel=true&jointoken=T",
            ),
            ("grpc://x?a=b&", "grpc://x?a=b&jointoken=T"),
        ] {
            assert_eq!(api(given), format!("siderolink.api={becomes}"));
        }
    }

    #[test]
    fn an_initrd_is_called_by_the_last_part_of_its_path() {
        assert_eq!(
            initrd_argument("talos/v1/abc/initramfs-amd64.xz"),
            "initrd=initramfs-amd64.xz"
        );
        assert_eq!(initrd_argument("initrd.gz"), "initrd=initrd.gz");
    }

    #[test]
    fn a_refused_argument_is_not_shown() {
        let refused = checked(["siderolink.api=https://x/?jointoken=top secret".to_owned()]);
        assert!(!refused.unwrap_err().contains("secret"));
    }
}
