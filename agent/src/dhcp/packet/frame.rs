//! From an Ethernet frame to the UDP datagram in it. Checksums are not looked at: a frame that this
//! host sends has none yet when it is heard, the network card puts it in.

use std::net::Ipv4Addr;

/// IPv4 in an Ethernet frame (RFC 894).
const IPV4: u16 = 0x0800;
/// VLAN tags: IEEE 802.1Q, and 802.1ad around it.
const VLAN: [u16; 2] = [0x8100, 0x88a8];
/// UDP in an IPv4 packet (RFC 768).
const UDP: u8 = 17;

/// A UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Who sent it.
    pub source: Ipv4Addr,
    /// From which port.
    pub source_port: u16,
    /// To which port.
    pub destination_port: u16,
    /// What is in it.
    pub payload: &'a [u8],
}

/// The datagram of a frame, with at most two VLAN tags; `None`: it has none, or not all of one.
pub fn datagram(frame: &[u8]) -> Option<Datagram<'_>> {
    let (_, mut rest) = frame.split_at_checked(12)?;
    let mut tags = 0;
    loop {
        let (kind, inner) = split_u16(rest)?;
        if kind == IPV4 {
            rest = inner;
            break;
        }
        if !VLAN.contains(&kind) || tags == 2 {
            return None;
        }
        tags += 1;
        rest = inner.get(2..)?;
    }
    ipv4(rest)
}

fn ipv4(packet: &[u8]) -> Option<Datagram<'_>> {
    let first = *packet.first()?;
    let header = usize::from(first & 0xf) * 4;
    let total = usize::from(u16_at(packet, 2)?);
    if first >> 4 != 4 || header < 20 || total < header || *packet.get(9)? != UDP {
        return None;
    }
    // "More fragments", or a fragment's offset: a part of a datagram is no datagram.
    if u16_at(packet, 6)? & 0x3fff != 0 {
        return None;
    }
    let source: [u8; 4] = packet.get(12..16)?.try_into().ok()?;
    // A short frame is padded to 60 bytes, so the lengths in it count and not its own.
    let udp = packet.get(header..total)?;
    let length = usize::from(u16_at(udp, 4)?);
    Some(Datagram {
        source: Ipv4Addr::from(source),
        source_port: u16_at(udp, 0)?,
        destination_port: u16_at(udp, 2)?,
        payload: udp.get(8..length)?,
    })
}

fn u16_at(bytes: &[u8], place: usize) -> Option<u16> {
    let two = bytes.get(place..place + 2)?;
    Some(u16::from_be_bytes(two.try_into().ok()?))
}

fn split_u16(bytes: &[u8]) -> Option<(u16, &[u8])> {
    Some((u16_at(bytes, 0)?, bytes.get(2..)?))
}
