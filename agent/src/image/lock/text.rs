//! How the lock is written and read.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use crate::config::Name;
use crate::limits;
use crate::stamp;

use super::{Lock, LockError, Locked, Member, Owner, Pinned};

const HEAD: &str = "\
# Every file that Hearth fetched, with the digest that it must have. Written by
# Hearth; `hearth lock update NAME` pins anew. With the same configuration this
# file gives the same bytes on another machine.
";

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}version = {}", Lock::VERSION)?;
        self.pins().try_for_each(|(path, locked)| {
            f.write_str("\n[[file]]\n")?;
            pair(f, "path", path)?;
            writeln!(f, "size = {}", locked.size)?;
            pair(f, "sha256", locked.sha256)?;
            pair(f, "url", &locked.url)?;
            if let Some(member) = &locked.member {
                pair(f, "member", &member.name)?;
                pair(f, "archive_sha256", member.archive)?;
            }
            pair(f, "for", &locked.owner)?;
            pair(f, "pinned", locked.pinned)?;
            writeln!(f, "when = {}", stamp::from_seconds(locked.when))?;
            if let Some(text) = &locked.text {
                pair(f, "text", text)?;
            }
            match locked.replaces {
                Some(sha256) => pair(f, "replaces_sha256", sha256),
                None => Ok(()),
            }
        })
    }
}

fn pair(f: &mut fmt::Formatter<'_>, key: &str, value: impl fmt::Display) -> fmt::Result {
    writeln!(f, "{key} = {}", toml::Value::String(value.to_string()))
}

#[derive(Deserialize)]
struct Versioned {
    version: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "version")]
    _version: i64,
    #[serde(default, rename = "file")]
    files: Vec<Spanned<WrittenFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFile {
    path: Spanned<String>,
    size: u64,
    sha256: Spanned<String>,
    url: String,
    member: Option<String>,
    archive_sha256: Option<Spanned<String>>,
    #[serde(rename = "for")]
    owner: Spanned<String>,
    pinned: Spanned<String>,
    when: Spanned<Datetime>,
    text: Option<String>,
    replaces_sha256: Option<Spanned<String>>,
}

/// Reads the text of the lock at `path`.
pub(super) fn parse(path: &Path, text: &str) -> Result<Lock, LockError> {
    let wrong = |at: usize, message: String| LockError::Parse {
        path: path.to_owned(),
        line: text.as_bytes()[..at.min(text.len())]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count()
            + 1,
        message,
    };
    let syntax = |error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        wrong(at, error.message().to_owned())
    };
    // The version alone comes first: what else a newer lock holds is not ours to judge.
    let Versioned { version } = toml::from_str(text).map_err(syntax)?;
    if version > Lock::VERSION {
        return Err(LockError::Newer {
            path: path.to_owned(),
            version,
        });
    }
    if version < 1 {
        return Err(wrong(0, format!("there is no format {version}")));
    }
    let written: Written = toml::from_str(text).map_err(syntax)?;
    let mut lock = Lock::default();
    for file in written.files {
        let start = file.span().start;
        let file = file.into_inner();
        let name = file.path.get_ref().clone();
        let at = file.path.span().start;
        if !safe(&name) {
            return Err(wrong(
                at,
                format!("`{}` is no name below the root", name.escape_debug()),
            ));
        }
        let locked = file
            .check()
            .map_err(|(at, message)| wrong(at.unwrap_or(start), message))?;
        if lock.pin(&name).is_some() {
            return Err(wrong(at, format!("`{name}` is pinned twice")));
        }
        lock.insert(name, locked);
    }
    Ok(lock)
}

/// Whether a path is one that Hearth would write: what stands in a lock is deleted by `prune`, so
/// it must not lead out of the root or to a hidden file.
fn safe(path: &str) -> bool {
    path.len() <= limits::NAME_BYTES
        && !path.is_empty()
        && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
        && path
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.'))
}

