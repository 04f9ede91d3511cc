//! Members of archives: zip, tar, tar.gz, told by their first bytes.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::read::MultiGzDecoder;

use crate::fetch::zip;
use crate::limits;

/// An archive on the disk with the names of its regular files.
pub(super) struct Opened {
    file: File,
    kind: Kind,
    names: Vec<String>,
}

enum Kind {
    Zip(Vec<zip::Entry>),
    Tar { packed: bool },
}

impl Opened {
    /// Opens an archive and reads what is in it.
    pub fn new(mut file: File) -> io::Result<Opened> {
        let mut start = [0; 262];
        let mut read = 0;
        while read < start.len() {
            match file.read(&mut start[read..])? {
                0 => break,
                more => read += more,
            }
        }
        let kind = if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
            Kind::Zip(zip::entries(&mut file)?)
        } else if start.starts_with(&[0x1f, 0x8b]) {
            Kind::Tar { packed: true }
        } else if &start[257..262] == b"ustar" {
            Kind::Tar { packed: false }
        } else {
            let message = "it is neither zip nor tar.gz";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        };
        let mut opened = Opened {
            file,
            kind,
            names: Vec::new(),
        };
        opened.names = match &opened.kind {
            Kind::Zip(entries) => entries.iter().map(|entry| entry.name.clone()).collect(),
            Kind::Tar { packed } => {
                let packed = *packed;
                let mut names = Vec::new();
                opened.each_of_tar(packed, &mut |name, _| {
                    names.push(name.to_owned());
                    Ok(true)
                })?;
                names
            }
        };
        Ok(opened)
    }

    /// The member that the first fitting pattern means; of several the one with the shortest name.
    pub fn find(&self, patterns: &[String]) -> Option<&str> {
        patterns.iter().find_map(|pattern| {
            self.names
                .iter()
                .filter(|name| fits(pattern, name))
                .min_by_key(|name| (name.len(), *name))
                .map(String::as_str)
        })
    }

    /// Gives the bytes of a member to `take`.
    pub fn extract(
        &mut self,
        name: &str,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        match &self.kind {
            Kind::Zip(entries) => match entries.iter().find(|entry| entry.name == name) {
                Some(entry) => zip::extract(&mut self.file, entry, take),
                None => Err(io::ErrorKind::NotFound.into()),
            },
            Kind::Tar { packed } => {
                let packed = *packed;
                let mut found = false;
                self.each_of_tar(packed, &mut |member, reader| {
                    if member != name {
                        return Ok(true);
                    }
                    found = true;
                    let mut buffer = vec![0; limits::FETCH_BUFFER_BYTES];
                    loop {
                        match reader.read(&mut buffer)? {
                            0 => return Ok(false),
                            read => take(&buffer[..read])?,
                        }
                    }
                })?;
                if found {
                    Ok(())
                } else {
                    Err(io::ErrorKind::NotFound.into())
                }
            }
        }
    }

    /// Shows every regular file to `look` until it says false.
    fn each_of_tar(
        &mut self,
        packed: bool,
        look: &mut dyn FnMut(&str, &mut dyn Read) -> io::Result<bool>,
    ) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        let file = BufReader::with_capacity(limits::FETCH_BUFFER_BYTES, &mut self.file);
        let reader: Box<dyn Read + '_> = if packed {
            Box::new(MultiGzDecoder::new(file))
        } else {
            Box::new(file)
        };
        // What is small when packed may be endless when not.
        let mut archive = tar::Archive::new(reader.take(limits::ARCHIVE_BYTES));
        for entry in archive.entries()?.take(limits::ARCHIVE_MEMBERS) {
            let mut entry = entry?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if !look(&name, &mut entry)? {
                break;
            }
        }
        Ok(())
    }
}

/// Whether the end of a name, from a folder on, fits a pattern: `x86_64/snponly.efi` fits
/// `ipxeboot/x86_64/snponly.efi`; `*` is anything within one part.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = name.trim_start_matches("./").rsplit('/');
    pattern
        .rsplit('/')
        .all(|pattern| parts.next().is_some_and(|part| fits_part(pattern, part)))
}

