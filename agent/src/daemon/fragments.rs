//! Fragments of the configuration that come by the API: written beside the lock, put in force by the
//! main thread, which alone reloads.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, mpsc};

use super::{Daemon, signals};
use crate::api::{self, NotChanged};
use crate::config::{self, Change, Diagnostics, Environment, Loaded, Written, fragment};
use crate::image::durable;
use crate::limits;
use crate::sync::held;

/// Its owner and its group may read it: secrets may stand in it.
const MODE: u32 = 0o640;

/// What is in force, and the changes that wait for the main thread.
pub struct Fragments {
    path: PathBuf,
    written: Mutex<Vec<Written>>,
    waiting: Mutex<Vec<Waiting>>,
}

/// One change, and who waits for it.
struct Waiting {
    change: Change,
    answer: mpsc::Sender<Result<(), NotChanged>>,
}

impl Fragments {
    /// Those of a configuration, which is read from `path`.
    pub fn new(path: &Path, written: Vec<Written>) -> Fragments {
        Fragments {
            path: path.to_owned(),
            written: Mutex::new(written),
            waiting: Mutex::default(),
        }
    }

    /// Another configuration is in force.
    pub fn in_force(&self, written: Vec<Written>) {
        *held(&self.written) = written;
    }
}

impl api::Fragments for Fragments {
    fn written(&self) -> Vec<Written> {
        held(&self.written).clone()
    }

    fn check(&self, change: &Change) -> Result<Diagnostics, Diagnostics> {
        let loaded = config::load_changed(&self.path, &Environment::default(), change);
        loaded.map(|loaded| loaded.warnings)
    }

    fn change(&self, change: Change) -> Result<(), NotChanged> {
        let (answer, answered) = mpsc::channel();
        held(&self.waiting).push(Waiting { change, answer });
        signals::ask_to_change();
        let late = "the agent did not come to it, it may be stopping; ask again";
        answered
            .recv_timeout(limits::FRAGMENT_PATIENCE)
            .unwrap_or_else(|_| Err(NotChanged::Failed(late.to_owned())))
    }

    fn text(&self, state: &Path, name: &str) -> Option<String> {
        fs::read_to_string(file(state, name)).ok()
    }

    fn previous(&self, state: &Path, name: &str) -> Option<String> {
        let path = file(state, name);
        let (now, kept) = (fs::read(&path).ok(), fs::read_to_string(kept(&path)).ok());
        // A kill came before the last step of a change.
        let kept = kept.filter(|kept| now.as_deref() != Some(kept.as_bytes()));
        kept.or_else(|| fs::read_to_string(previous(&path)).ok())
    }
}

fn file(state: &Path, name: &str) -> PathBuf {
    fragment::folder(state).join(format!("{name}.toml"))
}

fn previous(path: &Path) -> PathBuf {
    path.with_extension("toml.previous")
}

/// What was there, until what comes is in its place.
fn kept(path: &Path) -> PathBuf {
    path.with_extension("toml.kept")
}

impl Daemon {
    /// Does what waits, one after the other.
    pub(super) fn change_fragments(&mut self) {
        let waiting = std::mem::take(&mut *held(&self.status.fragments.waiting));
        for one in waiting {
            let changed = self.change_fragment(&one.change);
            if let Err(NotChanged::Failed(reason)) = &changed {
                log::error!("fragment {}: {reason}", one.change.name);
            }
            // Whoever waited may have given up.
            let _ = one.answer.send(changed);
        }
    }

    /// All of it or nothing: what refuses the whole configuration leaves the files as they were.
    fn change_fragment(&mut self, change: &Change) -> Result<(), NotChanged> {
        let loaded: Loaded = config::load_changed(&self.path, &Environment::default(), change)
            .map_err(NotChanged::Mistakes)?;
        let path = file(&loaded.config.server.state, &change.name);
        let failed = |error: io::Error| {
            let path = path.display();
            NotChanged::Failed(format!("writing {path}: {error}; nothing was changed"))
        };
        settle(&path).map_err(failed)?;
        let old = (read(&path), read(&previous(&path)));
        let (before, older) = (old.0.map_err(failed)?, old.1.map_err(failed)?);
        if let Err(error) = replace(&path, before.as_deref(), change.text.as_deref()) {
            back(&path, before.as_deref(), older.as_deref());
            return Err(failed(error));
        }
        let files = match self.reloaded() {
            Ok(files) => files,
            Err(reason) => {
                back(&path, before.as_deref(), older.as_deref());
                return Err(NotChanged::Failed(reason));
            }
        };
        log::info!("fragment {}: the configuration is in force", change.name);
        self.status.reloaded(Ok(files));
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A kill at any moment leaves what was there or what comes, and each with what was before it: what was
/// there is kept beside both until what comes is in its place, and only then takes that of what was
/// before. What comes may be that very text (a revert), which is nowhere else.
fn replace(path: &Path, before: Option<&[u8]>, text: Option<&str>) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        make(folder)?;
    }
    if let Some(before) = before {
        durable::write_as(&kept(path), before, MODE)?;
    }
    put(path, text.map(str::as_bytes))?;
    settle(path)
}

