//! What std's UDP sockets lack: sockets that share a port, the path's largest datagram, many
//! datagrams with one call ([`burst`]), and the address that a datagram was sent to ([`wildcard`]).

pub mod burst;
pub mod wildcard;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, SockaddrStorage, bind, connect, recv, send,
    setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;

use super::bind::any_address;
use super::rights;

/// The option that lets two sockets of this process have one port. What Linux calls `SO_REUSEADDR`
/// the BSDs do for unicast only with `SO_REUSEPORT`, and what Linux calls `SO_REUSEPORT` would
/// spread a peer's datagrams over the sockets.
#[cfg(target_os = "linux")]
const SHARE_PORT: sockopt::ReuseAddr = sockopt::ReuseAddr;
#[cfg(not(target_os = "linux"))]
const SHARE_PORT: sockopt::ReusePort = sockopt::ReusePort;

fn open(address: &SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv6() {
        AddressFamily::Inet6
    } else {
        AddressFamily::Inet
    };
    let opened = socket(family, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    if address.is_ipv6() {
        // `::` and `0.0.0.0` may both be listened on.
        setsockopt(&opened, sockopt::Ipv6V6Only, &true)?;
    }
    Ok(opened)
}

/// Opens a socket that hears requests, also at an address that no interface has yet
/// ([`super::bind`]): it never blocks, holds `bytes` of them while nobody reads,
/// and tells the address that each was sent to if it hears more than one
/// ([`wildcard::receive`]).
///
/// # Errors
/// What socket(2) and bind(2) report.
pub fn listen(address: SocketAddr, bytes: usize) -> io::Result<UdpSocket> {
    let opened = open(&address)?;
    if address.ip().is_unspecified() {
        wildcard::tell_destination(&opened, address.is_ipv6())?;
    }
    // The system may give less; then a client whose request was dropped asks again.
    let _ = setsockopt(&opened, sockopt::RcvBuf, &bytes);
    any_length(&opened);
    any_address(&opened, address);
    bind(opened.as_raw_fd(), &SockaddrStorage::from(address))?;
    let listening = UdpSocket::from(opened);
    listening.set_nonblocking(true)?;
    rights::only(&listening, rights::For::Requests);
    Ok(listening)
}

/// Two sockets on one free port of `local`: the first hears `peer` only, the second everybody else.
///
/// A connected socket costs the kernel about a sixth less for each datagram, and what others send
/// cannot get between. `patience` is how long [`receive`] blocks on the first when told to wait.
///
/// # Errors
/// What socket(2), bind(2) and connect(2) report.
pub fn pair(
    local: SocketAddr,
    peer: SocketAddr,
    patience: Duration,
) -> io::Result<(UdpSocket, UdpSocket)> {
    let (others, own) = (open(&local)?, open(&local)?);
    setsockopt(&others, SHARE_PORT, &true)?;
    setsockopt(&own, SHARE_PORT, &true)?;
    setsockopt(
        &own,
        sockopt::ReceiveTimeout,
        &TimeVal::new(
            patience.as_secs() as libc::time_t,
            patience.subsec_micros() as libc::suseconds_t,
        ),
    )?;
    any_length(&own);
    bind(others.as_raw_fd(), &SockaddrStorage::from(local))?;
    let others = UdpSocket::from(others);
    let shared = others.local_addr()?;
    bind(own.as_raw_fd(), &SockaddrStorage::from(shared))?;
    // From here on no other process may share the port.
    setsockopt(&others, SHARE_PORT, &false)?;
    setsockopt(&own, SHARE_PORT, &false)?;
    connect(own.as_raw_fd(), &SockaddrStorage::from(peer))?;
    let own = UdpSocket::from(own);
    // What came between bind(2) and connect(2) can be anybody's.
    while receive(&own, &mut [0; 1], false).is_ok() {}
    others.set_nonblocking(true)?;
    Ok((own, others))
}

/// Has a socket send the largest datagram that there is. FreeBSD takes none that is longer than the send
/// buffer with its control data, and that is for 9216 bytes at first (udp(4), `net.inet.udp.maxdgram`).
fn any_length(socket: &OwnedFd) {
    if cfg!(target_os = "freebsd") {
        // The system may forbid so much; smaller blocks are sent all the same.
        let _ = setsockopt(socket, sockopt::SndBuf, &(usize::from(u16::MAX) + 1_024));
    }
}

/// Reads one datagram of a connected socket. With `wait` it blocks for the patience that [`pair`]
/// was given.
///
/// # Errors
/// `WouldBlock`: there is none. `ConnectionRefused`: the peer has closed its port.
pub fn receive(socket: &UdpSocket, buffer: &mut [u8], wait: bool) -> io::Result<usize> {
    let flags = if wait {
        MsgFlags::empty()
    } else {
        MsgFlags::MSG_DONTWAIT
    };
    Ok(recv(socket.as_raw_fd(), buffer, flags)?)
}

/// Sends one datagram on a connected socket, never blocking.
///
/// # Errors
/// `WouldBlock`: the queue is full. Else what send(2) reports, also of an earlier datagram.
pub fn transmit(socket: &UdpSocket, datagram: &[u8]) -> io::Result<()> {
    send(socket.as_raw_fd(), datagram, MsgFlags::MSG_DONTWAIT)?;
    Ok(())
}

/// Bytes of the largest UDP payload that reaches the peer of this connected socket without
/// fragments.
///
/// On Linux the kernel knows the path's MTU (`IP_MTU`, ip(7)); on FreeBSD it is that of the interface that
/// has the socket's address. Where it cannot be found out it is taken for an Ethernet's, 1500 bytes.
pub fn payload_without_fragments(connected: &UdpSocket, ipv6: bool) -> u16 {
    let heads = if ipv6 { 48 } else { 28 };
    let mtu = path_mtu(connected, ipv6).unwrap_or(1_500);
    u16::try_from(mtu.clamp(576, 65_535)).unwrap_or(u16::MAX) - heads
}

#[cfg(target_os = "linux")]
fn path_mtu(connected: &UdpSocket, ipv6: bool) -> Option<i32> {
    let (level, name) = if ipv6 {
        (libc::IPPROTO_IPV6, libc::IPV6_MTU)
    } else {
        (libc::IPPROTO_IP, libc::IP_MTU)
    };
    let mut mtu: libc::c_int = 0;
    let mut length = std::mem::size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the descriptor is open for the whole call; `mtu` and `length` are valid for writes,
    // and `length` says how much room `mtu` has.
    let result = unsafe {
        libc::getsockopt(
            connected.as_raw_fd(),
            level,
            name,
            (&raw mut mtu).cast::<libc::c_void>(),
            &raw mut length,
        )
    };
    (result == 0).then_some(mtu)
}

#[cfg(target_os = "freebsd")]
fn path_mtu(connected: &UdpSocket, _ipv6: bool) -> Option<i32> {
    /// `_IOWR('i', 51, struct ifreq)` (sys/sockio.h), which has 32 bytes: the name, and after 16 the MTU.
    const SIOCGIFMTU: libc::c_ulong = 0xc020_6933;
    let local = SockaddrStorage::from(SocketAddr::new(connected.local_addr().ok()?.ip(), 0));
    let interface = nix::ifaddrs::getifaddrs().ok()?.find(|interface| {
        let address = interface.address.as_ref();
        address.is_some_and(|address| same_host(address, &local))
    })?;
    let name = interface.interface_name.as_bytes();
    let mut request = [0_u8; 32];
    // One byte is for the zero at its end.
    request[..15].get_mut(..name.len())?.copy_from_slice(name);
    // SAFETY: the descriptor is open for the whole call; the kernel reads and writes `struct ifreq`, whose
    // 32 bytes `request` has.
    let result = unsafe { libc::ioctl(connected.as_raw_fd(), SIOCGIFMTU, request.as_mut_ptr()) };
    let mtu = i32::from_ne_bytes(request[16..20].try_into().ok()?);
    (result == 0).then_some(mtu)
}

#[cfg(target_os = "freebsd")]
fn same_host(one: &SockaddrStorage, other: &SockaddrStorage) -> bool {
    let ipv4 = |address: &SockaddrStorage| address.as_sockaddr_in().map(|address| address.ip());
    let ipv6 = |address: &SockaddrStorage| address.as_sockaddr_in6().map(|address| address.ip());
    match ipv4(one) {
        Some(ip) => ipv4(other) == Some(ip),
        None => ipv6(one).is_some_and(|ip| ipv6(other) == Some(ip)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(20);

    fn client(address: &str) -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind(address).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    #[test]
    fn of_a_pair_one_hears_its_peer_and_one_all_others() {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let ((peer, peer_address), (foreign, foreign_address)) = (client(any), client(any));
            let (own, others) = pair(any.parse().unwrap(), peer_address, PATIENCE).unwrap();
            let port = own.local_addr().unwrap();
            assert_eq!(port, others.local_addr().unwrap());
            foreign.send_to(b"foreign", port).unwrap();
            peer.send_to(b"peer", port).unwrap();
            let mut buffer = [0; 100];
            assert_eq!(receive(&own, &mut buffer, true).unwrap(), 4);
            assert_eq!(&buffer[..4], b"peer");
            assert_eq!(others.recv_from(&mut buffer).unwrap(), (7, foreign_address));
            let nothing = receive(&own, &mut buffer, false).unwrap_err();
            assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
            transmit(&own, b"answer").unwrap();
            assert_eq!(peer.recv_from(&mut buffer).unwrap(), (6, port));
        }
    }

    #[test]
    fn nobody_else_gets_the_port_of_a_pair() {
        let (_peer, address) = client("127.0.0.1:0");
        let (own, _others) = pair("127.0.0.1:0".parse().unwrap(), address, PATIENCE).unwrap();
        let port = own.local_addr().unwrap();
        let thief = open(&port).unwrap();
        setsockopt(&thief, SHARE_PORT, &true).unwrap();
        assert!(bind(thief.as_raw_fd(), &SockaddrStorage::from(port)).is_err());
    }

    #[test]
    fn a_wait_without_a_datagram_ends() {
        let (_peer, address) = client("127.0.0.1:0");
        let (own, _others) = pair("127.0.0.1:0".parse().unwrap(), address, PATIENCE).unwrap();
        let error = receive(&own, &mut [0; 10], true).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_closed_port_is_told_of() {
        let (peer, address) = client("127.0.0.1:0");
        let (own, _others) = pair("127.0.0.1:0".parse().unwrap(), address, PATIENCE).unwrap();
        drop(peer);
        transmit(&own, b"x").unwrap();
        let error = receive(&own, &mut [0; 10], true).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn the_largest_block_of_tftp_is_sent() {
        // RFC 2348: 65464 bytes, and four before them.
        let datagram = vec![7; 65_468];
        let (peer, address) = client("127.0.0.1:0");
        // FreeBSD's has 42 kB at first.
        setsockopt(&peer, sockopt::RcvBuf, &200_000).unwrap();
        let (own, _others) = pair("127.0.0.1:0".parse().unwrap(), address, PATIENCE).unwrap();
        let mut buffer = vec![0; 65_535];
        transmit(&own, &datagram).unwrap();
        assert_eq!(peer.recv(&mut buffer).unwrap(), datagram.len());
        let any = listen("0.0.0.0:0".parse().unwrap(), 10_000).unwrap();
        let here = "127.0.0.1".parse().unwrap();
        let listening = any.local_addr().unwrap().ip();
        wildcard::send(&any, listening, here, address, &datagram).unwrap();
        assert_eq!(peer.recv(&mut buffer).unwrap(), datagram.len());
    }

    #[test]
    fn loopback_takes_larger_datagrams_than_ethernet() {
        let (_peer, address) = client("127.0.0.1:0");
        let (own, _others) = pair("127.0.0.1:0".parse().unwrap(), address, PATIENCE).unwrap();
        assert!(payload_without_fragments(&own, false) >= 1_472);
    }
}
