//! One consistent state of everything that is served: configuration, lock, catalogue, and what is
//! made from them. A reload or a rescan makes a new one; requests under way keep the old.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use crate::boot::command_line::{Answers, Shelf, Start, Unready, Wanted};
use crate::boot::decide::{Asking, Decided, Decision, decide, local_boot};
use crate::boot::fallback;
use crate::boot::policy::{Count, Counts};
use crate::boot::script::{self, Setting};
use crate::boot::text::{Base, Text};
use crate::boot::token::Token;
use crate::boot::written;
use crate::config::{Config, Machine, MenuItem, Name, Recipe};
use crate::event::Via;
use crate::id::MachineId;
use crate::image::catalogue::{Catalogue, Entry};
use crate::image::lock::Lock;
use crate::image::scan::scan;
use crate::limits;
use crate::mac::Mac;
use crate::machine::{Facts, Identity, Known, Record};

/// Why a profile with answers cannot be started just so.
const ONLY_INSTALLING: &str =
    "while it installs the machine, and this is no installation of its own";

/// The script that iPXE asks for first, by its catalogue name.
pub const DEFAULT: &str = "default.ipxe";

/// Everything that is served, at one moment.
#[derive(Debug)]
pub struct Site {
    /// What is declared.
    pub config: Arc<Config>,
    /// What is pinned.
    pub lock: Lock,
    /// What lies below the root and can be asked for.
    pub catalogue: Catalogue,
    /// What a person should know of it, a sentence each.
    pub warnings: Vec<String>,
    /// A person's own `default.ipxe` is served in place of Hearth's.
    pub own_default: bool,
    /// Something that the menu or a profile names was not fetched yet.
    pub incomplete: bool,
    /// A machine is declared to get a loader of its own, so asking for one needs a look at who asks.
    pub has_loaders: bool,
    known: Known,
    made: BTreeMap<IpAddr, Arc<Entry>>,
}

impl Site {
    /// Whether a declared machine has this MAC.
    pub fn declares(&self, mac: Mac) -> bool {
        self.known.by_mac(&self.config, mac).is_some()
    }

    /// Reads the tree and makes what is made.
    ///
    /// # Errors
    /// The root cannot be read. What is wrong below it is among the warnings.
    pub fn build(config: Arc<Config>, lock: Lock) -> io::Result<Site> {
        let server = &config.server;
        let locked = |name: &str| lock.file(name).map(|locked| locked.size);
        let found = scan(&server.root, server.own_files, &locked)?;
        let mut site = Site {
            known: Known::of(&config),
            config,
            lock,
            catalogue: found.catalogue,
            warnings: found.warnings,
            own_default: false,
            incomplete: false,
            has_loaders: false,
            made: BTreeMap::new(),
        };
        site.look_for_an_own_default();
        if site.config.machines.len() > limits::FALLBACK_MACHINES {
            site.warnings.push(format!(
                "the built-in menu of {DEFAULT} knows the arguments of the first {} machines only",
                limits::FALLBACK_MACHINES
            ));
        }
        site.incomplete = site.looks_incomplete();
        let mut machines = site.config.machines.values();
        site.has_loaders = machines.any(|machine| machine.loader.is_some());
        let now = SystemTime::now();
        for address in &site.config.server.addresses {
            let text = site.default_script(&site.bases(Some(*address)));
            let entry = Arc::new(Entry::made(text.as_bytes(), now));
            site.made.insert(address.to_canonical(), entry);
        }
        Ok(site)
    }

    /// The entry for a name; `default.ipxe` is made for the address that was asked.
    pub fn entry(&self, name: &str, asked: IpAddr) -> Option<Arc<Entry>> {
        if name == DEFAULT && !self.own_default {
            let made = self.made.get(&asked.to_canonical());
            return made.or_else(|| self.made.values().next()).cloned();
        }
        self.catalogue.shared(name)
    }

