//! Zip archives, as far as publishers of boot files use them: stored or deflated members, no
//! encryption, no zip64 (APPNOTE.TXT sections 4.3.7, 4.3.12 and 4.3.16).

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;

use crate::limits;

/// The end record without its comment, and the longest comment.
const END: u64 = 22;
const COMMENT: u64 = 65_535;

/// A file in an archive.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// Its name.
    pub name: String,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    at: u64,
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("broken zip: {what}"))
}

fn number(bytes: &[u8], at: usize, width: usize) -> io::Result<u64> {
    let bytes = bytes.get(at..at + width).ok_or_else(|| wrong("cut off"))?;
    Ok(bytes
        .iter()
        .rev()
        .fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
}

/// The files that an archive has, from its directory. What cannot be unpacked is left out.
pub(super) fn entries(file: &mut File) -> io::Result<Vec<Entry>> {
    let length = file.seek(SeekFrom::End(0))?;
    let tail_length = length.min(END + COMMENT);
    file.seek(SeekFrom::Start(length - tail_length))?;
    let mut tail = Vec::new();
    file.take(tail_length).read_to_end(&mut tail)?;
    let end = tail
        .windows(4)
        .rposition(|window| window == b"PK\x05\x06")
        .ok_or_else(|| wrong("it has no directory"))?;
    let end = &tail[end..];
    let (size, at) = (number(end, 12, 4)?, number(end, 16, 4)?);
    if size.saturating_add(at) > length {
        return Err(wrong("its directory lies outside"));
    }
    file.seek(SeekFrom::Start(at))?;
    let mut directory = Vec::new();
    file.take(size).read_to_end(&mut directory)?;
    let mut entries = Vec::new();
    let mut rest = directory.as_slice();
    while rest.starts_with(b"PK\x01\x02") && entries.len() < limits::ARCHIVE_MEMBERS {
        let name_length = number(rest, 28, 2)? as usize;
        let behind = (number(rest, 30, 2)? + number(rest, 32, 2)?) as usize;
        let name = rest
            .get(46..46 + name_length)
            .ok_or_else(|| wrong("cut off"))?;
        let entry = Entry {
            name: String::from_utf8_lossy(name).into_owned(),
            method: number(rest, 10, 2)? as u16,
            crc: number(rest, 16, 4)? as u32,
            packed: number(rest, 20, 4)?,
            size: number(rest, 24, 4)?,
            at: number(rest, 42, 4)?,
        };
        let encrypted = number(rest, 8, 2)? & 1 == 1;
        if matches!(entry.method, 0 | 8) && !encrypted && !entry.name.ends_with('/') {
            entries.push(entry);
        }
        rest = rest
            .get(46 + name_length + behind..)
            .ok_or_else(|| wrong("cut off"))?;
    }
    Ok(entries)
}

/// Gives a member's bytes to `take`, and checks size and CRC at the end.
pub(super) fn extract(
    file: &mut File,
    entry: &Entry,
    take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    file.seek(SeekFrom::Start(entry.at))?;
    let mut head = [0; 30];
    file.read_exact(&mut head)?;
    if !head.starts_with(b"PK\x03\x04") {
        return Err(wrong("a member is not where the directory says"));
    }
    let skip = number(&head, 26, 2)? + number(&head, 28, 2)?;
    file.seek(SeekFrom::Current(skip as i64))?;
    let packed = file.take(entry.packed);
    let mut reader: Box<dyn Read> = match entry.method {
        0 => Box::new(packed),
        _ => Box::new(DeflateDecoder::new(packed)),
    };
    let mut sum = flate2::Crc::new();
    let mut size = 0;
    let mut buffer = vec![0; limits::FETCH_BUFFER_BYTES];
    loop {
        let read = match reader.read(&mut buffer)? {
            0 => break,
            read => read,
        };
        size += read as u64;
        if size > entry.size {
            return Err(wrong("a member is longer than its directory says"));
        }
        sum.update(&buffer[..read]);
        take(&buffer[..read])?;
    }
    if size == entry.size && sum.sum() == entry.crc {
        Ok(())
    } else {
        Err(wrong("a member's checksum does not fit"))
    }
}
