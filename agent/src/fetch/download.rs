//! One file from a URL into its partial file: resumed, bounded, hashed while it is read.

use std::io::Read;
use std::path::Path;

use http::header::{CONTENT_RANGE, ETAG, LAST_MODIFIED};

use crate::config;
use crate::event::Cause;
use crate::fetch::client::{Answer, Client, again};
use crate::fetch::limit::{Limit, TooMuch};
use crate::fetch::partial::Partial;
use crate::fetch::plan::Said;
use crate::fetch::range::{self, Rest};
use crate::fetch::trouble::Trouble;
use crate::fetch::watch::Watch;
use crate::fetch::{FailureKind, Progress, disk};
use crate::limits;

/// What a download needs to know of its surroundings.
pub(super) struct Download<'a> {
    pub client: &'a Client,
    pub bounds: &'a config::Fetch,
    pub root: &'a Path,
    pub progress: &'a dyn Progress,
    /// How people call it.
    pub name: &'a str,
}

fn cancelled() -> Trouble {
    Trouble::lasting(FailureKind::Unavailable, "it was cancelled")
}

impl Download<'_> {
    /// Fetches the first of `urls` that exists, and returns which. The partial file then holds the
    /// whole file, with the digest that it must have.
    pub fn run(
        &self,
        urls: &[String],
        partial: &mut Partial,
        must: Option<&Said>,
    ) -> Result<String, Trouble> {
        let mut absent = None;
        for url in urls {
            match self.one(url, partial, must) {
                Ok(()) => return Ok(url.clone()),
                Err(trouble) if trouble.absent => absent = absent.or(Some(trouble)),
                Err(trouble) => return Err(trouble),
            }
        }
        Err(absent.unwrap_or_else(|| {
            Trouble::lasting(FailureKind::Usage, "there is no URL to fetch it from")
        }))
    }

    fn one(&self, url: &str, partial: &mut Partial, must: Option<&Said>) -> Result<(), Trouble> {
        let note = |line: &str| self.progress.note(&format!("{}: {line}", self.name));
        again(self.bounds.tries, &note, || {
            if self.progress.is_cancelled() {
                return Err(cancelled());
            }
            // A kill came after the last byte: nothing need be asked.
            if must.is_some_and(|must| partial.bytes() > 0 && must.sha256 == partial.sha256()) {
                return Ok(());
            }
            let resumed = self.attempt(url, partial, must)?;
            let Some(must) = must.filter(|must| must.sha256 != partial.sha256()) else {
                return Ok(());
            };
            let found = partial.sha256();
            partial.restart().map_err(|error| self.disk(&error))?;
            if resumed {
                let reason = format!("what {url} sent does not go with what was there before");
                return Err(Trouble::passing(reason).because(Cause::Broken).at(url));
            }
            Err(differs(url, found, must))
        })
    }

    /// One request. True if it went on with bytes of an earlier one.
    fn attempt(
        &self,
        url: &str,
        partial: &mut Partial,
        must: Option<&Said>,
    ) -> Result<bool, Trouble> {
        let validator = partial
            .validator()
            .filter(|validator| range::usable(validator))
            .map(str::to_owned);
        // Without a validator only a digest tells whether both halves are of one file.
        if partial.bytes() > 0 && validator.is_none() && must.is_none() {
            partial.restart().map_err(|error| self.disk(&error))?;
        }
        let have = partial.bytes();
        let from = format!("bytes={have}-");
        let mut headers = Vec::new();
        if have > 0 {
            headers.push(("Range", from.as_str()));
            headers.extend(
                validator
                    .as_deref()
                    .map(|validator| ("If-Range", validator)),
            );
        }
        let answer = self.client.get(url, &headers)?;
        if answer.status == 416 && answer.header(CONTENT_RANGE) == Some(&format!("bytes */{have}"))
        {
            // All of it was there already: If-Range says that it is still the same version.
            return Ok(true);
        }
        let rest = range::judge(
            answer.status,
            have,
            answer.header(CONTENT_RANGE),
            answer.length(),
        );
        let total = match rest {
            Rest::Follows { total } => {
                self.progress
                    .note(&format!("{}: going on at byte {have}", self.name));
                Some(total)
            }
            Rest::Whole(total) => {
                if have > 0 {
                    partial.restart().map_err(|error| self.disk(&error))?;
                }
                partial.set_validator(validator_of(&answer));
                total
            }
            Rest::Anew => {
                partial.restart().map_err(|error| self.disk(&error))?;
                let reason = format!("{url} answers {} to a request for the rest", answer.status);
                return Err(Trouble::passing(reason).because(Cause::Broken).at(url));
            }
        };
        let resumed = partial.bytes() > 0;
        self.bounded(url, &answer, total, partial.bytes(), must)?;
        self.progress.started(self.name, total, partial.bytes());
        self.read(url, answer, total, partial)?;
        Ok(resumed)
    }

    /// Refuses what is too large for the limit or the disk, and what nobody vouches for and is
    /// plainly not it: a file that cannot be told from its half, a web page.
    fn bounded(
        &self,
        url: &str,
        answer: &Answer,
        total: Option<u64>,
        have: u64,
        must: Option<&Said>,
    ) -> Result<(), Trouble> {
        if total.is_some_and(|total| total > self.bounds.size_limit) {
            return Err(self.too_large(url));
        }
        if must.is_none() {
            answer.refuse_page()?;
            answer.refuse_endless()?;
        }
        let need = total.unwrap_or(0).saturating_sub(have);
        disk::check(self.root, need, self.bounds.keep_free)
    }

    fn read(
        &self,
        url: &str,
        answer: Answer,
        total: Option<u64>,
        partial: &mut Partial,
    ) -> Result<(), Trouble> {
        let left = self.bounds.size_limit.saturating_sub(partial.bytes());
        let mut told = |bytes| self.progress.advanced(self.name, bytes);
        let mut body = Watch::new(Limit::new(answer.body, left), &mut told);
        let mut buffer = vec![0; limits::FETCH_BUFFER_BYTES];
        loop {
            let read = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if TooMuch::is(&error) => return Err(self.too_large(url)),
                Err(error) => {
                    partial.keep().map_err(|error| self.disk(&error))?;
                    return Err(Trouble::io(url, error));
                }
            };
            let due = partial
                .write(&buffer[..read])
                .map_err(|error| self.disk(&error))?;
            if self.progress.is_cancelled() {
                partial.keep().map_err(|error| self.disk(&error))?;
                return Err(cancelled());
            }
            if due {
                disk::check(self.root, 0, self.bounds.keep_free)?;
            }
        }
        match total {
            Some(total) if partial.bytes() != total => {
                partial.keep().map_err(|error| self.disk(&error))?;
                let reason = format!("{url} sent {} of {total} bytes", partial.bytes());
                Err(Trouble::passing(reason).because(Cause::Broken).at(url))
            }
            _ => Ok(()),
        }
    }

    fn too_large(&self, url: &str) -> Trouble {
        let reason = format!(
            "{url} is larger than `fetch.size_limit`, {}",
            disk::bytes(self.bounds.size_limit)
        );
        Trouble::lasting(FailureKind::Data, reason).at(url)
    }

    fn disk(&self, error: &std::io::Error) -> Trouble {
        Trouble::disk(format!("cannot write {}", self.name), error)
    }
}

/// What the origin calls this version: a strong entity tag, else the date of its last change.
fn validator_of(answer: &Answer) -> Option<String> {
    [ETAG, LAST_MODIFIED]
        .into_iter()
        .filter_map(|name| answer.header(name))
        .find(|validator| range::usable(validator))
        .map(str::to_owned)
}

/// The failure of bytes that are not what they must be; it shows both digests.
pub(super) fn differs(url: &str, found: crate::digest::Sha256, must: &Said) -> Trouble {
    let remedy = if must.pinned {
        "; if the publisher changed it on purpose, `hearth lock update NAME` accepts that"
    } else {
        ""
    };
    let reason = format!(
        "{url} is not what it must be: its sha256 is {found}, {} says {}{remedy}",
        must.by, must.sha256
    );
    let cause = match must.pinned {
        true => Cause::Changed,
        false => Cause::Digest,
    };
    Trouble::lasting(FailureKind::Data, reason)
        .because(cause)
        .at(url)
}
