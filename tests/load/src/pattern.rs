//! A file whose bytes follow from their place, so that a block in the wrong place is seen at once and
//! nobody needs a copy.

use std::fs::File;
use std::io::{self, BufWriter, Write};

/// Bytes of a word.
const WORD: u64 = 4;

/// The word at a place in the file, counted in words.
fn word(index: u64) -> [u8; WORD as usize] {
    // Neighbours differ in most bits, and so do words that are a block or a window apart.
    let mixed = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed >> 32) as u32).to_le_bytes()
}

/// The byte at an offset.
fn byte(offset: u64) -> u8 {
    word(offset / WORD)[(offset % WORD) as usize]
}

/// Whether these bytes stand at this offset of the file.
pub fn matches(offset: u64, bytes: &[u8]) -> bool {
    (offset..).zip(bytes).all(|(at, &got)| got == byte(at))
}

/// Writes the file.
///
/// # Errors
/// What the system says.
pub fn write(path: &str, bytes: u64) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    for index in 0..bytes / WORD {
        file.write_all(&word(index))?;
    }
    file.write_all(&word(bytes / WORD)[..(bytes % WORD) as usize])?;
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_matches_in_its_own_place_only() {
        let block: Vec<u8> = (5000..6000).map(byte).collect();
        assert!(matches(5000, &block));
        for elsewhere in [0, 4000, 4999, 5001, 5004, 5512, 1 << 33] {
            assert!(!matches(elsewhere, &block), "{elsewhere}");
        }
    }

    #[test]
    fn one_wrong_byte_is_seen() {
        let mut block: Vec<u8> = (0..100).map(byte).collect();
        block[99] ^= 1;
        assert!(!matches(0, &block));
    }

    #[test]
    fn a_written_file_has_its_length_and_its_bytes() {
        let path = std::env::temp_dir().join(format!("hearth-load-{}", std::process::id()));
        let path = path.to_str().unwrap();
        write(path, 1_003).unwrap();
        let read = std::fs::read(path).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(read.len(), 1_003);
        assert!(matches(0, &read));
    }
}
