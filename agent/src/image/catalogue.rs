//! The table of every name that can be asked for. A name that is not in it does not exist, so a
//! request has no way to the file system: nothing to traverse, no link to follow.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::limits;

/// Every file that can be asked for, by its name below the root (`talos/.../kernel-amd64`,
/// `snponly.efi`), with `/` between folders and none in front.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    entries: BTreeMap<String, Arc<Entry>>,
}

/// One file of the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Bytes.
    pub size: u64,
    /// Last change; with the size it tells whether the file on the disk is still the one meant.
    pub modified: SystemTime,
    /// Where its bytes are.
    pub content: Content,
    /// Who put it there.
    pub origin: Origin,
}

/// Where the bytes of an entry are.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A regular file; opened without following links, and refused if size or time changed.
    File(PathBuf),
    /// Made by Hearth (`default.ipxe`).
    Memory(Arc<[u8]>),
}

/// Who put a file where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Hearth fetched it and the lock has its digest.
    Lock,
    /// Hearth made it.
    Made,
    /// A person put it below the root.
    Own,
}

impl Entry {
    /// Something that Hearth made, held in memory.
    pub fn made(bytes: &[u8], modified: SystemTime) -> Entry {
        Entry {
            size: bytes.len() as u64,
            modified,
            content: Content::Memory(Arc::from(bytes)),
            origin: Origin::Made,
        }
    }

    /// Whether its bytes are still the ones meant: the file has this size and time, and is neither
    /// a link nor gone. What is in memory always is.
    pub fn is_fresh(&self) -> bool {
        match &self.content {
            Content::Memory(_) => true,
            Content::File(path) => std::fs::symlink_metadata(path).is_ok_and(|file| {
                file.is_file()
                    && file.len() == self.size
                    && file.modified().is_ok_and(|time| time == self.modified)
            }),
        }
    }
}

impl Catalogue {
    /// The entry of a name as it came from the wire after [`normalise`].
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name).map(Arc::as_ref)
    }

    /// The same to keep: a transfer holds it while a new catalogue takes this one's place.
    pub fn shared(&self, name: &str) -> Option<Arc<Entry>> {
        self.entries.get(name).cloned()
    }

    /// Puts a name in, over what was there. A name that no request can mean (see [`may_be_asked`])
    /// stays out; `false` says so.
    pub fn insert(&mut self, name: String, entry: Entry) -> bool {
        let can = may_be_asked(&name);
        if can {
            self.entries.insert(name, Arc::new(entry));
        }
        can
    }

    /// All names in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries
            .iter()
            .map(|(name, entry)| (name.as_str(), entry.as_ref()))
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no name at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Whether a file of this name can be in the catalogue: it is what [`normalise`] makes of it, and
/// none of its parts begins with a dot (half files and a person's hidden ones do).
pub fn may_be_asked(name: &str) -> bool {
    normalise(name.as_bytes()).as_deref() == Some(name)
        && !name.split('/').any(|part| part.starts_with('.'))
}

