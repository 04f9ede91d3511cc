//! Listening sockets, bound also to an address that no interface has yet.
//!
//! A firewall's interfaces come up one after the other, VLANs and IPv6 addresses last. A socket that
//! is bound before its address is there works from the moment it is, so nobody has to wait or to try
//! again.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, listen, setsockopt, socket,
    sockopt,
};

use super::rights;

/// A TCP socket that listens and does not block. A boot storm comes at once: with std's queue of
/// 128, the machine that does not fit asks again after a second. This takes the longest queue that
/// the system allows.
///
/// # Errors
/// What socket(2), bind(2) and listen(2) report.
pub fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(family, SockType::Stream, flags, None)?;
    // A server that starts again must not wait for the connections of the one before.
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    if address.is_ipv6() {
        // As on FreeBSD everywhere, so that `0.0.0.0` and `::` stand side by side.
        setsockopt(&socket, sockopt::Ipv6V6Only, &true)?;
    }
    any_address(&socket, address);
    bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    listen(&socket, Backlog::MAXALLOWABLE)?;
    rights::only(&socket, rights::For::Accepting);
    Ok(TcpListener::from(socket))
}

/// Whether a socket can be bound to an address now: it is there, or need not be yet. What else could
/// be wrong shows when one is bound.
pub fn is_possible(address: IpAddr) -> bool {
    let address = SocketAddr::new(address, 0);
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let Ok(socket) = socket(family, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None) else {
        return true;
    };
    any_address(&socket, address);
    let bound = bind(socket.as_raw_fd(), &SockaddrStorage::from(address));
    bound != Err(nix::errno::Errno::EADDRNOTAVAIL)
}

/// Has a socket take any address. Who may not (FreeBSD: only root may) binds to what is there.
pub(super) fn any_address(socket: &OwnedFd, address: SocketAddr) {
    if let Err(error) = allow_any(socket, address) {
        log::debug!("binding to addresses that are not there yet is not possible: {error}");
    }
}

/// ip(7): for IPv6 sockets too.
#[cfg(target_os = "linux")]
fn allow_any(socket: &OwnedFd, _address: SocketAddr) -> nix::Result<()> {
    setsockopt(socket, sockopt::IpFreebind, &true)
}

/// ip(4), ip6(4): `IP_BINDANY`, `IPV6_BINDANY`.
#[cfg(target_os = "freebsd")]
fn allow_any(socket: &OwnedFd, address: SocketAddr) -> nix::Result<()> {
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
    use std::net::UdpSocket;

    use super::*;
    use crate::sys::udp;

    /// IPv6 may be off on a host that builds.
    fn has_family(address: SocketAddr) -> bool {
        address.is_ipv4() || UdpSocket::bind("[::1]:0").is_ok()
    }

    #[test]
    fn an_address_that_is_not_there_yet_can_be_bound_by_who_may() {
        let is_allowed = cfg!(target_os = "linux") || nix::unistd::Uid::effective().is_root();
        // TEST-NET-1 (RFC 5737) and the documentation prefix (RFC 3849): no interface has them.
        for address in ["192.0.2.77:0", "[2001:db8::77]:0"] {
            let address: SocketAddr = address.parse().unwrap();
            if has_family(address) {
                assert_eq!(is_possible(address.ip()), is_allowed);
                assert_eq!(udp::listen(address, 1 << 16).is_ok(), is_allowed);
                assert_eq!(tcp(address).is_ok(), is_allowed);
            }
        }
    }

    #[test]
    fn a_port_that_is_taken_stays_taken() {
        let first = udp::listen("127.0.0.1:0".parse().unwrap(), 1 << 16).unwrap();
        let error = udp::listen(first.local_addr().unwrap(), 1 << 16).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let first = tcp("127.0.0.1:0".parse().unwrap()).unwrap();
        let error = tcp(first.local_addr().unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn both_wildcards_stand_side_by_side() {
        if !has_family("[::]:0".parse().unwrap()) {
            return;
        }
        let four = tcp("0.0.0.0:0".parse().unwrap()).unwrap();
        let port = four.local_addr().unwrap().port();
        tcp(SocketAddr::new("::".parse().unwrap(), port)).unwrap();
    }
}
