//! One run of a fetch: the lock in hand, file after file.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::Digest;

use crate::config::Config;
use crate::credential;
use crate::digest::Sha256;
use crate::fetch::client::{Client, again};
use crate::fetch::download::{Download, differs};
use crate::fetch::partial::{self, Partial};
use crate::fetch::plan::{self, Order, Plan, Said, There};
use crate::fetch::trouble::Trouble;
use crate::fetch::{FailureKind, Outcome, Progress, disk, talos};
use crate::image::lock::{Lock, LockError, Locked, Member, Pinned};
use crate::image::place::{self, Found};
use crate::recipe::wanted::{Archive, Expect, Keep, Source, Wanted, file_url};
use crate::recipe::{self, Registration, debian};
use crate::stamp;

mod members;
mod settle;
mod sweep;

use members::Unpacked;

/// What an archive is called while it is on its way, at the root's top.
const ARCHIVE: &str = "archive";

/// A run: what it works with and what it learnt on the way.
pub(super) struct Run<'a> {
    pub config: &'a Config,
    pub progress: &'a dyn Progress,
    pub client: &'a Client,
    pub lock: Lock,
    pub lock_path: PathBuf,
    /// What the lock says does not count: pin what comes.
    pub repin: bool,
    registered: BTreeSet<String>,
    sums: BTreeMap<String, Result<String, Trouble>>,
    archives: BTreeMap<Archive, Result<Unpacked, Trouble>>,
}

