//! How much memory a machine has, from the tables of its firmware: SMBIOS type 19, Memory Array
//! Mapped Address, which stock iPXE reads on BIOS and UEFI where it has no `${memsize}`.

/// Ranges of memory that were seen.
#[derive(Debug, Default)]
pub struct Memory(Vec<(u32, u32)>);

/// Ranges that are taken up; Hearth's scripts send four.
const RANGES: usize = 8;

impl Memory {
    /// Takes the eight bytes at offset 4 of a structure: first and last kilobyte, both little-endian
    /// (SMBIOS 3.7 section 7.20). A range that ends above 4 TB is given elsewhere, where iPXE of 2019
    /// would read beyond a shorter structure, so it does not count.
    pub fn add(&mut self, bytes: &[u8]) {
        let (Some(first), Some(last)) = (number(bytes, 0), number(bytes, 4)) else {
            return;
        };
        let is_range = first < last && last != u32::MAX && bytes.len() == 8;
        // Firmware that repeats a table does not double the memory.
        if is_range && !self.0.contains(&(first, last)) && self.0.len() < RANGES {
            self.0.push((first, last));
        }
    }

    /// Megabytes in all; `None` where nothing was said.
    pub fn megabytes(&self) -> Option<u32> {
        let sizes = self
            .0
            .iter()
            .map(|(first, last)| u64::from(last - first) + 1);
        let megabytes = sizes.sum::<u64>() / 1024;
        u32::try_from(megabytes).ok().filter(|some| *some > 0)
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(ranges: &[(u32, u32)]) -> Option<u32> {
        let mut memory = Memory::default();
        for (first, last) in ranges {
            memory.add(&[first.to_le_bytes(), last.to_le_bytes()].concat());
        }
        memory.megabytes()
    }

    #[test]
    fn ranges_below_and_above_the_hole_add_up() {
        let (gb, below) = (1 << 20, 3 << 20);
        assert_eq!(of(&[(0, below - 1), (4 * gb, 9 * gb - 1)]), Some(8 << 10));
    }

    #[test]
    fn what_is_repeated_empty_or_elsewhere_does_not_count() {
        assert_eq!(of(&[(0, 1023), (0, 1023)]), Some(1));
        assert_eq!(of(&[(0, u32::MAX), (7, 7), (9, 2)]), None);
        assert_eq!(of(&[]), None);
        let mut memory = Memory::default();
        memory.add(&[0; 7]);
        memory.add(&[1; 9]);
        assert_eq!(memory.megabytes(), None);
    }

    proptest! {
        #[test]
        fn any_ranges_add_up(ranges: Vec<(u32, u32)>) {
            of(&ranges);
        }
    }
}
