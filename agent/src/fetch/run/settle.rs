//! How a fetched file gets its pin and its name.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::fetch::Outcome;
use crate::fetch::partial::Partial;
use crate::fetch::plan::{self, Order};
use crate::fetch::trouble::Trouble;
use crate::image::lock::Locked;
use crate::image::{durable, place};
use crate::recipe::wanted::Wanted;

use super::Run;

impl Run<'_> {
    /// Gives a fetched file its pin and its name, in this order: a kill in between leaves a pin
    /// without a file, which the next fetch brings, and never a file of Hearth's without a pin.
    pub(super) fn settle(
        &mut self,
        wanted: &Wanted,
        order: &Order,
        before: Option<&Locked>,
        mut pin: Locked,
        partial: Partial,
    ) -> Result<Outcome, Trouble> {
        let target = self.root().join(&wanted.name);
        let cannot =
            |error: io::Error| Trouble::disk(format!("cannot finish {}", wanted.name), &error);
        if let Some(before) = before.filter(|before| before.sha256 == pin.sha256) {
            // Nothing changed but where it came from, or that it is here now.
            pin.when = before.when;
        }
        if order.replaces == Some(pin.sha256) {
            partial.discard();
            self.lock.insert(wanted.name.clone(), pin);
            self.save()?;
            return Ok(Outcome::Kept);
        }
        if order.half && !begins_with(partial.path(), &target).map_err(cannot)? {
            let (found, _) = place::digest(&target, &mut |_| ()).map_err(cannot)?;
            partial.discard();
            return Ok(Outcome::Failed(plan::changed(
                &wanted.name,
                found,
                pin.sha256,
            )));
        }
        partial.sync().map_err(cannot)?;
        let size = pin.size;
        pin.replaces = order.replaces;
        self.lock.insert(wanted.name.clone(), pin.clone());
        self.save()?;
        if order.replaces.is_some() {
            durable::rename(partial.path(), &target).map_err(cannot)?;
            pin.replaces = None;
            self.lock.insert(wanted.name.clone(), pin);
            self.save()?;
        } else if !name_new(partial.path(), &target).map_err(cannot)? {
            // A person was faster.
            self.lock.remove(&wanted.name);
            self.save()?;
            partial.discard();
            return Ok(self.keep_yours(wanted, "it came there during the fetch"));
        }
        partial.forget_note();
        Ok(Outcome::Fetched(size))
    }
}

/// Gives a file a name that nothing has yet; false if something has it by now. A plain rename
/// would put it over a person's file that came there meanwhile.
fn name_new(from: &Path, to: &Path) -> io::Result<bool> {
    match fs::hard_link(from, to) {
        Ok(()) => {
            fs::remove_file(from)?;
            durable::sync_folder(to.parent().unwrap_or(Path::new("/")))?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        // File systems without hard links (FAT).
        Err(_) if fs::symlink_metadata(to).is_err() => durable::rename(from, to).map(|()| true),
        Err(_) => Ok(false),
    }
}

/// Whether `whole` begins with the bytes of `part`.
fn begins_with(whole: &Path, part: &Path) -> io::Result<bool> {
    let (mut whole, mut part) = (place::open(whole)?, place::open(part)?);
    let mut expected = vec![0; crate::limits::FETCH_BUFFER_BYTES];
    let mut found = expected.clone();
    loop {
        let read = part.read(&mut found)?;
        if read == 0 {
            return Ok(true);
        }
        match whole.read_exact(&mut expected[..read]) {
            Ok(()) if expected[..read] == found[..read] => {}
            Ok(()) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}
