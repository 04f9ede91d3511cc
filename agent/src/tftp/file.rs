//! The bytes of one transfer, a little at a time.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::Arc;

use crate::boot::{Answer, Gate, Request};
use crate::image::catalogue::{Content, Entry, normalise};
use crate::limits;

/// Where bytes come from.
pub enum Bytes {
    /// A file, read ahead into a small buffer.
    File {
        /// The open file.
        file: File,
        /// What was read.
        buffer: Vec<u8>,
        /// Where the buffer starts in the file.
        start: u64,
        /// Bytes of the file.
        size: u64,
    },
    /// Bytes in memory.
    Memory(Arc<[u8]>),
}

/// What a request's name means to its client.
pub enum Found {
    /// Nothing.
    Nothing,
    /// Nothing, by decision, with the reason.
    Refused(String),
    /// This.
    File {
        /// Its catalogue name.
        name: String,
        /// Its bytes.
        bytes: Bytes,
        /// How many they are.
        size: u64,
    },
}

/// Asks the gate for the name that came over the wire, and opens what it means.
pub fn find(gate: &dyn Gate, wire: &[u8], request: &Request) -> Found {
    let Some(name) = normalise(wire) else {
        return Found::Nothing;
    };
    // A file that changes between the gate's look and the opening is asked for once more.
    for _ in 0..2 {
        match gate.file(&name, request) {
            Answer::NotFound => return Found::Nothing,
            Answer::Denied(why) => return Found::Refused(why),
            Answer::File(entry) => match Bytes::open(&entry) {
                Ok(bytes) => {
                    let size = entry.size;
                    return Found::File { name, bytes, size };
                }
                Err(error) => log::warn!("TFTP: opening {name}: {error}"),
            },
        }
    }
    Found::Nothing
}

impl Bytes {
    /// Opens what an entry means.
    ///
    /// # Errors
    /// The file cannot be opened, is a link, or is not the one that the entry means any more.
    pub fn open(entry: &Entry) -> io::Result<Bytes> {
        let path = match &entry.content {
            Content::Memory(bytes) => return Ok(Bytes::Memory(bytes.clone())),
            Content::File(path) => path,
        };
        let file = File::options()
            .read(true)
            .custom_flags(libc::O_NOFOLLOW)
            .open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file()
            || metadata.len() != entry.size
            || metadata.modified()? != entry.modified
        {
            return Err(io::Error::other("the file has just changed"));
        }
        Ok(Bytes::File {
            file,
            buffer: Vec::new(),
            start: 0,
            size: entry.size,
        })
    }

    /// These bytes, at most a window's; `window` is how many are asked for next at most.
    ///
    /// # Errors
    /// Reading fails, or the file has become shorter.
    pub fn get(&mut self, range: Range<u64>, window: usize) -> io::Result<&[u8]> {
        let length = (range.end - range.start) as usize;
        match self {
            Bytes::Memory(bytes) => bytes
                .get(range.start as usize..range.end as usize)
                .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof)),
            Bytes::File {
                file,
                buffer,
                start,
                size,
            } => {
                let end = *start + buffer.len() as u64;
                if range.start < *start || range.end > end {
                    let wanted = window.max(limits::TFTP_READ_AHEAD).max(length) as u64;
                    let wanted = wanted.min(size.saturating_sub(range.start)) as usize;
                    buffer.resize(wanted, 0);
                    if let Err(error) = file.read_exact_at(buffer, range.start) {
                        buffer.clear();
                        return Err(error);
                    }
                    *start = range.start;
                }
                let offset = (range.start - *start) as usize;
                buffer
                    .get(offset..offset + length)
                    .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
            }
        }
    }
}
