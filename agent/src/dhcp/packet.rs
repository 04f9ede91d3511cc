//! A DHCP message out of a frame that was heard (RFC 2131, 2132, 4578): what of it matters to a boot,
//! and nothing else. What relays put in (option 82) and all that is not named here is left alone. No
//! byte of it is to be trusted: texts are bounded and escaped, and what is not whole is no message.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

use crate::event::{Dhcp, DhcpMessage};
use crate::limits;
use crate::mac::Mac;
use crate::uuid::Uuid;

mod frame;
mod options;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;

use options::Options;

/// DHCP servers and clients (RFC 2131 section 4.1), and boot servers of PXE ("proxy DHCP").
const PORTS: [u16; 3] = [67, 68, 4011];
/// What stands before the options (RFC 2131 section 3).
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Bytes of a BOOTP message before the cookie (RFC 951).
const FIXED: usize = 236;

/// A DHCP message that was heard.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// What it says.
    pub dhcp: Dhcp,
    /// The client boots from the network, by its own words or by those of the server that answers it
    /// as such.
    pub boots: bool,
    /// The client has an address and renews it: nothing happened.
    pub renews: bool,
}

/// Reads a frame. `None`: it is no DHCP message, or not all of one.
pub fn read(frame: &[u8]) -> Option<Heard> {
    let datagram = frame::datagram(frame)?;
    let ports = [datagram.source_port, datagram.destination_port];
    if !ports.iter().any(|port| PORTS.contains(port)) {
        return None;
    }
    message(datagram.payload, datagram.source)
}

/// The fields of BOOTP, each at its place (RFC 2131 section 2).
fn message(bytes: &[u8], source: Ipv4Addr) -> Option<Heard> {
    let (fixed, rest) = bytes.split_at_checked(FIXED)?;
    let options = rest.strip_prefix(&COOKIE)?;
    let [operation, hardware, length, ..] = *fixed else {
        return None;
    };
    // Ethernet, whose addresses have six bytes.
    if (hardware, length) != (1, 6) {
        return None;
    }
    let four = |place: usize| -> Option<[u8; 4]> { fixed.get(place..place + 4)?.try_into().ok() };
    let address = |place: usize| Some(Ipv4Addr::from(four(place)?));
    let mac = Mac::new(fixed.get(28..34)?.try_into().ok()?).ok()?;
    let (sname, file) = (fixed.get(44..108)?, fixed.get(108..FIXED)?);
    let options = Options::read(options, file, sname)?;
    let message = kind(options.first(53)?)?;
    let is_answer = match operation {
        1 => false,
        2 => true,
        _ => return None,
    };
    if is_answer != is_of_server(message) {
        return None;
    }
    let client_address = address(12)?;
    let mut dhcp = Dhcp {
        message,
        mac,
        xid: u32::from_be_bytes(four(4)?),
        architectures: architectures(&options),
        vendor_class: options.get(60).map_or_else(String::new, class_text),
        is_ipxe: !is_answer && is_ipxe(&options),
        uuid: uuid(&options),
        server: None,
        address: None,
        next_server: None,
        file: None,
        has_options_66_67: false,
    };
    if is_answer {
        let file = (!options.file_is_taken).then_some(file);
        answer(&mut dhcp, &options, source, address(20)?, file);
        dhcp.address = set(address(16)?).map(IpAddr::V4);
    } else {
        let asked = options.four(50).map(Ipv4Addr::from).and_then(set);
        dhcp.address = asked.or(set(client_address)).map(IpAddr::V4);
    }
    let is_class = |class: &str| dhcp.vendor_class.starts_with(class);
    let boots = dhcp.is_ipxe
        || !dhcp.architectures.is_empty()
        || is_class("PXEClient")
        || is_class("HTTPClient");
    Some(Heard {
        dhcp,
        boots,
        renews: set(client_address).is_some(),
    })
}

