//! Members of archives: the archive is fetched once for all of its members.

use std::io;

use crate::digest::Sha256;
use crate::fetch::FailureKind;
use crate::fetch::archive::Opened;
use crate::fetch::download::differs;
use crate::fetch::partial::Partial;
use crate::fetch::plan::Said;
use crate::fetch::trouble::Trouble;
use crate::image::lock::Member;
use crate::image::place;
use crate::recipe::wanted::{Archive, Expect, Source, Wanted};

use super::{ARCHIVE, Filled, Run};

/// An archive on the disk.
pub(super) struct Unpacked {
    opened: Opened,
    sha256: Sha256,
    /// To be removed in the end; a file of the user's own has none.
    pub(super) partial: Option<Partial>,
}

impl Run<'_> {
    /// Takes a member out of its archive, which is fetched once for all of its members.
    pub(super) fn member(
        &mut self,
        wanted: &Wanted,
        archive: &Archive,
        patterns: &[String],
        partial: &mut Partial,
    ) -> Result<Filled, Trouble> {
        if !self.archives.contains_key(archive) {
            let opened = self.open_archive(archive, &wanted.expect);
            self.archives.insert(archive.clone(), opened);
        }
        let unpacked = match self.archives.get_mut(archive) {
            Some(Ok(unpacked)) => unpacked,
            Some(Err(trouble)) => return Err(trouble.clone()),
            None => return Err(Trouble::lasting(FailureKind::Data, "no archive")),
        };
        let url = archive.url();
        let Some(name) = unpacked.opened.find(patterns).map(str::to_owned) else {
            let reason = format!("{url} has no member {}", patterns.join(" or "));
            return Err(Trouble {
                absent: true,
                ..Trouble::lasting(FailureKind::Data, reason)
            });
        };
        let limit = self.config.fetch.size_limit;
        let progress = self.progress;
        progress.started(&wanted.name, None, 0);
        let extracted = partial.restart().and_then(|()| {
            unpacked.opened.extract(&name, &mut |bytes| {
                progress.advanced(&wanted.name, bytes.len() as u64);
                partial.write(bytes)?;
                if partial.bytes() > limit {
                    return Err(io::Error::other("it is larger than `fetch.size_limit`"));
                }
                Ok(())
            })
        });
        extracted.map_err(|error| {
            let doing = format!("cannot take {name} out of {url}");
            match error.kind() {
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                    Trouble::lasting(FailureKind::Data, format!("{doing}: {error}"))
                }
                _ => Trouble::disk(doing, &error),
            }
        })?;
        let member = Member {
            name,
            archive: unpacked.sha256,
        };
        Ok((url, Some(member)))
    }

    fn open_archive(&self, archive: &Archive, expect: &Expect) -> Result<Unpacked, Trouble> {
        let must = match expect {
            Expect::Digest(sha256) => Some(Said {
                sha256: *sha256,
                by: "the configuration".to_owned(),
                pinned: false,
            }),
            _ => None,
        };
        let name = archive.url();
        let cannot = |error: io::Error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                Trouble::lasting(FailureKind::Data, format!("cannot open {name}: {error}"))
            }
            _ => Trouble::disk(format!("cannot open {name}"), &error),
        };
        let (path, partial, sha256) = match archive {
            Archive::File(path) => {
                let (sha256, _) = place::digest(path, &mut |_| ()).map_err(cannot)?;
                (path.clone(), None, sha256)
            }
            Archive::Url(url) => {
                let source = Source::Urls(vec![url.clone()]);
                let mut partial = self.partial(self.root(), ARCHIVE, &source, must.as_ref())?;
                self.download(url)
                    .run(std::slice::from_ref(url), &mut partial, must.as_ref())?;
                let sha256 = partial.sha256();
                (partial.path().to_owned(), Some(partial), sha256)
            }
        };
        if let Some(must) = must.filter(|must| must.sha256 != sha256) {
            return Err(differs(&name, sha256, &must));
        }
        let opened = place::open(&path).and_then(Opened::new).map_err(cannot)?;
        Ok(Unpacked {
            opened,
            sha256,
            partial,
        })
    }
}