impl<'a> Run<'a> {
    pub fn new(
        config: &'a Config,
        progress: &'a dyn Progress,
        client: &'a Client,
        lock: Lock,
        lock_path: PathBuf,
        repin: bool,
    ) -> Run<'a> {
        Run {
            config,
            progress,
            client,
            lock,
            lock_path,
            repin,
            registered: BTreeSet::new(),
            sums: BTreeMap::new(),
            archives: BTreeMap::new(),
        }
    }

    fn root(&self) -> &'a Path {
        &self.config.server.root
    }

    /// Does what is to be done for one wanted file.
    pub fn one(&mut self, wanted: &Wanted) -> Outcome {
        match self.attend(wanted) {
            Ok(outcome) => outcome,
            Err(trouble) if wanted.optional && trouble.absent => {
                Outcome::Absent(trouble.failure.reason)
            }
            Err(trouble) => Outcome::Failed(trouble.failure),
        }
    }

    fn attend(&mut self, wanted: &Wanted) -> Result<Outcome, Trouble> {
        let there = self.there(wanted)?;
        if let Source::Copy(path) = &wanted.source
            && place::same(path, &self.root().join(&wanted.name))
        {
            return Ok(self.keep_yours(wanted, "it is the very file that the configuration names"));
        }
        let pin = self.lock.pin(&wanted.name).cloned();
        let said = match self.said(wanted, pin.is_some()) {
            // A person's own file needs no publisher.
            Err(_) if pin.is_none() && there != There::Nothing => None,
            other => other?,
        };
        match plan::decide(wanted, pin.as_ref(), &there, said, self.repin) {
            Plan::Keep => {
                if let Some(mut pin) = pin.filter(|pin| pin.replaces.is_some()) {
                    // A kill came between the new file's name and the last word on it.
                    pin.replaces = None;
                    self.lock.insert(wanted.name.clone(), pin);
                    self.save()?;
                }
                Ok(Outcome::Kept)
            }
            Plan::KeepYours(why) => Ok(self.keep_yours(wanted, &why)),
            Plan::Refuse(failure) => Ok(Outcome::Failed(failure)),
            Plan::Adopt => self.adopt(wanted, &there),
            Plan::Fetch(order) => match wanted.keep {
                Keep::Text => self.text(wanted, &order),
                Keep::File => self.file(wanted, &order, pin.as_ref()),
            },
        }
    }

    fn keep_yours(&self, wanted: &Wanted, why: &str) -> Outcome {
        self.progress.note(&format!(
            "{}: {why}, so it is served as it is and not fetched; rename it to have Hearth's",
            wanted.name
        ));
        Outcome::KeptYours
    }

    /// What lies at the name.
    fn there(&self, wanted: &Wanted) -> Result<There, Trouble> {
        if wanted.keep == Keep::Text {
            return Ok(There::Nothing);
        }
        let looked = place::look(self.root(), &wanted.name).and_then(|found| {
            Ok(match found {
                Found::Nothing => There::Nothing,
                Found::Other(what) => There::Other(what),
                Found::File(_) => {
                    let path = self.root().join(&wanted.name);
                    let (sha256, size) = place::digest(&path, &mut |_| ())?;
                    There::File { size, sha256 }
                }
            })
        });
        looked.map_err(|error| Trouble::disk(format!("cannot read {}", wanted.name), &error))
    }

    /// What configuration or publisher say of the file itself. The publisher is only asked where
    /// the lock does not know, or does not count.
    fn said(&mut self, wanted: &Wanted, pinned: bool) -> Result<Option<Said>, Trouble> {
        let said = |sha256, by: &str| {
            Some(Said {
                sha256,
                by: by.to_owned(),
                pinned: false,
            })
        };
        Ok(match (&wanted.source, &wanted.expect) {
            (Source::Copy(path), _) => {
                let (sha256, _) = place::digest(path, &mut |_| ()).map_err(|error| {
                    let doing = format!("cannot read {} (`loaders.files`)", path.display());
                    Trouble::disk(doing, &error)
                })?;
                said(sha256, "the file of yours")
            }
            (Source::Member { .. }, _) | (_, Expect::FirstUse) => None,
            (_, Expect::Digest(sha256)) => said(*sha256, "the configuration"),
            (_, Expect::Sums { .. }) if pinned && !self.repin => None,
            (_, Expect::Sums { url, entry }) => {
                let sums = self.sums(url)?;
                let sha256 = debian::digest_of(&sums, entry).ok_or_else(|| {
                    let reason = format!("{url} has no digest of {entry}");
                    Trouble::lasting(FailureKind::Data, reason)
                })?;
                said(sha256, url)
            }
        })
    }

    fn sums(&mut self, url: &str) -> Result<String, Trouble> {
        if let Some(known) = self.sums.get(url) {
            return known.clone();
        }
        let fetched = self.again(url, || self.client.text(url));
        self.sums.insert(url.to_owned(), fetched.clone());
        fetched
    }

    fn again<T>(
        &self,
        what: &str,
        attempt: impl FnMut() -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let note = |line: &str| {
            let line = format!("{what}: {line}");
            self.progress.note(&credential::hidden(&line));
        };
        again(self.config.fetch.tries, &note, attempt)
    }

    fn register(&mut self, registration: Option<&Registration>) -> Result<(), Trouble> {
        if let Some(wanted) = registration.filter(|wanted| !self.registered.contains(&wanted.id)) {
            let what = format!("schematic {}", &wanted.id[..12]);
            self.again(&what, || talos::register(self.client, wanted))?;
            self.registered.insert(wanted.id.clone());
        }
        Ok(())
    }

    fn adopt(&mut self, wanted: &Wanted, there: &There) -> Result<Outcome, Trouble> {
        if let There::File { size, sha256 } = *there {
            let url = match &wanted.source {
                Source::Urls(urls) => urls.first().cloned().unwrap_or_default(),
                Source::Member { archive, .. } => archive.url(),
                Source::Copy(path) => file_url(path),
            };
            let pin = self.pin(wanted, (sha256, size), url, Pinned::Published);
            self.lock.insert(wanted.name.clone(), pin);
            self.save()?;
        }
        Ok(Outcome::Kept)
    }

    /// Fetches a text into the lock.
    fn text(&mut self, wanted: &Wanted, order: &Order) -> Result<Outcome, Trouble> {
        self.register(wanted.registration.as_ref())?;
        let Source::Urls(urls) = &wanted.source else {
            let reason = format!("{} cannot be a text", wanted.name);
            return Err(Trouble::lasting(FailureKind::Usage, reason));
        };
        let url = urls.first().cloned().unwrap_or_default();
        let text = self.again(&wanted.name, || self.client.text(&url))?;
        let size = text.len() as u64;
        let sha256 = Sha256(sha2::Sha256::digest(&text).into());
        if let Some(must) = order.must.as_ref().filter(|must| must.sha256 != sha256) {
            return Err(differs(&url, sha256, must));
        }
        let before = self.lock.pin(&wanted.name).map(|pin| pin.sha256);
        if before == Some(sha256) {
            return Ok(Outcome::Kept);
        }
        // Found now rather than when a machine waits for it.
        recipe::talos::check(&text)
            .map_err(|refused| Trouble::lasting(FailureKind::Data, format!("{url}: {refused}")))?;
        let mut pin = self.pin(wanted, (sha256, size), url, Pinned::FirstUse);
        pin.text = Some(text.trim().to_owned());
        self.lock.insert(wanted.name.clone(), pin);
        self.save()?;
        Ok(Outcome::Fetched(size))
    }

    /// Fetches a file to its place.
    fn file(
        &mut self,
        wanted: &Wanted,
        order: &Order,
        before: Option<&Locked>,
    ) -> Result<Outcome, Trouble> {
        self.register(wanted.registration.as_ref())?;
        let folder = place::make_folders(self.root(), &wanted.name).map_err(|error| {
            Trouble::disk(format!("cannot make the folder of {}", wanted.name), &error)
        })?;
        let must = order.must.as_ref();
        let mut partial = self.partial(&folder, &wanted.name, &wanted.source, must)?;
        let filled = match &wanted.source {
            Source::Urls(urls) => self
                .download(&wanted.name)
                .run(urls, &mut partial, must)
                .map(|url| (url, None)),
            Source::Member { archive, patterns } => {
                self.member(wanted, archive, patterns, &mut partial)
            }
            Source::Copy(path) => self.copy(&wanted.name, path, &mut partial),
        };
        let (url, member) = match filled {
            Ok(filled) => filled,
            Err(trouble) => {
                // What another try can go on with stays; on a full disk nothing stays.
                if trouble.failure.kind == FailureKind::Disk || partial.bytes() == 0 {
                    partial.discard();
                    place::drop_empty(self.root(), &folder);
                }
                return Err(trouble);
            }
        };
        if let Some(must) = must.filter(|must| must.sha256 != partial.sha256()) {
            let found = partial.sha256();
            partial.discard();
            return Err(differs(&url, found, must));
        }
        let known =
            must.is_some_and(|must| !must.pinned) || matches!(wanted.expect, Expect::Digest(_));
        let pinned = match before {
            Some(before) if must.is_some_and(|must| must.pinned) => before.pinned,
            _ if known => Pinned::Published,
            _ => Pinned::FirstUse,
        };
        let found = (partial.sha256(), partial.bytes());
        let pin = Locked {
            member,
            ..self.pin(wanted, found, url, pinned)
        };
        self.settle(wanted, order, before, pin, partial)
    }

    fn pin(&self, wanted: &Wanted, found: (Sha256, u64), url: String, pinned: Pinned) -> Locked {
        Locked {
            size: found.1,
            sha256: found.0,
            url,
            member: None,
            owner: wanted.owner.clone(),
            pinned,
            when: stamp::now(),
            text: None,
            replaces: None,
        }
    }

    fn save(&self) -> Result<(), Trouble> {
        self.lock.save(&self.lock_path).map_err(|error| {
            let kind = match error {
                LockError::Write { .. } => FailureKind::Disk,
                _ => FailureKind::Lock,
            };
            Trouble::lasting(kind, error.to_string())
        })
    }

    fn download<'b>(&'b self, name: &'b str) -> Download<'b> {
        Download {
            client: self.client,
            bounds: &self.config.fetch,
            root: self.root(),
            progress: self.progress,
            name,
        }
    }

    fn partial(
        &self,
        folder: &Path,
        name: &str,
        source: &Source,
        must: Option<&Said>,
    ) -> Result<Partial, Trouble> {
        let last = name.rsplit('/').next().unwrap_or(name);
        let file = partial::file_name(last, &key(source, must));
        Partial::open(folder.join(file))
            .map_err(|error| Trouble::disk(format!("cannot begin to fetch {name}"), &error))
    }

    fn copy(&self, name: &str, path: &Path, partial: &mut Partial) -> Result<Filled, Trouble> {
        let cannot = |error: io::Error| {
            Trouble::disk(format!("cannot copy {} to {name}", path.display()), &error)
        };
        let mut file = place::open(path).map_err(cannot)?;
        let size = file.metadata().map_err(cannot)?.len();
        disk::check(self.root(), size, self.config.fetch.keep_free)?;
        partial.restart().map_err(cannot)?;
        self.progress.started(name, Some(size), 0);
        let mut buffer = vec![0; crate::limits::FETCH_BUFFER_BYTES];
        loop {
            match file.read(&mut buffer).map_err(cannot)? {
                0 => return Ok((file_url(path), None)),
                read => {
                    partial.write(&buffer[..read]).map_err(cannot)?;
                    self.progress.advanced(name, read as u64);
                }
            }
        }
    }
}

/// Where a file came from: URL, and the member if it is an archive's.
type Filled = (String, Option<Member>);

/// What must be the same for one try to go on with another's bytes.
fn key(source: &Source, must: Option<&Said>) -> String {
    let source = match source {
        Source::Urls(urls) => urls.join(" "),
        Source::Member { archive, patterns } => format!("{} {}", archive.url(), patterns.join(" ")),
        Source::Copy(path) => file_url(path),
    };
    match must {
        Some(must) => format!("{source} {}", must.sha256),
        None => source,
    }
}
