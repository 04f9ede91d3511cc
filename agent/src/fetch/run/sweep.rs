//! Cleans up behind a run.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::fetch::partial;
use crate::image::place;
use crate::limits;
use crate::recipe::wanted::{Keep, Source, Wanted};

use super::{ARCHIVE, Run};

impl Run<'_> {
    /// Ends the run: archives go, and so does what earlier runs left of files that are no longer on
    /// their way. What a later run can go on with stays.
    pub(in super::super) fn finish(mut self, all: &[Wanted]) {
        for unpacked in std::mem::take(&mut self.archives).into_values().flatten() {
            if let Some(partial) = unpacked.partial {
                partial.discard();
            }
        }
        let root = self.root();
        let pending =
            |wanted: &&Wanted| wanted.keep == Keep::File && !root.join(&wanted.name).is_file();
        let mut on_their_way: BTreeSet<PathBuf> = BTreeSet::new();
        for wanted in all.iter().filter(pending) {
            on_their_way.insert(root.join(&wanted.name));
            if matches!(wanted.source, Source::Member { .. }) {
                on_their_way.insert(root.join(ARCHIVE));
            }
        }
        let mut folders = vec![(root.to_owned(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            for item in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let is_folder = item.file_type().is_ok_and(|kind| kind.is_dir());
                let file = item.file_name().to_string_lossy().into_owned();
                if is_folder && depth < limits::CATALOGUE_DEPTH {
                    folders.push((item.path(), depth + 1));
                } else if let Some(name) = partial::target(&file)
                    && !on_their_way.contains(&folder.join(name))
                {
                    drop_partial(&item.path());
                    place::drop_empty(root, &folder);
                }
            }
        }
    }
}

/// Removes what an earlier run left, unless a process with another state folder is at it.
fn drop_partial(path: &Path) {
    let idle = File::open(path).is_ok_and(|file| file.try_lock().is_ok());
    if idle {
        // It costs room and nothing else; the next run tries again.
        let _ = fs::remove_file(path);
    }
}
