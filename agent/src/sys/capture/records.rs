//! What bpf(4) fills a buffer with: records of a header and a frame, each at a multiple of a word.
//! Apart from the system calls, so that tests run everywhere.

/// How a kernel lays out its records.
#[derive(Clone, Copy)]
pub struct Layout {
    /// Where a header has the length of what was kept of the frame (`bh_caplen`).
    captured: usize,
    /// Where it has its own length (`bh_hdrlen`): behind `bh_caplen` and `bh_datalen`.
    header: usize,
    /// Records begin at multiples of this (`BPF_ALIGNMENT`).
    align: usize,
}

impl Layout {
    /// Of this kernel: `struct bpf_hdr` begins with a `timeval` of two words.
    pub const NATIVE: Layout = {
        let word = size_of::<std::ffi::c_long>();
        Layout {
            captured: 2 * word,
            header: 2 * word + 8,
            align: word,
        }
    };
}

/// Hands over the frame of each whole record, and returns how many there were.
pub fn frames(mut bytes: &[u8], layout: Layout, mut take: impl FnMut(&[u8])) -> usize {
    let mut count = 0;
    while let Some((frame, next)) = record(bytes, layout) {
        take(frame);
        count += 1;
        bytes = bytes.get(next..).unwrap_or_default();
    }
    count
}

/// The frame of the first record, and where the next one begins.
fn record(bytes: &[u8], layout: Layout) -> Option<(&[u8], usize)> {
    let captured = bytes.get(layout.captured..layout.captured + 4)?;
    let captured = u32::from_ne_bytes(captured.try_into().ok()?);
    let header = bytes.get(layout.header..layout.header + 2)?;
    let header = usize::from(u16::from_ne_bytes(header.try_into().ok()?));
    let end = header.checked_add(usize::try_from(captured).ok()?)?;
    let frame = bytes.get(header..end)?;
    // A header of no length would go round for ever.
    (header > 0).then_some((frame, end.next_multiple_of(layout.align)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LAYOUT: Layout = Layout {
        captured: 16,
        header: 24,
        align: 8,
    };

    /// As the kernel writes it on a 64-bit machine: the header has 26 bytes, and room for 6 more
    /// aligns what follows the frame's Ethernet header.
    fn record(frame: &[u8]) -> Vec<u8> {
        let length = u32::try_from(frame.len()).unwrap().to_ne_bytes();
        let mut bytes = vec![7; 16];
        bytes.extend([length, length].concat());
        bytes.extend(34_u16.to_ne_bytes());
        bytes.resize(34, 0);
        bytes.extend(frame);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    fn all(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        let count = frames(bytes, LAYOUT, |frame| found.push(frame.to_vec()));
        assert_eq!(count, found.len());
        found
    }

    #[test]
    fn every_record_of_a_buffer_is_read() {
        let bytes = [record(b"one"), record(b""), record(b"the third")].concat();
        assert_eq!(all(&bytes), [&b"one"[..], b"", b"the third"]);
        // The last record need not be filled up to a word.
        let bytes = record(b"one");
        assert_eq!(all(&bytes[..37]), [b"one"]);
        assert_eq!(all(&bytes[..36]), [b""; 0]);
    }

    #[test]
    fn this_machine_lays_out_as_it_should() {
        #[cfg(target_pointer_width = "64")]
        assert_eq!((Layout::NATIVE.captured, Layout::NATIVE.header), (16, 24));
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes: Vec<u8>) {
            frames(&bytes, LAYOUT, |_| ());
        }
    }
}