    /// The declared machine that these facts mean.
    pub fn identify(&self, facts: &Facts) -> Option<Identity<'_>> {
        self.known.identify(&self.config, facts)
    }

    /// The loader that a machine with this MAC is declared to get.
    pub fn loader_of(&self, mac: crate::mac::Mac) -> Option<&str> {
        self.known.by_mac(&self.config, mac)?.loader.as_deref()
    }

    /// A machine that asks here; `now` in milliseconds since 1970.
    pub fn asking<'a>(
        &'a self,
        record: &'a Record,
        facts: &'a Facts,
        counts: Counts<'a>,
        now: u64,
    ) -> Asking<'a> {
        Asking {
            config: &self.config,
            identity: self.identify(facts),
            record,
            facts,
            counts,
            now,
        }
    }

    /// What a machine gets; `now` in milliseconds since 1970.
    pub fn decide(&self, record: &Record, facts: &Facts, counts: Counts, now: u64) -> Decided {
        decide(&self.asking(record, facts, counts, now))
    }

    /// The script for a decision, for a machine that asked at this address of ours. `token` is that of
    /// the installation which begins.
    pub fn script(
        &self,
        decided: &Decided,
        record: &Record,
        facts: &Facts,
        asked: IpAddr,
        token: Option<&Token>,
    ) -> String {
        let machine = self.identify(facts).map(|identity| identity.machine);
        let setting = Setting {
            base: Base::new(asked, self.config.server.http_port),
            reason: Text::said(&format!("{}: {}", decided.decision.word(), decided.reason)),
            attempt: facts.attempt,
        };
        match &decided.decision {
            Decision::Menu => {
                let local = local_boot(machine, record, facts.platform());
                script::menu(&setting, &self.config.menu, &self.labels(), local)
            }
            Decision::Install { profile } => {
                let wanted = Wanted::profile(&self.config, profile);
                self.start(&setting, wanted, machine, facts, token)
            }
            Decision::Image { image } => {
                let wanted = Wanted::image(&self.config, image);
                self.start(&setting, wanted, machine, facts, token)
            }
            Decision::Local { method } => script::local(&setting, *method),
            Decision::Hold { why } => script::hold(&setting, why),
            Decision::Deny => script::deny(&setting),
        }
    }

    /// How what was decided is started on this machine, or why it cannot be now; `None`: nothing is.
    pub fn start_of(&self, decided: &Decided, facts: &Facts) -> Option<Result<Start, Unready>> {
        let wanted = match &decided.decision {
            Decision::Install { profile } => Wanted::profile(&self.config, profile)?,
            Decision::Image { image } => Wanted::image(&self.config, image)?,
            _ => return None,
        };
        let (cpu, platform) = (facts.cpu(), facts.platform());
        let answers = match decided.begins {
            Some(_) => Answers::Later,
            None => Answers::None(ONLY_INSTALLING),
        };
        Some(wanted.start(&self.config, self.shelf(), None, answers, cpu, platform))
    }

    /// The last file that a machine loads of what was decided for it, in the word of
    /// [`Decision::word`], if that can be started as things are.
    pub fn last_file(&self, decided: &str, facts: &Facts) -> Option<String> {
        let (what, name) = decided.split_once(' ')?;
        let name = Name::new(name).ok()?;
        let wanted = match what {
            "install" => Wanted::profile(&self.config, &name)?,
            "image" => Wanted::image(&self.config, &name)?,
            _ => return None,
        };
        let (cpu, platform) = (facts.cpu(), facts.platform());
        let start = wanted.start(
            &self.config,
            self.shelf(),
            None,
            Answers::Later,
            cpu,
            platform,
        );
        start.ok()?.last_file().map(str::to_owned)
    }

    /// `default.ipxe` as it is written below the root, for any server that serves the folder.
    pub fn written_default(&self) -> String {
        self.default_script(&self.bases(None))
    }

    /// Writes `default.ipxe` below the root. A person's own file is left alone.
    ///
    /// # Errors
    /// The file cannot be written; what was there is still there. It is no more than a warning,
    /// because Hearth serves its own from memory; another TFTP server gives out what was there.
    pub fn write_default(&self) -> io::Result<()> {
        let path = self.config.server.root.join(DEFAULT);
        if fs::symlink_metadata(&path).is_ok() && !written::is_ours(&path) {
            return Ok(());
        }
        written::write(&path, self.written_default().as_bytes())
    }

    fn shelf(&self) -> Shelf<'_> {
        Shelf {
            catalogue: &self.catalogue,
            lock: &self.lock,
        }
    }

    /// Every base of the boot side, that of the address asked first. A machine that asked over IPv4
    /// is told of no IPv6 address: BIOS builds of iPXE have none.
    fn bases(&self, asked: Option<IpAddr>) -> Vec<Base> {
        let asked = asked.map(|asked| asked.to_canonical());
        let addresses = self.config.server.addresses.iter();
        let others = addresses
            .map(IpAddr::to_canonical)
            .filter(|address| match asked {
                Some(asked) => *address != asked && address.is_ipv4() >= asked.is_ipv4(),
                None => true,
            });
        asked
            .into_iter()
            .chain(others)
            .map(|address| Base::new(address, self.config.server.http_port))
            .collect()
    }

    fn default_script(&self, bases: &[Base]) -> String {
        fallback::script(&self.config, self.shelf(), bases, &self.labels())
    }

    fn start(
        &self,
        setting: &Setting,
        wanted: Option<Wanted>,
        machine: Option<&Machine>,
        facts: &Facts,
        token: Option<&Token>,
    ) -> String {
        // A configuration that holds declares whatever it names.
        let Some(wanted) = wanted else {
            return script::hold(setting, "its profile is not declared any more");
        };
        let (cpu, platform) = (facts.cpu(), facts.platform());
        let folder = token.map(|token| token.answers(setting.base));
        let answers = match &folder {
            Some(folder) => Answers::At(folder),
            None => Answers::None(ONLY_INSTALLING),
        };
        match wanted.start(&self.config, self.shelf(), machine, answers, cpu, platform) {
            Ok(mut start) => {
                if let (Some(token), true) = (token, wanted.calls_back()) {
                    start.report_to(&token.url(setting.base));
                }
                script::start(setting, &wanted.label(), &start)
            }
            Err(why) => script::unready(setting, &wanted.label(), &why),
        }
    }

    /// What people read in the menu, in the order of its items.
    fn labels(&self) -> Vec<Text> {
        let label = |item: &MenuItem| match item {
            MenuItem::Profile(name) => match self.config.profiles.get(name) {
                Some(profile) => Text::from(&profile.label),
                None => Text::from(name),
            },
            MenuItem::Image(name) => {
                match self.config.images.get(name).map(|image| &image.recipe) {
                    Some(Recipe::Memtest { .. }) => {
                        Text::words([Text::from("Memory test"), Text::said(&format!("({name})"))])
                    }
                    _ => Text::from(name),
                }
            }
            MenuItem::Local => Text::from("Local disk"),
            MenuItem::Shell => Text::from("iPXE shell"),
            MenuItem::Reboot => Text::from("Reboot"),
        };
        self.config.menu.items.iter().map(label).collect()
    }

    fn looks_incomplete(&self) -> bool {
        let config = &self.config;
        let profiles = config.profiles.values().map(Wanted::Profile);
        let items = config.menu.items.iter().filter_map(|item| match item {
            MenuItem::Image(name) => Wanted::image(config, name),
            _ => None,
        });
        profiles.chain(items).any(|wanted| {
            let image = wanted.image_of(config);
            let cpus = image.map_or_else(Vec::new, crate::recipe::architectures);
            cpus.into_iter().any(|cpu| {
                let platform = crate::arch::Platform::Efi;
                let start = wanted.start(config, self.shelf(), None, Answers::Later, cpu, platform);
                start.is_err_and(|why| why.missing)
            })
        })
    }

    fn look_for_an_own_default(&mut self) {
        let path = self.config.server.root.join(DEFAULT);
        if fs::symlink_metadata(&path).is_err() || written::is_ours(&path) {
            return;
        }
        self.own_default = self.catalogue.get(DEFAULT).is_some();
        self.warnings.push(match self.own_default {
            true => format!(
                "{} is a file of yours: machines get it and not Hearth's; rename it to have Hearth \
                 decide",
                path.display()
            ),
            false => format!(
                "{} is not Hearth's and is left alone: machines get Hearth's, but another TFTP \
                 server that serves this folder gives out yours",
                path.display()
            ),
        });
    }
}

/// Exactly what a machine with these facts would get: over TFTP its `default.ipxe`, over HTTP the
/// answer to `/script`. `asked` is the address of ours that it would ask; without it the first.
pub fn preview(site: &Site, facts: &Facts, via: Via, asked: Option<IpAddr>) -> String {
    let addresses = &site.config.server.addresses;
    let asked = asked.or_else(|| addresses.first().copied());
    let asked = asked.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    match via {
        Via::Tftp => site.default_script(&site.bases(Some(asked))),
        Via::Http => {
            let stranger = Record::new(MachineId(0), 0);
            let decided = site.decide(&stranger, facts, &|_| Count::Others(0), 0);
            // An installation has a token of its own; here one stands that is nobody's.
            let token = decided.begins.and_then(|_| Token::shown(&"0".repeat(32)));
            site.script(&decided, &stranger, facts, asked, token.as_ref())
        }
    }
}

#[cfg(test)]
mod tests;
