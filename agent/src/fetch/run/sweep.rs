//! Cleans up behind a run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::fetch::partial;
use crate::recipe::wanted::{Keep, Wanted};

use super::Run;

impl Run<'_> {
    /// Ends the run: archives go, and so does what earlier runs left of files that are no longer on
    /// their way. What a later run can go on with stays.
    pub(in super::super) fn finish(mut self, all: &[Wanted]) {
        for unpacked in std::mem::take(&mut self.archives).into_values().flatten() {
            if let Some(partial) = unpacked.partial {
                partial.discard();
            }
        }
        let there = |wanted: &&Wanted| {
            wanted.keep == Keep::File && self.root().join(&wanted.name).is_file()
        };
        let done: BTreeSet<_> = all.iter().filter(there).map(|w| w.name.as_str()).collect();
        let mut folders: BTreeSet<PathBuf> = BTreeSet::from([self.root().to_owned()]);
        let paths = all.iter().map(|wanted| self.root().join(&wanted.name));
        folders.extend(paths.filter_map(|path| path.parent().map(Path::to_owned)));
        for folder in folders {
            for item in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let file = item.file_name().to_string_lossy().into_owned();
                if partial::is_one(&file) && !self.on_its_way(&folder, &file, all, &done) {
                    // It costs room and nothing else; the next run tries again.
                    let _ = fs::remove_file(item.path());
                }
            }
        }
    }

    fn on_its_way(&self, folder: &Path, file: &str, all: &[Wanted], done: &BTreeSet<&str>) -> bool {
        let stem = file.trim_start_matches('.').trim_end_matches(".json");
        let stem = stem.trim_end_matches(".partial");
        let Some((target, _)) = stem.rsplit_once('.') else {
            return false;
        };
        let path = folder.join(target);
        let archive = target == "archive" && folder == self.root();
        archive
            || all.iter().any(|wanted| {
                self.root().join(&wanted.name) == path && !done.contains(wanted.name.as_str())
            })
    }
}
