//! Sockets that are bound to no address: which of ours a datagram was sent to, and answers that
//! leave from there.
//!
//! Linux tells it with `IP_PKTINFO` (ip(7)), FreeBSD with `IP_RECVDSTADDR` (ip(4)), both with
//! `IPV6_PKTINFO` (RFC 3542).

use std::io;
#[cfg(target_os = "freebsd")]
use std::net::Ipv4Addr;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt,
    sockopt,
};

/// A datagram that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Bytes of it in the buffer.
    pub length: usize,
    /// Who sent it.
    pub peer: SocketAddr,
    /// Which address of ours it was sent to.
    pub to: IpAddr,
}

pub(super) fn tell_destination(socket: &OwnedFd, ipv6: bool) -> io::Result<()> {
    if ipv6 {
        setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        return Ok(());
    }
    #[cfg(target_os = "linux")]
    setsockopt(socket, sockopt::Ipv4PacketInfo, &true)?;
    #[cfg(target_os = "freebsd")]
    setsockopt(socket, sockopt::Ipv4RecvDstAddr, &true)?;
    Ok(())
}

/// Reads one datagram of a socket that was opened with [`super::listen`] at `listening`. One that
/// was sent to a broadcast or multicast address counts as empty: it is not to be answered
/// (RFC 1123 section 4.2.3.6).
///
/// # Errors
/// What recvmsg(2) reports.
pub fn receive(socket: &UdpSocket, listening: IpAddr, buffer: &mut [u8]) -> io::Result<Received> {
    if !listening.is_unspecified() {
        let (length, peer) = socket.recv_from(buffer)?;
        return Ok(Received {
            length,
            peer,
            to: listening,
        });
    }
    let mut control = nix::cmsg_space!(libc::in6_pktinfo);
    let mut parts = [io::IoSliceMut::new(buffer)];
    let message = recvmsg::<SockaddrStorage>(
        socket.as_raw_fd(),
        &mut parts,
        Some(&mut control),
        MsgFlags::empty(),
    )?;
    let peer = message.address.as_ref().and_then(address);
    let to = message.cmsgs()?.find_map(|control| destination(&control));
    match (peer, to) {
        (Some(peer), Some((to, one))) => Ok(Received {
            length: if one { message.bytes } else { 0 },
            peer,
            to,
        }),
        _ => Err(io::Error::other("a datagram without its addresses")),
    }
}

/// The address of ours that a datagram was sent to, and whether it was meant for this host alone.
fn destination(control: &ControlMessageOwned) -> Option<(IpAddr, bool)> {
    match control {
        #[cfg(target_os = "linux")]
        ControlMessageOwned::Ipv4PacketInfo(info) => {
            // `ipi_spec_dst` is ours; `ipi_addr` is what the datagram's head says.
            let ours = ipv4(info.ipi_spec_dst);
            Some((ours, info.ipi_spec_dst.s_addr == info.ipi_addr.s_addr))
        }
        #[cfg(target_os = "freebsd")]
        ControlMessageOwned::Ipv4RecvDstAddr(address) => {
            let to = ipv4(*address);
            Some((to, matches!(to, IpAddr::V4(to) if !is_for_many(to))))
        }
        ControlMessageOwned::Ipv6PacketInfo(info) => {
            let to = Ipv6Addr::from(info.ipi6_addr.s6_addr);
            Some((IpAddr::V6(to), !to.is_multicast()))
        }
        _ => None,
    }
}

/// FreeBSD tells no more than the datagram's head: that a network has an address for all of its hosts is
/// told by the interfaces.
#[cfg(target_os = "freebsd")]
fn is_for_many(to: Ipv4Addr) -> bool {
    if to.is_broadcast() || to.is_multicast() {
        return true;
    }
    // Where they cannot be read it is taken for one of ours, as an answer from another one fails.
    nix::ifaddrs::getifaddrs().is_ok_and(|mut interfaces| {
        interfaces.any(|interface| {
            let all = interface.broadcast;
            all.and_then(|all| all.as_sockaddr_in().map(|all| all.ip())) == Some(to)
        })
    })
}

