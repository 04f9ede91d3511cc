//! Wake-on-LAN: a packet with the card's address sixteen times, which the card knows although the
//! machine is off (AMD, "Magic Packet Technology", publication 20213).

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use nix::net::if_::InterfaceFlags;

use crate::limits;
use crate::mac::Mac;

/// The port that most tools send to ("discard"); cards look at the payload alone.
const PORT: u16 = 9;

/// Six bytes of ones, then the address sixteen times.
pub fn packet(mac: Mac) -> [u8; 102] {
    let mut packet = [0xff; 102];
    for (place, byte) in packet[6..].iter_mut().enumerate() {
        *byte = mac.bytes()[place % 6];
    }
    packet
}

/// A network to send into: an address of ours there, and its broadcast address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Ours.
    pub address: Ipv4Addr,
    /// Everybody's.
    pub broadcast: Ipv4Addr,
}

/// The networks of this host in which it has one of these addresses; a wildcard is every address.
pub fn networks(addresses: &[IpAddr]) -> Vec<Network> {
    let Ok(interfaces) = nix::ifaddrs::getifaddrs() else {
        return Vec::new();
    };
    let everywhere = addresses.iter().any(IpAddr::is_unspecified);
    interfaces
        .filter_map(|interface| {
            let address = interface.address?.as_sockaddr_in()?.ip();
            let netmask = interface
                .netmask
                .and_then(|mask| Some(mask.as_sockaddr_in()?.ip()));
            let can_broadcast = interface.flags.contains(InterfaceFlags::IFF_BROADCAST);
            let broadcast = interface
                .broadcast
                .and_then(|all| Some(all.as_sockaddr_in()?.ip()));
            // Linux has none where `ip addr add` was not told one; glibc shows our own address then.
            let broadcast = broadcast.filter(|all| *all != address);
            let of_mask = || everybody(address, netmask.filter(|_| can_broadcast)?);
            let broadcast = broadcast.or_else(of_mask)?;
            let is_one = everywhere || addresses.contains(&IpAddr::V4(address));
            is_one.then_some(Network { address, broadcast })
        })
        .collect()
}

/// The broadcast address of a network (RFC 919 section 7); networks of one or two addresses have
/// none (RFC 3021).
fn everybody(address: Ipv4Addr, netmask: Ipv4Addr) -> Option<Ipv4Addr> {
    let hosts = !netmask.to_bits();
    (hosts > 1).then(|| Ipv4Addr::from_bits(address.to_bits() | hosts))
}

/// Why nothing could be sent.
#[derive(Debug)]
pub enum Error {
    /// The machine has no card that is known.
    NoCard,
    /// This host has no network with a broadcast address.
    NoNetwork,
    /// Sending failed everywhere; the last error.
    Send(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NoCard => f.write_str("no card of the machine is known; declare its mac"),
            Error::NoNetwork => {
                f.write_str("none of server.addresses is on a network with a broadcast address")
            }
            Error::Send(error) => write!(
                f,
                "sending the packet: {error}; see that a filter lets UDP port {PORT} out"
            ),
        }
    }
}

impl std::error::Error for Error {}

/// Wakes a machine by every card, in every network, a few times: the packet is not acknowledged.
/// Returns how many packets left.
///
/// # Errors
/// [`Error`]; no packet left.
pub fn wake(macs: &[Mac], networks: &[Network]) -> Result<usize, Error> {
    if macs.is_empty() {
        return Err(Error::NoCard);
    }
    if networks.is_empty() {
        return Err(Error::NoNetwork);
    }
    let (mut sent, mut last) = (0, None);
    for network in networks {
        for mac in macs {
            match send(*mac, *network, PORT) {
                Ok(()) => sent += limits::WAKE_PACKETS,
                Err(error) => last = Some(error),
            }
        }
    }
    match (sent, last) {
        (0, Some(error)) => Err(Error::Send(error)),
        (sent, _) => Ok(sent),
    }
}

fn send(mac: Mac, network: Network, port: u16) -> io::Result<()> {
    // Bound to our address there, so that it leaves by that interface whatever the routes say.
    let socket = UdpSocket::bind((network.address, 0))?;
    socket.set_broadcast(true)?;
    let to = SocketAddr::from((network.broadcast, port));
    for _ in 0..limits::WAKE_PACKETS {
        socket.send_to(&packet(mac), to)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_packet_is_ones_and_the_address_sixteen_times() {
        let packet = packet("5c:f3:fc:01:02:03".parse().unwrap());
        assert_eq!(packet[..6], [0xff; 6]);
        let copies: Vec<_> = packet[6..].chunks(6).collect();
        assert_eq!(copies, [[0x5c, 0xf3, 0xfc, 1, 2, 3]; 16]);
    }

    #[test]
    fn everybody_of_a_network_is_its_last_address() {
        let of = |address: &str, netmask: &str| {
            everybody(address.parse().unwrap(), netmask.parse().unwrap())
        };
        let all = |text: &str| Some(text.parse::<Ipv4Addr>().unwrap());
        assert_eq!(of("192.168.1.1", "255.255.255.0"), all("192.168.1.255"));
        assert_eq!(of("10.1.2.3", "255.255.240.0"), all("10.1.15.255"));
        assert_eq!(of("10.0.0.1", "255.255.255.254"), None);
        assert_eq!(of("10.0.0.1", "255.255.255.255"), None);
    }

    #[test]
    fn what_is_sent_arrives() {
        let heard = UdpSocket::bind("127.0.0.1:0").unwrap();
        heard
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let loopback = Network {
            address: Ipv4Addr::LOCALHOST,
            broadcast: Ipv4Addr::LOCALHOST,
        };
        let mac = "52:54:00:00:00:01".parse().unwrap();
        send(mac, loopback, heard.local_addr().unwrap().port()).unwrap();
        let mut buffer = [0; 200];
        let length = heard.recv(&mut buffer).unwrap();
        assert_eq!(buffer[..length], packet(mac));
    }

    #[test]
    fn nobody_to_wake_and_nowhere_to_send_are_told() {
        let mac = "52:54:00:00:00:01".parse().unwrap();
        assert!(matches!(wake(&[], &[]), Err(Error::NoCard)));
        assert!(matches!(wake(&[mac], &[]), Err(Error::NoNetwork)));
        let nowhere = Network {
            address: Ipv4Addr::new(192, 0, 2, 1),
            broadcast: Ipv4Addr::new(192, 0, 2, 255),
        };
        assert!(matches!(wake(&[mac], &[nowhere]), Err(Error::Send(_))));
    }
}