fn fits_part(pattern: &str, part: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == part,
        Some((before, after)) => part
            .strip_prefix(before)
            .is_some_and(|rest| rest.len() >= after.len() && rest.ends_with(after)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn tar_gz(members: &[(&str, &[u8])]) -> File {
        let packed = flate2::write::GzEncoder::new(
            tempfile::tempfile().unwrap(),
            flate2::Compression::fast(),
        );
        let mut builder = tar::Builder::new(packed);
        for (name, bytes) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(tar::EntryType::Symlink);
        link.set_size(0);
        builder
            .append_link(&mut link, "x86_64/link.efi", "/etc/passwd")
            .unwrap();
        let mut file = builder.into_inner().unwrap().finish().unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file
    }

    /// One stored member, as the specification has it.
    fn zip(name: &str, bytes: &[u8], crc: u32) -> File {
        let size = (bytes.len() as u32).to_le_bytes();
        let name_length = (name.len() as u16).to_le_bytes();
        let crc = crc.to_le_bytes();
        let mut out = Vec::new();
        out.extend(b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0");
        out.extend(
            [
                &crc[..],
                &size,
                &size,
                &name_length,
                &[0, 0],
                name.as_bytes(),
                bytes,
            ]
            .concat(),
        );
        let at = (out.len() as u32).to_le_bytes();
        let mut directory = b"PK\x01\x02\x0a\0\x0a\0\0\0\0\0\0\0\0\0".to_vec();
        directory.extend([&crc[..], &size, &size, &name_length].concat());
        directory.extend([0; 16]);
        directory.extend(name.as_bytes());
        let length = (directory.len() as u32).to_le_bytes();
        out.extend(directory);
        out.extend([b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &length[..], &at, &[0, 0]].concat());
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&out).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file
    }

    fn bytes(opened: &mut Opened, name: &str) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        opened.extract(name, &mut |part| {
            out.extend(part);
            Ok(())
        })?;
        Ok(out)
    }

    #[test]
    fn a_member_is_found_by_the_end_of_its_name() {
        let file = tar_gz(&[
            ("ipxeboot/undionly.kpxe", b"bios"),
            ("ipxeboot/deeper/undionly.kpxe", b"other"),
            ("ipxeboot/x86_64/snponly.efi", b"efi"),
            ("ipxeboot/not_x86_64/snponly.efi", b"no"),
        ]);
        let mut opened = Opened::new(file).unwrap();
        let find =
            |opened: &Opened, pattern: &str| opened.find(&[pattern.to_owned()]).map(str::to_owned);
        let name = find(&opened, "x86_64/snponly.efi").unwrap();
        assert_eq!(bytes(&mut opened, &name).unwrap(), b"efi");
        let name = find(&opened, "undionly.kpxe").unwrap();
        assert_eq!(bytes(&mut opened, &name).unwrap(), b"bios");
        assert_eq!(find(&opened, "arm64/snponly.efi"), None);
        assert_eq!(
            find(&opened, "x86_64/link.efi"),
            None,
            "a link was taken for a file"
        );
    }

    #[test]
    fn patterns_are_tried_in_order() {
        let opened = Opened::new(tar_gz(&[
            ("mt86p_800_x86_64", b"a"),
            ("memtest64.efi", b"b"),
        ]))
        .unwrap();
        let patterns = ["mt86p_*_x86_64", "memtest64.efi"].map(str::to_owned);
        assert_eq!(opened.find(&patterns), Some("mt86p_800_x86_64"));
        assert_eq!(opened.find(&patterns[1..]), Some("memtest64.efi"));
        assert!(!fits("a*b", "ab/b") && fits("a*b", "x/ab") && !fits("ab*b", "ab"));
    }

    #[test]
    fn a_zip_gives_its_members_and_a_wrong_checksum_is_told() {
        let mut opened = Opened::new(zip("a/b.efi", b"hello", 0x3610_a686)).unwrap();
        assert_eq!(opened.find(&["b.efi".to_owned()]), Some("a/b.efi"));
        assert_eq!(bytes(&mut opened, "a/b.efi").unwrap(), b"hello");
        let mut wrong = Opened::new(zip("a", b"hello", 1)).unwrap();
        assert!(
            bytes(&mut wrong, "a")
                .unwrap_err()
                .to_string()
                .contains("checksum")
        );
    }

    #[test]
    fn what_is_no_archive_is_told() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"<html>not found</html>").unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        let error = Opened::new(file).map(|_| ()).unwrap_err();
        assert!(
            error.to_string().contains("neither zip nor tar.gz"),
            "{error}"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(start in 0..3_usize, junk in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all([&b"PK\x03\x04"[..], &[0x1f, 0x8b, 8], b"PK\x05\x06"][start]).unwrap();
            file.write_all(&junk).unwrap();
            file.write_all(b"PK\x05\x06\0\0\0\0\x01\0\x01\0").unwrap();
            file.write_all(&junk).unwrap();
            file.seek(SeekFrom::Start(0)).unwrap();
            if let Ok(mut opened) = Opened::new(file) {
                for name in opened.names.clone() {
                    let _ = bytes(&mut opened, &name);
                }
            }
        }
    }
}
