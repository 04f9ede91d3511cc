//! The bytes of one transfer as DATA packets, a little at a time.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::Arc;

use nix::sys::uio::preadv;

use crate::image::catalogue::{Content, Entry};
use crate::limits;
use crate::tftp::options::Terms;
use crate::tftp::packet;

/// Parts that one read may be spread over; systems allow 1024 (`IOV_MAX`), and a window has fewer.
const PARTS: u64 = 256;

/// Where the bytes of a transfer come from.
#[derive(Debug)]
pub enum Source {
    /// An open file.
    File(File),
    /// Bytes in memory.
    Memory(Arc<[u8]>),
}

impl Source {
    /// Opens what an entry means, without following a link, and makes sure that it still is that.
    ///
    /// # Errors
    /// What open(2) and fstat(2) report, or the file is not the one that the entry means any more.
    pub fn open(entry: &Entry) -> io::Result<Source> {
        let path = match &entry.content {
            Content::Memory(bytes) => return Ok(Source::Memory(bytes.clone())),
            Content::File(path) => path,
        };
        let file = File::options()
            .read(true)
            // Nobody waits for the other end of a pipe that was put in the file's place.
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file()
            || metadata.len() != entry.size
            || metadata.modified()? != entry.modified
        {
            return Err(io::Error::other("it has changed since it was listed"));
        }
        Ok(Source::File(file))
    }

    fn read(&self, slots: &mut [IoSliceMut], offset: u64) -> io::Result<()> {
        match self {
            Source::File(file) => {
                let wanted: usize = slots.iter().map(|slot| slot.len()).sum();
                let position = libc::off_t::try_from(offset).map_err(io::Error::other)?;
                if preadv(file, slots, position)? == wanted {
                    return Ok(());
                }
                // Less than there is comes only from odd file systems, or at a new end of the file.
                let mut offset = offset;
                for slot in slots {
                    file.read_exact_at(slot, offset)?;
                    offset += slot.len() as u64;
                }
            }
            Source::Memory(bytes) => {
                let mut rest = bytes.get(offset as usize..).unwrap_or_default();
                for slot in slots {
                    let part = rest.split_off(..slot.len());
                    slot.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
                }
            }
        }
        Ok(())
    }
}

/// DATA packets of one transfer. They lie behind each other with their heads, [`stride`](Self::stride)
/// bytes each (the file's last is shorter), so that any range of them goes out as it is. One read
/// fills many; the buffer's size does not depend on the file's.
#[derive(Debug)]
pub struct Blocks {
    source: Source,
    size: u64,
    block_size: u16,
    /// Blocks that are read at once.
    ahead: u64,
    buffer: Vec<u8>,
    /// The blocks that the buffer holds.
    held: Range<u64>,
}

impl Blocks {
    /// The blocks of a file of `size` bytes.
    pub fn new(source: Source, size: u64, terms: &Terms) -> Blocks {
        let window = u64::from(terms.window);
        // Whole windows, so that none is cut by the buffer's end.
        let blocks = limits::TFTP_READ_AHEAD as u64 / u64::from(terms.block_size);
        let windows = blocks.min(PARTS) / window;
        Blocks {
            source,
            size,
            block_size: terms.block_size,
            ahead: windows.max(1) * window,
            buffer: Vec::new(),
            held: 1..1,
        }
    }

    /// Bytes of a DATA packet.
    pub fn stride(&self) -> u16 {
        self.block_size + packet::HEAD
    }