/// The catalogue name that a client means: leading and doubled `/` and `\` go, `\` is `/`, and what
/// a DHCP server without a trailing NUL makes firmware append (0xFF, control bytes) is cut.
///
/// `None`: no name can be meant (empty, too long, not printable ASCII, or with a `.` or `..` part).
pub fn normalise(wire: &[u8]) -> Option<String> {
    let end = wire
        .iter()
        .position(|byte| byte.is_ascii_control() || *byte == 0xFF)
        .unwrap_or(wire.len());
    let mut name = String::new();
    for part in wire[..end].split(|byte| matches!(byte, b'/' | b'\\')) {
        if part.is_empty() {
            continue;
        }
        if part == b"." || part == b".." || !part.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return None;
        }
        if !name.is_empty() {
            name.push('/');
        }
        name.extend(part.iter().copied().map(char::from));
        if name.len() > limits::NAME_BYTES {
            return None;
        }
    }
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_of_all_kinds_mean_the_same_name() {
        for wire in [
            "a/b.efi",
            "/a/b.efi",
            "//a//b.efi",
            "\\a\\b.efi",
            "a/b.efi/",
        ] {
            assert_eq!(
                normalise(wire.as_bytes()).as_deref(),
                Some("a/b.efi"),
                "{wire}"
            );
        }
    }

    #[test]
    fn what_follows_a_missing_nul_is_cut() {
        for wire in [
            &b"ipxe.efi\xff"[..],
            b"ipxe.efi\xff\xff/..",
            b"ipxe.efi\0",
            b"ipxe.efi\r\n",
        ] {
            assert_eq!(normalise(wire).as_deref(), Some("ipxe.efi"), "{wire:?}");
        }
    }

    #[test]
    fn a_name_that_climbs_or_cannot_be_read_is_none() {
        let long = "x".repeat(limits::NAME_BYTES + 1);
        for wire in [
            "",
            "/",
            "\\",
            "..",
            "a/../b",
            "./a",
            "a/.",
            "..\\x",
            "\u{e4}.efi",
            "\u{7f}",
            &long,
        ] {
            assert_eq!(normalise(wire.as_bytes()), None, "{wire:?}");
        }
        assert!(normalise(&long.as_bytes()[1..]).is_some());
    }

    #[test]
    fn every_byte_does_in_a_name_what_is_said_of_it() {
        for byte in 0..=255 {
            let expected = match byte {
                b'/' | b'\\' => Some("a/b".to_owned()),
                b' '..=b'~' => Some(format!("a{}b", char::from(byte))),
                // Cut off, with what comes after it.
                0..=31 | 127 | 255 => Some("a".to_owned()),
                _ => None,
            };
            assert_eq!(normalise(&[b'a', byte, b'b']), expected, "byte {byte}");
        }
    }

    #[test]
    fn a_name_that_no_request_can_mean_stays_out() {
        let mut catalogue = Catalogue::default();
        let mut put = |name: &str| {
            let entry = Entry::made(b"x", SystemTime::UNIX_EPOCH);
            catalogue.insert(name.to_owned(), entry)
        };
        for name in ["a", "a/b.efi", "with blank", "a..b"] {
            assert!(put(name), "{name}");
        }
        for name in [
            "", "/a", "a//b", "a/", "../a", "a\\b", ".a", "a/.b", "\u{e4}", "a\n",
        ] {
            assert!(!put(name), "{name:?}");
        }
        assert_eq!(catalogue.len(), 4);
    }

    #[test]
    fn a_later_entry_takes_the_place_of_an_earlier_one() {
        let mut catalogue = Catalogue::default();
        for text in [&b"one"[..], b"three"] {
            catalogue.insert("a".to_owned(), Entry::made(text, SystemTime::UNIX_EPOCH));
        }
        assert_eq!(catalogue.get("a").map(|entry| entry.size), Some(5));
        assert_eq!(catalogue.shared("b"), None);
    }

    proptest::proptest! {
        #[test]
        fn a_name_never_leaves_the_root_and_means_itself(wire: Vec<u8>) {
            if let Some(name) = normalise(&wire) {
                let again = normalise(name.as_bytes());
                proptest::prop_assert_eq!(again.as_deref(), Some(&*name));
                proptest::prop_assert!(name.len() <= limits::NAME_BYTES);
                let climbs = |part: &str| matches!(part, "" | "." | "..");
                proptest::prop_assert!(!name.split('/').any(climbs));
            }
        }

        #[test]
        fn slashes_in_front_behind_and_doubled_change_nothing(
            parts in proptest::collection::vec("[a-z0-9._-]{1,12}", 1..5),
            slashes in proptest::collection::vec("[/\\\\]{1,3}", 6),
        ) {
            let mut wire = String::new();
            for (slash, part) in slashes.iter().zip(&parts) {
                wire.push_str(slash);
                wire.push_str(part);
            }
            wire.push_str(&slashes[5]);
            let name = parts.join("/");
            proptest::prop_assert_eq!(normalise(wire.as_bytes()), normalise(name.as_bytes()));
        }
    }
}
