//! One consistent state of everything that is served: configuration, lock, catalogue, and what is
//! made from them. A reload makes a new one; requests under way keep the old.

use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use crate::arch::{Cpu, Platform};
use crate::boot::compose::{self, Shelf, Wanted};
use crate::boot::decide::{Choice, Decision};
use crate::boot::script::{self, Base};
use crate::config::{Config, Machine};
use crate::image::catalogue::{Catalogue, Content, Entry, Origin};
use crate::image::lock::Lock;
use crate::image::scan::scan;
use crate::machine::Facts;

/// The script that iPXE asks DHCP's server for, by its catalogue name.
pub const DEFAULT: &str = "default.ipxe";

/// Everything that is served, at one moment.
#[derive(Debug)]
pub struct Site {
    /// What is declared.
    pub config: Arc<Config>,
    /// What is pinned.
    pub lock: Lock,
    /// What can be asked for.
    pub catalogue: Catalogue,
    /// What a person should know of it.
    pub warnings: Vec<String>,
    /// A person's own `default.ipxe` is served in place of Hearth's.
    pub own_default: bool,
}

impl Site {
    /// Reads the tree.
    ///
    /// # Errors
    /// The root cannot be read.
    pub fn build(config: Arc<Config>, lock: Lock) -> io::Result<Site> {
        let found = scan(&config.server.root, &lock, config.server.own_files)?;
        let mut site = Site {
            config,
            lock,
            catalogue: found.catalogue,
            warnings: found.warnings,
            own_default: false,
        };
        let path = site.config.server.root.join(DEFAULT);
        site.own_default = path.is_file() && !is_ours(&path) && site.config.server.own_files;
        if site.own_default {
            site.warnings.push(format!(
                "{} is a file of yours: machines get it instead of Hearth's; rename it to have \
                 Hearth decide",
                path.display()
            ));
        }
        Ok(site)
    }

    fn shelf<R>(&self, then: impl FnOnce(Shelf) -> R) -> R {
        let have = |name: &str| self.catalogue.get(name).is_some();
        then(Shelf {
            lock: &self.lock,
            have: &have,
        })
    }

    /// `default.ipxe` for machines that asked at one of these addresses.
    pub fn default_script(&self, addresses: &[IpAddr]) -> String {
        let port = self.config.server.http_port;
        let bases: Vec<Base> = addresses
            .iter()
            .map(|address| Base::new(*address, port))
            .collect();
        let entries = self.shelf(|shelf| compose::entries(&self.config, shelf));
        script::default(
            &bases,
            &self.config.menu,
            &compose::labels(&self.config),
            &entries,
        )
    }

    /// The entry for a name; `default.ipxe` is made for the address that was asked.
    pub fn entry(&self, name: &str, asked: IpAddr) -> Option<Entry> {
        if name == DEFAULT && !self.own_default {
            let text: Arc<[u8]> = self.default_script(&[asked]).into_bytes().into();
            return Some(Entry {
                size: text.len() as u64,
                modified: SystemTime::UNIX_EPOCH,
                content: Content::Memory(text),
                origin: Origin::Made,
            });
        }
        self.catalogue.get(name).cloned()
    }

    /// The script for a decision.
    pub fn script(
        &self,
        choice: &Choice,
        machine: Option<&Machine>,
        facts: &Facts,
        asked: IpAddr,
    ) -> String {
        let base = Base::new(asked, self.config.server.http_port);
        let start = |wanted| self.start(&base, wanted, machine, facts.cpu(), facts.platform());
        match &choice.decision {
            Decision::Menu => {
                script::menu(&base, &self.config.menu, &compose::labels(&self.config))
            }
            Decision::Install { profile } => start(Wanted::Profile(profile)),
            Decision::Image { image } => start(Wanted::Image(image)),
            Decision::Local { method } => script::local(*method),
            Decision::Hold => {
                script::hold(&base, &["this machine is held until it is given a profile"])
            }
            Decision::Shell => script::shell(&base),
            Decision::Reboot => script::reboot(),
        }
    }

    fn start(
        &self,
        base: &Base,
        wanted: Wanted,
        machine: Option<&Machine>,
        cpu: Cpu,
        platform: Platform,
    ) -> String {
        let start =
            self.shelf(|shelf| compose::start(&self.config, shelf, wanted, machine, cpu, platform));
        match start {
            Ok(start) => script::start(base, &start),
            Err(sentence) => script::hold(base, &[&sentence]),
        }
    }

    /// Writes `default.ipxe` below the root, so that any other TFTP server can serve the tree. A
    /// person's own file is left alone.
    ///
    /// # Errors
    /// The file cannot be written; what was there is still there.
    pub fn write_default(&self) -> io::Result<()> {
        let root = &self.config.server.root;
        let path = root.join(DEFAULT);
        if fs::symlink_metadata(&path).is_ok() && !is_ours(&path) {
            return Ok(());
        }
        let text = self.default_script(&self.config.server.addresses);
        if fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
            return Ok(());
        }
        let half = root.join(format!(".{DEFAULT}.partial"));
        let mut file = fs::File::create(&half)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&half, &path)
    }
}

/// Whether Hearth wrote this `default.ipxe`.
fn is_ours(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
        && fs::read(path).is_ok_and(|text| {
            text.split(|byte| *byte == b'\n').nth(1) == Some(script::MARKER.as_bytes())
        })
}