    /// The packets of these blocks, behind each other; the range must lie within the file.
    ///
    /// # Errors
    /// Reading fails, or the file has become shorter.
    pub fn packets(&mut self, blocks: Range<u64>) -> io::Result<&[u8]> {
        if blocks.start < self.held.start || blocks.end > self.held.end {
            self.fill(&blocks)?;
        }
        let stride = usize::from(self.stride());
        let slot = |block: u64| (block - self.held.start) as usize * stride;
        let end = slot(blocks.end).min(self.buffer.len());
        let packets = self.buffer.get(slot(blocks.start)..end);
        packets.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn fill(&mut self, blocks: &Range<u64>) -> io::Result<()> {
        let block_size = u64::from(self.block_size);
        let last = self.size / block_size + 1;
        let end = blocks.end.max((blocks.start + self.ahead).min(last + 1));
        let offset = (blocks.start - 1) * block_size;
        let bytes = ((end - 1) * block_size)
            .min(self.size)
            .saturating_sub(offset);
        let heads = (end - blocks.start) * u64::from(packet::HEAD);
        self.held = 1..1;
        self.buffer.resize((bytes + heads) as usize, 0);
        let mut slots = Vec::with_capacity((end - blocks.start) as usize);
        let stride = usize::from(self.stride());
        for (block, packet) in (blocks.start..).zip(self.buffer.chunks_mut(stride)) {
            if let Some((head, slot)) = packet.split_first_chunk_mut() {
                *head = packet::data_head(block);
                slots.push(IoSliceMut::new(slot));
            }
        }
        self.source.read(&mut slots, offset)?;
        self.held = blocks.start..end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::image::catalogue::Origin;

    fn entry(path: &Path) -> Entry {
        let metadata = fs::metadata(path).unwrap();
        Entry {
            size: metadata.len(),
            modified: metadata.modified().unwrap(),
            content: Content::File(path.to_owned()),
            origin: Origin::Own,
        }
    }

    fn terms(block_size: u16, window: u16) -> Terms {
        Terms {
            block_size,
            window,
            wait: Duration::from_secs(1),
            size_asked: false,
            answer: None,
        }
    }

    /// All bytes of a transfer that takes `window` blocks at a time.
    fn read(source: Source, size: u64, block_size: u16, window: u16) -> Vec<u8> {
        let mut blocks = Blocks::new(source, size, &terms(block_size, window));
        let last = size / u64::from(block_size) + 1;
        let (mut all, mut next) = (Vec::new(), 1);
        while next <= last {
            let end = (next + u64::from(window)).min(last + 1);
            let packets = blocks.packets(next..end).unwrap().to_vec();
            for packet in packets.chunks(usize::from(block_size) + 4) {
                assert_eq!(packet[..4], packet::data_head(next));
                all.extend_from_slice(&packet[4..]);
                next += 1;
            }
            assert_eq!(next, end);
        }
        all
    }

    #[test]
    fn every_byte_comes_in_its_block() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for size in [0, 1, 511, 512, 513, 1024, 16_384, 70_000] {
            let bytes: Vec<u8> = (0..size).map(|n: u32| (n * 7 / 3) as u8).collect();
            fs::write(&path, &bytes).unwrap();
            for (block_size, window) in [(8, 1), (512, 1), (512, 3), (1468, 16), (65_464, 1)] {
                let what = format!("{size} bytes, {block_size} by {window}");
                let size = u64::from(size);
                let file = Source::open(&entry(&path)).unwrap();
                assert_eq!(read(file, size, block_size, window), bytes, "{what}");
                let memory = Source::Memory(Arc::from(&bytes[..]));
                assert_eq!(read(memory, size, block_size, window), bytes, "{what}");
            }
        }
    }

    #[test]
    fn the_buffer_does_not_grow_with_the_file() {
        let file = tempfile::tempfile().unwrap();
        let size = 100 << 20;
        file.set_len(size).unwrap();
        let mut blocks = Blocks::new(Source::File(file), size, &terms(1432, 1));
        for block in [1, 2, 70_000, 3] {
            assert_eq!(blocks.packets(block..block + 1).unwrap().len(), 1436);
            assert!(blocks.buffer.capacity() <= limits::TFTP_READ_AHEAD + 1_000);
        }
    }

    #[test]
    fn links_and_changed_files_are_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&path, "content").unwrap();
        symlink(&path, &link).unwrap();
        assert!(Source::open(&entry(&link)).is_err());
        let listed = entry(&path);
        fs::write(&path, "longer content").unwrap();
        assert!(Source::open(&listed).is_err());
        fs::remove_file(&path).unwrap();
        assert!(Source::open(&listed).is_err());
    }

    #[test]
    fn a_file_that_becomes_shorter_is_an_error_and_no_crash() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(100_000).unwrap();
        let shorter = file.try_clone().unwrap();
        let mut blocks = Blocks::new(Source::File(file), 100_000, &terms(512, 1));
        assert!(blocks.packets(1..2).is_ok());
        shorter.set_len(10_000).unwrap();
        assert!(blocks.packets(150..151).is_err());
        assert!(blocks.packets(150..151).is_err());
    }
}
