//! TFTP datagrams (RFC 1350 section 5, RFC 2347).

use crate::limits;
use crate::tftp::options::Options;

/// Bytes of an error's text; more than any screen of a ROM shows.
const ERROR_TEXT: usize = 400;

/// Error code "not defined, see error message" (RFC 1350 section 5).
pub const UNDEFINED: u16 = 0;
/// Error code "file not found".
pub const NOT_FOUND: u16 = 1;
/// Error code "access violation".
pub const ACCESS: u16 = 2;
/// Error code "illegal TFTP operation".
pub const ILLEGAL: u16 = 4;
/// Error code "unknown transfer ID".
pub const UNKNOWN_ID: u16 = 5;

/// What a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A read request.
    Read(Read<'a>),
    /// A read request that lacks its parts.
    Malformed,
    /// A write request for this name.
    Write(&'a [u8]),
    /// An acknowledgement of this block.
    Ack(u16),
    /// An error: code and text.
    Error(u16, &'a [u8]),
    /// Data or an option acknowledgement: a server has no use for them.
    Other,
}

/// A read request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read<'a> {
    /// The name as it came.
    pub name: &'a [u8],
    /// The mode as it came.
    pub mode: &'a [u8],
    /// The options that Hearth knows, with values it can keep.
    pub options: Options,
}

/// Reads a datagram; `None` if it is no TFTP packet.
pub fn parse(datagram: &[u8]) -> Option<Packet<'_>> {
    let (code, rest) = datagram.split_first_chunk::<2>()?;
    match u16::from_be_bytes(*code) {
        1 if datagram.len() > limits::TFTP_REQUEST_BYTES => Some(Packet::Malformed),
        1 => Some(read(rest).map_or(Packet::Malformed, Packet::Read)),
        2 => Some(Packet::Write(text(rest))),
        4 => Some(Packet::Ack(u16::from_be_bytes(*rest.first_chunk()?))),
        5 => {
            let (code, rest) = rest.split_first_chunk::<2>()?;
            Some(Packet::Error(u16::from_be_bytes(*code), text(rest)))
        }
        3 | 6 => Some(Packet::Other),
        _ => None,
    }
}

/// What stands before the first NUL.
fn text(rest: &[u8]) -> &[u8] {
    rest.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn read(rest: &[u8]) -> Option<Read<'_>> {
    // The last text may lack its NUL at the end of a full datagram: some ROMs cut there.
    let mut texts = rest.split(|byte| *byte == 0);
    Some(Read {
        name: texts.next()?,
        mode: texts.next()?,
        options: Options::read(texts),
    })
}

/// Writes an ERROR.
pub fn error(code: u16, text: &str) -> Vec<u8> {
    let mut packet = vec![0, 5];
    packet.extend(code.to_be_bytes());
    packet.extend(text.bytes().take(ERROR_TEXT));
    packet.push(0);
    packet
}

/// Writes an OACK with these options, each only if it was asked for.
pub fn option_ack(options: &[(&str, u64)]) -> Vec<u8> {
    let mut packet = vec![0, 6];
    for (key, value) in options {
        packet.extend(key.bytes());
        packet.push(0);
        packet.extend(value.to_string().bytes());
        packet.push(0);
    }
    packet
}

/// Bytes of [`data_head`].
pub const HEAD: u16 = 4;

/// The head of a DATA packet. After block 65535 the number goes on with 0: RFC 1350 is silent, every
/// client in use expects it.
pub fn data_head(block: u64) -> [u8; HEAD as usize] {
    let [high, low] = (block as u16).to_be_bytes();
    [0, 3, high, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &[u8]) -> Vec<u8> {
        [&[0, 1], text].concat()
    }

    #[test]
    fn a_request_of_ipxe_is_read() {
        let bytes = request(b"/default.ipxe\0octet\0blksize\x001432\0tsize\x000\0multicast\0\0");
        let Some(Packet::Read(read)) = parse(&bytes) else {
            panic!("no read")
        };
        assert_eq!(
            (read.name, read.mode),
            (&b"/default.ipxe"[..], &b"octet"[..])
        );
        let wanted = Options {
            block_size: Some(1432),
            size: true,
            timeout: None,
            window: None,
        };
        assert_eq!(read.options, wanted);
    }

    #[test]
    fn a_request_without_a_mode_is_malformed() {
        assert_eq!(parse(b"\0\x01"), Some(Packet::Malformed));
        assert_eq!(parse(&request(b"name")), Some(Packet::Malformed));
        assert_eq!(parse(&request(&[b'a'; 1022])), Some(Packet::Malformed));
        let long = request(format!("{}\0octet\0", "a".repeat(1016)).as_bytes());
        assert_eq!((long.len(), parse(&long)), (1025, Some(Packet::Malformed)));
    }

    #[test]
    fn an_upload_is_known_by_its_name() {
        assert_eq!(parse(b"\0\x02new\0octet\0"), Some(Packet::Write(b"new")));
        assert_eq!(parse(b"\0\x02"), Some(Packet::Write(b"")));
    }

    #[test]
    fn packets_that_are_cut_short_are_none() {
        for bytes in [
            &b""[..],
            b"\0",
            b"\0\x04",
            b"\0\x04\0",
            b"\0\x05\0",
            b"\0\0",
            b"\0\x07",
        ] {
            assert_eq!(parse(bytes), None, "{bytes:?}");
        }
        assert_eq!(parse(b"\0\x04\x01\x02rest"), Some(Packet::Ack(0x102)));
        assert_eq!(parse(b"\0\x05\0\x08"), Some(Packet::Error(8, b"")));
        assert_eq!(parse(b"\0\x05\0\0no\0more"), Some(Packet::Error(0, b"no")));
    }

    #[test]
    fn the_number_of_a_block_rolls_over_to_zero() {
        assert_eq!(data_head(65_535), [0, 3, 0xFF, 0xFF]);
        assert_eq!(data_head(65_536), [0, 3, 0, 0]);
        assert_eq!(data_head(65_537), [0, 3, 0, 1]);
    }

    #[test]
    fn an_error_is_code_and_bounded_text() {
        assert_eq!(error(NOT_FOUND, "none"), b"\0\x05\0\x01none\0");
        assert!(error(UNDEFINED, &"x".repeat(9_000)).len() < 512);
    }

    #[test]
    fn a_request_that_fills_its_datagram_is_read() {
        let mut bytes = request(&[b'a'; 1015]);
        bytes.extend(b"\0octet\0");
        assert_eq!(bytes.len(), 1024);
        assert!(matches!(parse(&bytes), Some(Packet::Read(_))));
        assert!(matches!(parse(&bytes[..1023]), Some(Packet::Read(_))));
    }

    proptest::proptest! {
        #[test]
        fn no_datagram_crashes_the_parser(bytes: Vec<u8>) {
            let _ = parse(&bytes);
            let _ = parse(&request(&bytes));
        }
    }
}
