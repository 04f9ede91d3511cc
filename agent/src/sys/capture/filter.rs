//! The program that the kernel runs over every frame (bpf(4); Linux: "classic BPF"), so that of a
//! firewall's traffic only DHCP reaches this process. One program for both systems.

/// One instruction: what to do, where to go on if it holds and if it does not (counted from the next
/// one), and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    /// What to do.
    pub code: u16,
    /// Instructions to pass over where a comparison holds.
    pub then: u8,
    /// Instructions to pass over where it does not.
    pub otherwise: u8,
    /// A place, a value to compare with, or what to return.
    pub number: u32,
}

// The instructions in use (bpf(4)), each the sum of class, size and mode.

/// Loads two bytes at a place: `BPF_LD|BPF_H|BPF_ABS`.
const LOAD_2: u16 = 0x28;
/// Loads a byte: `BPF_LD|BPF_B|BPF_ABS`.
const LOAD_1: u16 = 0x30;
/// Loads two bytes at a place behind the index: `BPF_LD|BPF_H|BPF_IND`.
const LOAD_2_INDEXED: u16 = 0x48;
/// The index becomes the length of the IPv4 header at a place: `BPF_LDX|BPF_B|BPF_MSH`.
const INDEX_HEADER: u16 = 0xb1;
/// Compares: `BPF_JMP|BPF_JEQ|BPF_K`.
const EQUAL: u16 = 0x15;
/// Whether any of these bits is set: `BPF_JMP|BPF_JSET|BPF_K`.
const ANY_BIT: u16 = 0x45;
/// Ends with how many bytes to hand on: `BPF_RET|BPF_K`.
const END: u16 = 0x06;

/// DHCP, and PXE's boot servers.
const PORTS: [u32; 3] = [67, 68, 4011];

/// Hands on up to `most` bytes of each frame that holds (the first piece of) a UDP datagram over IPv4
/// from or to one of the ports, behind at most two VLAN tags, and nothing of all others.
pub fn dhcp(most: u32) -> Vec<Op> {
    let mut program = Vec::new();
    for tags in 0..=2 {
        let kind = 12 + 4 * tags;
        program.push(op(LOAD_2, kind));
        let block = block(kind + 2, most);
        // Passes over the block and over what follows this comparison.
        let over = u8::try_from(block.len()).unwrap_or(u8::MAX);
        program.push(when(EQUAL, 0x0800, 0, over));
        program.extend(block);
        if tags < 2 {
            program.extend([when(EQUAL, 0x8100, 2, 0), when(EQUAL, 0x88a8, 1, 0)]);
        }
        program.push(op(END, 0));
    }
    program
}

/// Judges an IPv4 packet that begins at a place, and ends the program.
fn block(start: u32, most: u32) -> Vec<Op> {
    vec![
        // UDP, or else to the end.
        op(LOAD_1, start + 9),
        when(EQUAL, 17, 0, 12),
        // A later fragment has no ports.
        op(LOAD_2, start + 6),
        when(ANY_BIT, 0x1fff, 10, 0),
        op(INDEX_HEADER, start),
        // The source port, then the other.
        op(LOAD_2_INDEXED, start),
        when(EQUAL, PORTS[0], 6, 0),
        when(EQUAL, PORTS[1], 5, 0),
        when(EQUAL, PORTS[2], 4, 0),
        op(LOAD_2_INDEXED, start + 2),
        when(EQUAL, PORTS[0], 2, 0),
        when(EQUAL, PORTS[1], 1, 0),
        when(EQUAL, PORTS[2], 0, 1),
        op(END, most),
        op(END, 0),
    ]
}

fn op(code: u16, number: u32) -> Op {
    when(code, number, 0, 0)
}

fn when(code: u16, number: u32, then: u8, otherwise: u8) -> Op {
    Op {
        code,
        then,
        otherwise,
        number,
    }
}

