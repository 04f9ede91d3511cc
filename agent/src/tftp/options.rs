//! Options of a read request: what was asked, what is agreed (RFC 2347 to 2349, RFC 7440).

use std::time::Duration;

use crate::limits;
use crate::tftp::packet;

/// Bytes of a block without options (RFC 1350).
const BLOCK: u16 = 512;
/// Smallest and largest block that can be asked for (RFC 2348).
const BLOCKS: (u64, u64) = (8, 65_464);

/// The options that a client asked for, with values that a server can keep. `None`: not asked for,
/// or with a value that nobody could keep; then the option is left out of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// RFC 2348: 8 to 65464 bytes.
    pub block_size: Option<u16>,
    /// RFC 2349: the client wants to know the size.
    pub size: bool,
    /// RFC 2349: 1 to 255 seconds.
    pub timeout: Option<u8>,
    /// RFC 7440: 1 to 65535 blocks.
    pub window: Option<u16>,
}

impl Options {
    /// Reads names and values in turn. Of an option that comes twice the first counts (RFC 2347
    /// forbids it); one whose value is missing is left out.
    pub fn read<'a>(mut texts: impl Iterator<Item = &'a [u8]>) -> Options {
        let mut options = Options::default();
        while let (Some(key), Some(value)) = (texts.next(), texts.next()) {
            let Some(number) = number(value) else {
                continue;
            };
            let is = |name: &str| key.eq_ignore_ascii_case(name.as_bytes());
            if is("blksize") {
                // An answer may be smaller than what was asked, so what is more than a datagram can
                // hold stands for the largest (some ROMs ask so); less than 8 cannot be kept.
                let (smallest, largest) = BLOCKS;
                let asked = (number >= smallest).then_some(number.min(largest));
                keep(&mut options.block_size, asked);
            } else if is("tsize") {
                options.size = true;
            } else if is("timeout") {
                // The answer must be the same number.
                let asked = (1..=255).contains(&number).then_some(number);
                keep(&mut options.timeout, asked);
            } else if is("windowsize") {
                let asked = (number >= 1).then_some(number.min(u64::from(u16::MAX)));
                keep(&mut options.window, asked);
            }
        }
        options
    }
}

/// A decimal number; one that is too large for `u64` stands for the largest.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    Some(text.parse().unwrap_or(u64::MAX))
}

fn keep<T: TryFrom<u64>>(option: &mut Option<T>, asked: Option<u64>) {
    let asked = asked.and_then(|number| T::try_from(number).ok());
    *option = option.take().or(asked);
}

/// What the server keeps a transfer to.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Largest block in bytes: what fits the path, or what the configuration says.
    pub block_size: u16,
    /// Largest window in blocks.
    pub window: u16,
    /// First wait for an answer, unless the client asks for another one.
    pub timeout: Duration,
}

/// What is in force for one transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Bytes of a block.
    pub block_size: u16,
    /// Blocks that are sent before an acknowledgement is waited for.
    pub window: u16,
    /// First wait for an answer.
    pub wait: Duration,
    /// The client asked for the size.
    pub size_asked: bool,
    /// The option acknowledgement; `None`: nothing was asked that can be kept, so data comes at
    /// once (RFC 2347).
    pub answer: Option<Vec<u8>>,
}

