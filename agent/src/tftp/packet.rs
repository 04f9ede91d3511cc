//! TFTP datagrams (RFC 1350 section 5, RFC 2347).

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
/// Error code "terminate transfer due to option negotiation" (RFC 2347).
pub const OPTIONS: u16 = 8;

/// What a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A read request.
    Read(Read<'a>),
    /// A write request.
    Write,
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

/// The options of a request. `None`: not asked for, or with a value that no server could keep.
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

/// Reads a datagram; `None` if it is no TFTP packet.
pub fn parse(datagram: &[u8]) -> Option<Packet<'_>> {
    let (code, rest) = datagram.split_first_chunk::<2>()?;
    match u16::from_be_bytes(*code) {
        1 => read(rest).map(Packet::Read),
        2 => Some(Packet::Write),
        4 => Some(Packet::Ack(u16::from_be_bytes(*rest.first_chunk()?))),
        5 => {
            let (code, text) = rest.split_first_chunk::<2>()?;
            let end = text
                .iter()
                .position(|byte| *byte == 0)
                .unwrap_or(text.len());
            Some(Packet::Error(u16::from_be_bytes(*code), &text[..end]))
        }
        3 | 6 => Some(Packet::Other),
        _ => None,
    }
}

fn read(rest: &[u8]) -> Option<Read<'_>> {
    // The last text may lack its NUL at the end of a full datagram: some ROMs cut there.
    let mut texts = rest.split(|byte| *byte == 0);
    let (name, mode) = (texts.next()?, texts.next()?);
    let mut options = Options::default();
    while let (Some(key), Some(value)) = (texts.next(), texts.next()) {
        let number = std::str::from_utf8(value)
            .ok()
            .and_then(|text| text.parse::<u64>().ok());
        let within = |low: u64, high: u64| number.filter(|number| (low..=high).contains(number));
        if key.eq_ignore_ascii_case(b"blksize") {
            // RFC 2348: an answer may be smaller than what was asked, never larger. What is more
            // than a datagram can hold is therefore taken for the largest; less than 8 cannot be
            // kept and is left out.
            let asked = number
                .filter(|number| *number >= 8)
                .map(|number| number.min(65_464));
            options.block_size = asked.and_then(|number| u16::try_from(number).ok());
        } else if key.eq_ignore_ascii_case(b"tsize") {
            options.size = number.is_some();
        } else if key.eq_ignore_ascii_case(b"timeout") {
            options.timeout = within(1, 255).and_then(|number| u8::try_from(number).ok());
        } else if key.eq_ignore_ascii_case(b"windowsize") {
            options.window = within(1, 65_535).and_then(|number| u16::try_from(number).ok());
        }
    }
    Some(Read {
        name,
        mode,
        options,
    })
}

/// Writes an ERROR.
pub fn error(code: u16, text: &str) -> Vec<u8> {
    let mut packet = vec![0, 5];
    packet.extend(code.to_be_bytes());
    packet.extend(text.bytes().take(400));
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

/// The head of a DATA packet.
pub fn data_head(block: u64) -> [u8; 4] {
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
    fn values_that_nobody_can_keep_are_left_out() {
        for (value, block_size) in [
            ("0", None),
            ("-1", None),
            ("7", None),
            ("9000000", Some(65464)),
            ("x", None),
        ] {
            let bytes = request(
                format!("f\0octet\0BLKSIZE\0{value}\0windowsize\x000\0timeout\x00256\0").as_bytes(),
            );
            let Some(Packet::Read(read)) = parse(&bytes) else {
                panic!("no read")
            };
            assert_eq!(read.options.block_size, block_size, "{value}");
            assert_eq!((read.options.window, read.options.timeout), (None, None));
        }
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