impl WrittenFile {
    fn check(self) -> Result<Locked, (Option<usize>, String)> {
        let digest = |field: &Spanned<String>| {
            field
                .get_ref()
                .parse()
                .map_err(|message| (Some(field.span().start), message))
        };
        let member = match (self.member, &self.archive_sha256) {
            (Some(name), Some(archive)) => Some(Member {
                name,
                archive: digest(archive)?,
            }),
            (None, None) => None,
            _ => {
                let message = "`member` and `archive_sha256` belong together".to_owned();
                return Err((None, message));
            }
        };
        let owner = match self.owner.get_ref().as_str() {
            "loaders" => Ok(Owner::Loaders),
            other => match other.strip_prefix("image ").map(Name::new) {
                Some(Ok(name)) => Ok(Owner::Image(name)),
                _ => Err("expected `loaders` or `image NAME`".to_owned()),
            },
        }
        .map_err(|message| (Some(self.owner.span().start), message))?;
        let pinned = match self.pinned.get_ref().as_str() {
            "published" => Pinned::Published,
            "first use" => Pinned::FirstUse,
            _ => {
                let message = "expected `published` or `first use`".to_owned();
                return Err((Some(self.pinned.span().start), message));
            }
        };
        let when = stamp::to_seconds(self.when.get_ref()).ok_or_else(|| {
            let message = "expected a date and time in UTC, ending in Z".to_owned();
            (Some(self.when.span().start), message)
        })?;
        Ok(Locked {
            size: self.size,
            sha256: digest(&self.sha256)?,
            url: self.url,
            member,
            owner,
            pinned,
            when,
            text: self.text,
            replaces: self.replaces_sha256.as_ref().map(digest).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256;

    fn lock() -> Lock {
        let locked = Locked {
            size: 71_000,
            sha256: Sha256([0xab; 32]),
            url: "https://boot.ipxe.org/undionly.kpxe".to_owned(),
            member: None,
            owner: Owner::Loaders,
            pinned: Pinned::FirstUse,
            when: 1_767_225_599,
            text: None,
            replaces: None,
        };
        let mut lock = Lock::default();
        lock.insert("undionly.kpxe".to_owned(), locked.clone());
        lock.insert(
            "talos/v1.11.2/376567988ad3/cmdline-metal-amd64".to_owned(),
            Locked {
                size: 30,
                owner: Owner::Image(Name::new("talos").unwrap()),
                text: Some("talos.platform=metal a=\"b\" \\c".to_owned()),
                ..locked.clone()
            },
        );
        lock.insert(
            "memtest/mt86plus_8.00.binaries/amd64.efi".to_owned(),
            Locked {
                member: Some(Member {
                    name: "mt86p_800_x86_64".to_owned(),
                    archive: Sha256([1; 32]),
                }),
                pinned: Pinned::Published,
                replaces: Some(Sha256([2; 32])),
                ..locked
            },
        );
        lock
    }

    #[test]
    fn the_text_is_the_golden_one() {
        let golden = include_str!("golden.lock");
        assert_eq!(lock().to_string(), golden, "{}", lock());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = lock().to_string();
        assert_eq!(parse(Path::new("hearth.lock"), &text).unwrap(), lock());
    }

    fn refused(change: impl Fn(String) -> String) -> String {
        match parse(Path::new("hearth.lock"), &change(lock().to_string())) {
            Err(error) => error.to_string(),
            Ok(lock) => panic!("taken:\n{lock}"),
        }
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let line = |text: &str| text.split(": ").next().unwrap_or_default().to_owned();
        let short = refused(|text| text.replacen("sha256 = \"ab", "sha256 = \"b", 1));
        assert!(short.contains("64 hexadecimal digits"), "{short}");
        assert_eq!(line(&short), "hearth.lock:9");
        let unknown = refused(|text| text.replacen("url = ", "uri = ", 1));
        assert!(
            unknown.contains("uri") && unknown.starts_with("hearth.lock:10:"),
            "{unknown}"
        );
        let twice = refused(|text| {
            text.replace("memtest/mt86plus_8.00.binaries/amd64.efi", "undionly.kpxe")
        });
        assert!(twice.contains("twice"), "{twice}");
        let half = refused(|text| text[..text.len() / 2].to_owned());
        assert!(half.starts_with("hearth.lock:"), "{half}");
        let old = refused(|text| text.replace("version = 1", "version = 0"));
        assert!(old.contains("no format 0"), "{old}");
        let local = refused(|text| text.replacen("59Z", "59", 1));
        assert!(local.contains("UTC"), "{local}");
        let lonely = refused(|text| text.replacen("archive_sha256", "# ", 1));
        assert!(lonely.contains("belong together"), "{lonely}");
        assert!(refused(|_| String::new()).contains("version"));
    }

    #[test]
    fn a_path_out_of_the_root_is_refused() {
        for path in [
            "../etc/passwd",
            "/etc/passwd",
            "a//b",
            "a/./b",
            ".hidden",
            "a/.b",
            "",
            "a\\\\b",
            "a b",
        ] {
            let said = refused(|text| {
                text.replace("path = \"undionly.kpxe\"", &format!("path = \"{path}\""))
            });
            assert!(said.contains("no name below the root"), "{path}: {said}");
        }
    }

    #[test]
    fn an_owner_that_is_none_is_refused() {
        let said = refused(|text| text.replace("\"image talos\"", "\"image ../x\""));
        assert!(said.contains("image NAME"), "{said}");
    }
}