/// What only a server says.
fn answer(
    dhcp: &mut Dhcp,
    options: &Options,
    source: Ipv4Addr,
    next: Ipv4Addr,
    file: Option<&[u8]>,
) {
    let server = options.four(54).map(Ipv4Addr::from).and_then(set);
    dhcp.server = Some(IpAddr::V4(server.unwrap_or(source)));
    let field = |next: Ipv4Addr| set(next).map(|next| next.to_string());
    let (next, next_option) = (field(next), options.get(66).and_then(name_text));
    let (file, file_option) = (
        file.and_then(name_text),
        options.get(67).and_then(name_text),
    );
    let differs = |field: &Option<String>, option: &Option<String>| {
        field.is_some() && option.is_some() && field != option
    };
    dhcp.has_options_66_67 = differs(&next, &next_option) || differs(&file, &file_option);
    dhcp.next_server = next.or(next_option);
    dhcp.file = file.or(file_option);
}

fn kind(number: u8) -> Option<DhcpMessage> {
    Some(match number {
        1 => DhcpMessage::Discover,
        2 => DhcpMessage::Offer,
        3 => DhcpMessage::Request,
        4 => DhcpMessage::Decline,
        5 => DhcpMessage::Ack,
        6 => DhcpMessage::Nak,
        7 => DhcpMessage::Release,
        8 => DhcpMessage::Inform,
        _ => return None,
    })
}

fn is_of_server(message: DhcpMessage) -> bool {
    matches!(
        message,
        DhcpMessage::Offer | DhcpMessage::Ack | DhcpMessage::Nak
    )
}

fn set(address: Ipv4Addr) -> Option<Ipv4Addr> {
    (!address.is_unspecified()).then_some(address)
}

/// Option 93 (RFC 4578 section 2.1): one number of two bytes, or several.
fn architectures(options: &Options) -> Vec<u16> {
    let (pairs, _) = options.get(93).unwrap_or_default().as_chunks();
    let numbers = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
    numbers.take(limits::DHCP_ARCHITECTURES).collect()
}

/// iPXE's user class has no length byte, other than RFC 3004 wants; both forms are taken. Option 175
/// holds what iPXE can do.
fn is_ipxe(options: &Options) -> bool {
    const IPXE: &[u8] = b"iPXE";
    let class = options.get(77).unwrap_or_default();
    class == IPXE || classes(class).any(|class| class == IPXE) || options.get(175).is_some()
}

/// The user classes of RFC 3004: each behind its length.
fn classes(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first()?;
        let (class, rest) = rest.split_at_checked(usize::from(*length))?;
        bytes = rest;
        Some(class)
    })
}

/// Option 97 (RFC 4578 section 2.3): a byte 0, then SMBIOS's UUID as it lies in memory, where its first
/// three fields are little-endian (SMBIOS 2.6 section 3.3.2.1). UEFI and iPXE send it so.
fn uuid(options: &Options) -> Option<Uuid> {
    let [0, uuid @ ..] = options.get(97)? else {
        return None;
    };
    let uuid = Uuid::new(uuid.try_into().ok()?).swapped();
    (!uuid.is_worthless()).then_some(uuid)
}

fn class_text(bytes: &[u8]) -> String {
    text(bytes, limits::FACT_BYTES)
}

/// A name; `None`: it is empty.
fn name_text(bytes: &[u8]) -> Option<String> {
    Some(text(bytes, limits::NAME_BYTES)).filter(|text| !text.is_empty())
}

/// What stands before the first NUL, in at most `most` characters of printable ASCII.
fn text(bytes: &[u8], most: usize) -> String {
    let mut text = String::new();
    for byte in bytes.iter().take_while(|byte| **byte != 0) {
        let before = text.len();
        match byte {
            b' '..=b'~' => text.push(char::from(*byte)),
            // Writing into a string cannot fail.
            _ => drop(write!(text, "\\x{byte:02x}")),
        }
        if text.len() > most {
            text.truncate(before);
            break;
        }
    }
    text
}
