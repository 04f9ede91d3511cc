//! A file on its way: `.<name>.<key>.partial` next to its place, and beside it how far it is true.
//!
//! The note (`.json`) holds the digest of what was received when it was written. After a kill, or
//! a loss of power that took data back which was never synced, only what still has that digest
//! counts; the rest is asked for again.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::Digest;

use crate::digest::Sha256;
use crate::image::durable;
use crate::limits;

/// A file on its way.
#[derive(Debug)]
pub(super) struct Partial {
    path: PathBuf,
    file: File,
    hash: sha2::Sha256,
    bytes: u64,
    noted: u64,
    validator: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Note {
    bytes: u64,
    sha256: String,
    validator: Option<String>,
}

/// The file name of what is on its way to `name` (the last part of it). `source` is whatever must
/// be the same for one try to go on with another's bytes.
pub(super) fn file_name(name: &str, source: &str) -> String {
    let key = Sha256(sha2::Sha256::digest(source).into()).to_string();
    format!(".{name}.{}.partial", &key[..16])
}

/// The name that a file is on its way to, if it is one that [`file_name`] names, or its note.
pub(super) fn target(name: &str) -> Option<&str> {
    let stem = name.strip_suffix(".json").unwrap_or(name);
    let (stem, key) = stem.strip_suffix(".partial")?.rsplit_once('.')?;
    let target = stem.strip_prefix('.').filter(|target| !target.is_empty())?;
    let hex = key.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (key.len() == 16 && hex).then_some(target)
}

impl Partial {
    /// Opens what an earlier try left, as far as it is true, or begins anew.
    pub fn open(path: PathBuf) -> io::Result<Partial> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&path)?;
        // Another process that fetches into the same root from another state folder.
        file.try_lock().map_err(|_| {
            let message = "another process is fetching it";
            io::Error::new(io::ErrorKind::ResourceBusy, message)
        })?;
        durable::belong(&file, path.parent().unwrap_or(&path), 0o644)?;
        let mut partial = Partial {
            path,
            file,
            hash: sha2::Sha256::new(),
            bytes: 0,
            noted: 0,
            validator: None,
        };
        if !partial.go_on()? {
            partial.restart()?;
        }
        Ok(partial)
    }

    /// Takes up what the note says is there; false if it is not.
    fn go_on(&mut self) -> io::Result<bool> {
        let Ok(text) = fs::read_to_string(self.note()) else {
            return Ok(false);
        };
        let Ok(note) = serde_json::from_str::<Note>(&text) else {
            return Ok(false);
        };
        if self.file.metadata()?.len() < note.bytes {
            return Ok(false);
        }
        let mut hash = sha2::Sha256::new();
        let mut left = (&mut self.file).take(note.bytes);
        let mut buffer = vec![0; limits::FETCH_BUFFER_BYTES];
        loop {
            match left.read(&mut buffer)? {
                0 => break,
                read => hash.update(&buffer[..read]),
            }
        }
        if Sha256(hash.clone().finalize().into()).to_string() != note.sha256 {
            return Ok(false);
        }
        self.file.set_len(note.bytes)?;
        self.file.seek(SeekFrom::Start(note.bytes))?;
        self.hash = hash;
        self.bytes = note.bytes;
        self.noted = note.bytes;
        self.validator = note.validator;
        Ok(true)
    }

    /// Throws away what is there.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hash = sha2::Sha256::new();
        self.bytes = 0;
        self.noted = 0;
        self.validator = None;
        match fs::remove_file(self.note()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Bytes that are there.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What the origin called the version that these bytes are of.
    pub fn validator(&self) -> Option<&str> {
        self.validator.as_deref()
    }

    /// Remembers what the origin calls the version that is coming.
    pub fn set_validator(&mut self, validator: Option<String>) {
        self.validator = validator;
    }

    /// Takes the next bytes. True when enough came that somebody should look at the disk.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<bool> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        let due = self.bytes - self.noted >= limits::FETCH_CHECKPOINT_BYTES;
        if due {
            self.keep()?;
        }
        Ok(due)
    }

    /// Notes how far it is true, for the next try.
    pub fn keep(&mut self) -> io::Result<()> {
        let note = Note {
            bytes: self.bytes,
            sha256: self.sha256().to_string(),
            validator: self.validator.clone(),
        };
        // A note that is cut off by a kill is no JSON and costs a new start, nothing else.
        fs::write(self.note(), serde_json::to_string(&note)?)?;
        self.noted = self.bytes;
        Ok(())
    }

    /// The digest of what is there.
    pub fn sha256(&self) -> Sha256 {
        Sha256(self.hash.clone().finalize().into())
    }

    /// Syncs the bytes to the disk, before the name is given.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn note(&self) -> PathBuf {
        let mut path = OsString::from(&self.path);
        path.push(".json");
        path.into()
    }

    /// Removes file and note.
    pub fn discard(self) {
        // A remainder is cleaned away by the next fetch.
        let _ = fs::remove_file(self.note());
        let _ = fs::remove_file(&self.path);
    }

    /// Removes the note of a file that got its name.
    pub fn forget_note(&self) {
        let _ = fs::remove_file(self.note());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(folder: &tempfile::TempDir) -> PathBuf {
        folder.path().join(file_name("kernel", "http://a/kernel"))
    }

    fn begun(folder: &tempfile::TempDir) -> Partial {
        let mut partial = Partial::open(path(folder)).unwrap();
        partial.set_validator(Some("\"v1\"".to_owned()));
        partial.write(b"abc").unwrap();
        partial.keep().unwrap();
        partial
    }

    #[test]
    fn a_later_try_goes_on_where_the_note_says() {
        let folder = tempfile::tempdir().unwrap();
        let mut partial = begun(&folder);
        partial.write(b"never noted").unwrap();
        drop(partial);
        let mut partial = Partial::open(path(&folder)).unwrap();
        assert_eq!((partial.bytes(), partial.validator()), (3, Some("\"v1\"")));
        partial.write(b"def").unwrap();
        assert_eq!(fs::read(partial.path()).unwrap(), b"abcdef");
        let direct = Sha256(sha2::Sha256::digest(b"abcdef").into());
        assert_eq!(partial.sha256(), direct);
    }

    #[test]
    fn bytes_that_changed_since_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        for change in [b"abd".as_slice(), b"ab", b"\0\0\0"] {
            drop(begun(&folder));
            fs::write(path(&folder), change).unwrap();
            let partial = Partial::open(path(&folder)).unwrap();
            assert_eq!((partial.bytes(), partial.validator()), (0, None));
            partial.discard();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_note_that_was_cut_off_costs_a_new_start() {
        let folder = tempfile::tempdir().unwrap();
        let partial = begun(&folder);
        fs::write(partial.note(), "{\"bytes\": 3, \"sha").unwrap();
        drop(partial);
        assert_eq!(Partial::open(path(&folder)).unwrap().bytes(), 0);
    }

    #[test]
    fn two_do_not_write_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let _first = begun(&folder);
        let error = Partial::open(path(&folder)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
    }

    #[test]
    fn only_names_of_ours_are_ours() {
        let name = file_name("initrd.gz", "x");
        assert_eq!(target(&name), Some("initrd.gz"));
        assert_eq!(target(&format!("{name}.json")), Some("initrd.gz"));
        for name in [
            ".partial",
            ".a.partial",
            "a.0123456789abcdef.partial",
            ".a.0123456789ABCDEF.partial",
            ".0123456789abcdef.partial",
            ".a.0123456789abcdef.partial.bak",
        ] {
            assert_eq!(target(name), None, "{name}");
        }
    }
}