impl Terms {
    /// Agrees on what was asked, as far as the bounds go, for a file of `size` bytes.
    pub fn agree(asked: &Options, bounds: &Bounds, size: u64) -> Terms {
        let block_size = asked
            .block_size
            .map_or(BLOCK, |asked| asked.min(bounds.block_size));
        // A window of large blocks is made shorter, so that what is under way stays bounded.
        let flight = (limits::TFTP_FLIGHT_BYTES / u32::from(block_size)).max(1);
        let flight = u16::try_from(flight).unwrap_or(u16::MAX);
        let window = asked.window.unwrap_or(1).min(bounds.window).min(flight);
        let mut answer = Vec::new();
        if asked.block_size.is_some() {
            answer.push(("blksize", u64::from(block_size)));
        }
        if asked.size {
            answer.push(("tsize", size));
        }
        if let Some(seconds) = asked.timeout {
            answer.push(("timeout", u64::from(seconds)));
        }
        if asked.window.is_some() {
            answer.push(("windowsize", u64::from(window)));
        }
        let wait = asked.timeout.map_or(bounds.timeout, |seconds| {
            Duration::from_secs(u64::from(seconds))
        });
        Terms {
            block_size,
            window,
            wait,
            size_asked: asked.size,
            answer: (!answer.is_empty()).then(|| packet::option_ack(&answer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        block_size: 1468,
        window: 16,
        timeout: Duration::from_secs(1),
    };

    /// Reads `key value key value`.
    fn read(words: &str) -> Options {
        Options::read(words.split(' ').map(str::as_bytes))
    }

    fn agreed(words: &str) -> Terms {
        Terms::agree(&read(words), &BOUNDS, 3_000)
    }

    fn answer(words: &str) -> String {
        let answer = agreed(words).answer.unwrap_or_default();
        String::from_utf8_lossy(answer.get(2..).unwrap_or_default()).replace('\0', " ")
    }

    #[test]
    fn options_are_answered_only_when_asked() {
        assert_eq!(agreed("").answer, None);
        assert_eq!(agreed("multicast 1").answer, None);
        assert_eq!(answer("tsize 0"), "tsize 3000 ");
        assert_eq!(answer("tsize 0 blksize 1432"), "blksize 1432 tsize 3000 ");
        assert_eq!(answer("windowsize 4 utimeout 9"), "windowsize 4 ");
        let all = "BLKSIZE 1024 tSize 0 timeout 5 windowsize 4";
        let wanted = "blksize 1024 tsize 3000 timeout 5 windowsize 4 ";
        assert_eq!(answer(all), wanted);
    }

    #[test]
    fn values_that_nobody_can_keep_are_left_out() {
        for value in ["0", "-1", "7", "", "x", "1e3", "+512", "0x200"] {
            let asked = read(&format!("blksize {value}"));
            assert_eq!(asked, Options::default(), "{value}");
        }
        for words in [
            "timeout 0",
            "timeout 256",
            "timeout -1",
            "windowsize 0",
            "windowsize -1",
            "tsize -1",
            "tsize",
        ] {
            assert_eq!(read(words), Options::default(), "{words}");
        }
    }

    #[test]
    fn values_that_are_too_large_are_answered_with_what_fits() {
        for value in [
            "1468",
            "1469",
            "65464",
            "65465",
            "9000000",
            "99999999999999999999",
        ] {
            assert_eq!(
                answer(&format!("blksize {value}")),
                "blksize 1468 ",
                "{value}"
            );
        }
        for value in ["16", "17", "65535", "9000000"] {
            assert_eq!(
                answer(&format!("windowsize {value}")),
                "windowsize 16 ",
                "{value}"
            );
        }
    }

    #[test]
    fn of_an_option_that_comes_twice_the_first_counts() {
        assert_eq!(answer("blksize 600 blksize 700"), "blksize 600 ");
    }

    #[test]
    fn what_is_under_way_stays_bounded() {
        let bounds = Bounds {
            block_size: 65_464,
            window: 64,
            ..BOUNDS
        };
        for block_size in [8, 512, 1468, 8192, 65_464] {
            let asked = read(&format!("blksize {block_size} windowsize 64"));
            let terms = Terms::agree(&asked, &bounds, 0);
            let flight = u32::from(terms.block_size) * u32::from(terms.window);
            assert!(
                flight <= limits::TFTP_FLIGHT_BYTES,
                "{block_size}: {flight}"
            );
        }
    }

    #[test]
    fn the_client_says_how_long_to_wait() {
        assert_eq!(agreed("").wait, Duration::from_secs(1));
        assert_eq!(agreed("timeout 5").wait, Duration::from_secs(5));
    }
}
