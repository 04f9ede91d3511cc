//! Listening sockets, bound also to an address that no interface has yet.
//!
//! A firewall's interfaces come up one after the other, VLANs and IPv6 addresses last. A socket that
//! is bound before its address is there works from the moment it is, so nobody has to wait or to try
//! again.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, listen, setsockopt, socket,
    sockopt,
};

/// A UDP socket that does not block.
///
/// # Errors
/// What socket(2) and bind(2) report.
pub fn udp(address: SocketAddr) -> io::Result<UdpSocket> {
    Ok(UdpSocket::from(open(address, SockType::Datagram)?))
}

/// A TCP socket that listens and does not block. A boot storm comes at once: with std's queue of
/// 128, the machine that does not fit asks again after a second. This takes the longest queue that
/// the system allows.
///
/// # Errors
/// What socket(2), bind(2) and listen(2) report.
pub fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = open(address, SockType::Stream)?;
    listen(&socket, Backlog::MAXALLOWABLE)?;
    Ok(TcpListener::from(socket))
}

fn open(address: SocketAddr, kind: SockType) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(family, kind, flags, None)?;
    if kind == SockType::Stream {
        // A server that starts again must not wait for the connections of the one before.
        setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    }
    if address.is_ipv6() {
        // As on FreeBSD everywhere, so that `0.0.0.0` and `::` stand side by side.
        setsockopt(&socket, sockopt::Ipv6V6Only, &true)?;
    }
    // Who may not (FreeBSD: only root may) binds to what is there.
    let _ = any_address(&socket, address);
    bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    Ok(socket)
}

/// ip(7): for IPv6 sockets too.
#[cfg(target_os = "linux")]
fn any_address(socket: &OwnedFd, _address: SocketAddr) -> nix::Result<()> {
    setsockopt(socket, sockopt::IpFreebind, &true)
}

/// ip(4), ip6(4): `IP_BINDANY`, `IPV6_BINDANY`.
#[cfg(target_os = "freebsd")]
fn any_address(socket: &OwnedFd, address: SocketAddr) -> nix::Result<()> {
    if address.is_ipv4() {
        return setsockopt(socket, sockopt::BindAny, &true);
    }
    let yes: libc::c_int = 1;
    // SAFETY: the descriptor is open for the whole call, and `yes` is as long as the length says.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IPV6,
            libc::IPV6_BINDANY,
            (&raw const yes).cast::<libc::c_void>(),
            std::mem::size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    nix::errno::Errno::result(result).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_not_there_yet_can_be_bound() {
        // TEST-NET-1 (RFC 5737) and the documentation prefix (RFC 3849): no interface has them.
        for address in ["192.0.2.77:0", "[2001:db8::77]:0"] {
            let address = address.parse().unwrap();
            if address_family_is_there(address) {
                udp(address).unwrap();
                tcp(address).unwrap();
            }
        }
    }

    #[test]
    fn a_port_that_is_taken_stays_taken() {
        let first = udp("127.0.0.1:0".parse().unwrap()).unwrap();
        let error = udp(first.local_addr().unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let first = tcp("127.0.0.1:0".parse().unwrap()).unwrap();
        let error = tcp(first.local_addr().unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn both_wildcards_stand_side_by_side() {
        if !address_family_is_there("[::]:0".parse().unwrap()) {
            return;
        }
        let four = tcp("0.0.0.0:0".parse().unwrap()).unwrap();
        let port = four.local_addr().unwrap().port();
        tcp(SocketAddr::new("::".parse().unwrap(), port)).unwrap();
    }

    fn address_family_is_there(address: SocketAddr) -> bool {
        address.is_ipv4() || UdpSocket::bind("[::1]:0").is_ok()
    }
}