fn ipv4(address: libc::in_addr) -> IpAddr {
    IpAddr::from(address.s_addr.to_ne_bytes())
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let ipv4 = storage.as_sockaddr_in().copied();
    let ipv6 = storage.as_sockaddr_in6().copied();
    ipv4.map(|ipv4| SocketAddr::V4(SocketAddrV4::from(ipv4)))
        .or_else(|| ipv6.map(|ipv6| SocketAddr::V6(SocketAddrV6::from(ipv6))))
}

/// Sends one datagram from the address `from` of a socket that listens at `listening`.
///
/// # Errors
/// What sendmsg(2) reports.
pub fn send(
    socket: &UdpSocket,
    listening: IpAddr,
    from: IpAddr,
    peer: SocketAddr,
    datagram: &[u8],
) -> io::Result<()> {
    if !listening.is_unspecified() {
        socket.send_to(datagram, peer)?;
        return Ok(());
    }
    let parts = [io::IoSlice::new(datagram)];
    let peer = SockaddrStorage::from(peer);
    let transmit = |control: ControlMessage| {
        sendmsg(
            socket.as_raw_fd(),
            &parts,
            &[control],
            MsgFlags::MSG_DONTWAIT,
            Some(&peer),
        )
    };
    match from {
        IpAddr::V4(from) => {
            let from = libc::in_addr {
                s_addr: u32::from_ne_bytes(from.octets()),
            };
            #[cfg(target_os = "linux")]
            transmit(ControlMessage::Ipv4PacketInfo(&libc::in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: from,
                ipi_addr: libc::in_addr { s_addr: 0 },
            }))?;
            #[cfg(target_os = "freebsd")]
            transmit(ControlMessage::Ipv4SendSrcAddr(&from))?;
        }
        IpAddr::V6(from) => {
            transmit(ControlMessage::Ipv6PacketInfo(&libc::in6_pktinfo {
                ipi6_addr: libc::in6_addr {
                    s6_addr: from.octets(),
                },
                ipi6_ifindex: 0,
            }))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sys::udp::listen;

    fn answers_from(any: &str, asked: &str) {
        let server = listen(any.parse().unwrap(), 10_000).unwrap();
        server.set_nonblocking(false).unwrap();
        let port = server.local_addr().unwrap().port();
        let asked: IpAddr = asked.parse().unwrap();
        let client = UdpSocket::bind(SocketAddr::new(asked, 0)).unwrap();
        let patience = Some(Duration::from_secs(5));
        client.set_read_timeout(patience).unwrap();
        client.send_to(b"hello", (asked, port)).unwrap();
        let mut buffer = [0; 100];
        let listening = server.local_addr().unwrap().ip();
        let received = receive(&server, listening, &mut buffer).unwrap();
        assert_eq!(
            (&buffer[..received.length], received.to),
            (&b"hello"[..], asked)
        );
        send(&server, listening, received.to, received.peer, b"world").unwrap();
        let (length, from) = client.recv_from(&mut buffer).unwrap();
        assert_eq!((length, from), (5, SocketAddr::new(asked, port)));
    }

    #[test]
    fn answers_leave_from_the_address_that_was_asked() {
        answers_from("127.0.0.1:0", "127.0.0.1");
        // Linux has the whole of 127.0.0.0/8; elsewhere it has to be an address of the loopback.
        answers_from("0.0.0.0:0", "127.0.0.9");
        answers_from("[::]:0", "::1");
    }

    #[test]
    fn both_wildcards_can_have_one_port() {
        let ipv4 = listen("0.0.0.0:0".parse().unwrap(), 10_000).unwrap();
        let port = ipv4.local_addr().unwrap().port();
        listen(SocketAddr::new("::".parse().unwrap(), port), 10_000).unwrap();
    }
}