/// Does the last step of a change, which a kill may have come before: what was kept is what was there
/// before, unless it still is what is there.
fn settle(path: &Path) -> io::Result<()> {
    match read(&kept(path))? {
        None => Ok(()),
        kept_now if kept_now == read(path)? => put(&kept(path), None),
        Some(_) => durable::rename(&kept(path), &previous(path)),
    }
}

fn make(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    match fs::DirBuilder::new().mode(0o750).create(folder) {
        Ok(()) => folder.parent().map_or(Ok(()), durable::sync_folder),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn put(path: &Path, bytes: Option<&[u8]>) -> io::Result<()> {
    match bytes {
        Some(bytes) => durable::write_as(path, bytes, MODE),
        None => match fs::remove_file(path) {
            Ok(()) => path.parent().map_or(Ok(()), durable::sync_folder),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        },
    }
}

/// What was refused in the end leaves nothing behind.
fn back(path: &Path, before: Option<&[u8]>, older: Option<&[u8]>) {
    for (path, bytes) in [
        (path.to_owned(), before),
        (previous(path), older),
        (kept(path), None),
    ] {
        if let Err(error) = put(&path, bytes) {
            log::error!("{}: putting back what was there: {error}", path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_before_is_kept_and_comes_back_after_a_refusal() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "lab");
        let now = |path: &Path| {
            read(path)
                .unwrap()
                .map(|text| String::from_utf8(text).unwrap())
        };
        replace(&path, None, Some("one")).unwrap();
        assert_eq!(
            (now(&path).as_deref(), now(&previous(&path))),
            (Some("one"), None)
        );
        replace(&path, Some(b"one"), Some("two")).unwrap();
        assert_eq!(now(&path).as_deref(), Some("two"));
        assert_eq!(now(&previous(&path)).as_deref(), Some("one"));
        replace(&path, Some(b"two"), None).unwrap();
        assert_eq!(
            (now(&path), now(&previous(&path)).as_deref()),
            (None, Some("two"))
        );
        back(&path, Some(b"two"), Some(b"one"));
        assert_eq!(now(&path).as_deref(), Some("two"));
        assert_eq!(now(&previous(&path)).as_deref(), Some("one"));
        back(&path, None, None);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);
    }

    /// What is told of a fragment: what is in force, and what was before.
    fn told(state: &Path) -> (Option<String>, Option<String>) {
        let fragments = Fragments::new(Path::new("hearth.toml"), Vec::new());
        let fragments: &dyn api::Fragments = &fragments;
        (
            fragments.text(state, "lab"),
            fragments.previous(state, "lab"),
        )
    }

    #[test]
    fn a_kill_between_two_steps_of_a_revert_loses_no_text() {
        let owned = |text: &str| Some(text.to_owned());
        let (before, after) = ((owned("two"), owned("one")), (owned("one"), owned("two")));
        for steps in 0..=3 {
            let folder = tempfile::tempdir().unwrap();
            let path = file(folder.path(), "lab");
            replace(&path, None, Some("one")).unwrap();
            replace(&path, Some(b"one"), Some("two")).unwrap();
            // The steps of `replace`, as far as a kill lets them come.
            let step: [&dyn Fn(); 3] = [
                &|| durable::write_as(&kept(&path), b"two", MODE).unwrap(),
                &|| put(&path, Some(b"one")).unwrap(),
                &|| settle(&path).unwrap(),
            ];
            step[..steps].iter().for_each(|step| step());
            let wanted = if steps < 2 { &before } else { &after };
            assert_eq!(&told(folder.path()), wanted, "after {steps} steps");
            // The next change begins with this.
            settle(&path).unwrap();
            assert_eq!(&told(folder.path()), wanted, "after {steps} steps, settled");
            assert!(!kept(&path).exists());
        }
    }
}