/// Hands on nothing.
#[cfg_attr(not(target_os = "freebsd"), allow(dead_code))]
pub fn nothing() -> Vec<Op> {
    vec![op(END, 0)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the kernel would hand on: bpf(4), for the instructions in use. A load beyond the frame ends
    /// the program with nothing.
    fn run(program: &[Op], frame: &[u8]) -> u32 {
        let byte = |place: u32| frame.get(usize::try_from(place).unwrap()).copied();
        let two = |place: u32| Some(u32::from(byte(place)?) << 8 | u32::from(byte(place + 1)?));
        let (mut at, mut value, mut index) = (0, 0, 0);
        loop {
            let op = program[at];
            let jump = |holds: bool| usize::from(if holds { op.then } else { op.otherwise });
            at += 1;
            let loaded = match op.code {
                LOAD_1 => byte(op.number).map(u32::from),
                LOAD_2 => two(op.number),
                LOAD_2_INDEXED => two(op.number + index),
                INDEX_HEADER => byte(op.number).map(|byte| u32::from(byte & 0xf) * 4),
                EQUAL => {
                    at += jump(value == op.number);
                    continue;
                }
                ANY_BIT => {
                    at += jump(value & op.number != 0);
                    continue;
                }
                END => return op.number,
                other => panic!("{other:#x}"),
            };
            match (loaded, op.code) {
                (None, _) => return 0,
                (Some(loaded), INDEX_HEADER) => index = loaded,
                (Some(loaded), _) => value = loaded,
            }
        }
    }

    fn frame(tags: &[u16], header: usize, ports: (u16, u16)) -> Vec<u8> {
        let mut frame = vec![0; 12];
        for tag in tags {
            frame.extend(tag.to_be_bytes());
            frame.extend([0, 10]);
        }
        frame.extend([8, 0]);
        let mut packet = vec![0; header];
        packet[0] = 0x40 | u8::try_from(header / 4).unwrap();
        packet[9] = 17;
        frame.extend(packet);
        frame.extend(ports.0.to_be_bytes());
        frame.extend(ports.1.to_be_bytes());
        frame.extend([0; 4]);
        frame
    }

    fn takes(frame: &[u8]) -> bool {
        run(&dhcp(1500), frame) == 1500
    }

    #[test]
    fn dhcp_is_taken_in_either_direction_with_any_header_and_tags() {
        for tags in [&[][..], &[0x8100], &[0x88a8, 0x8100], &[0x8100, 0x8100]] {
            for header in [20, 24, 60] {
                for ports in [(68, 67), (67, 68), (4011, 1024), (1024, 4011), (67, 67)] {
                    assert!(
                        takes(&frame(tags, header, ports)),
                        "{tags:x?} {header} {ports:?}"
                    );
                }
                assert!(!takes(&frame(tags, header, (53, 1024))));
            }
        }
    }

    #[test]
    fn all_else_is_thrown_away() {
        let good = frame(&[], 20, (68, 67));
        let with = |place: usize, value: u8| {
            let mut frame = good.clone();
            frame[place] = value;
            takes(&frame)
        };
        assert!(
            with(20, 0x40) && with(20, 0x20),
            "the first piece has the ports"
        );
        assert!(!with(21, 1), "a later piece");
        assert!(!with(23, 6), "TCP");
        assert!(!with(12, 0x86), "IPv6");
        assert!(!takes(&frame(&[0x8100; 3], 20, (68, 67))));
        assert!(!takes(&good[..30]));
        assert_eq!(run(&nothing(), &good), 0);
    }

    proptest! {
        #[test]
        fn every_frame_comes_to_an_end(
            bytes in prop::collection::vec(any::<u8>(), 0..80),
            tags in 0usize..3,
        ) {
            let tags = vec![0x8100; tags];
            let mut frame = frame(&tags, 20, (68, 67));
            frame.truncate(14 + 4 * tags.len());
            frame.extend(bytes);
            for frame in [&frame[..], &frame[14..]] {
                let taken = run(&dhcp(1500), frame);
                prop_assert!(matches!(taken, 0 | 1500));
            }
        }
    }
}
