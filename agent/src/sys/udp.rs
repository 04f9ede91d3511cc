//! What std's UDP sockets lack: the path's largest datagram, and many datagrams with one call.

use std::io;
use std::net::{SocketAddr, UdpSocket};

/// Bytes of the largest UDP payload that reaches this peer without fragments.
///
/// On Linux the kernel knows it of a connected socket (`IP_MTU`, ip(7)). Elsewhere it is taken for
/// an Ethernet's: 1500 bytes less the heads of IP and UDP.
pub fn payload_without_fragments(local: SocketAddr, peer: SocketAddr) -> u16 {
    let heads = if peer.is_ipv6() { 48 } else { 28 };
    let mtu = path_mtu(local, peer).unwrap_or(1_500);
    u16::try_from(mtu.clamp(576, 65_535)).unwrap_or(u16::MAX) - heads
}

#[cfg(target_os = "linux")]
fn path_mtu(local: SocketAddr, peer: SocketAddr) -> Option<i32> {
    use std::os::fd::AsRawFd;
    let probe = UdpSocket::bind(SocketAddr::new(local.ip(), 0)).ok()?;
    probe.connect(peer).ok()?;
    let (level, name) = if peer.is_ipv6() {
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
            probe.as_raw_fd(),
            level,
            name,
            (&raw mut mtu).cast::<libc::c_void>(),
            &raw mut length,
        )
    };
    (result == 0).then_some(mtu)
}

#[cfg(not(target_os = "linux"))]
fn path_mtu(_local: SocketAddr, _peer: SocketAddr) -> Option<i32> {
    None
}

/// Sends a buffer as datagrams of `segment` bytes each (the last may be shorter). On Linux the
/// kernel cuts it (`UDP_SEGMENT`, udp(7)): one call for a whole window.
///
/// # Errors
/// The first datagram that could not be sent. Those before it are on their way.
pub fn send_segments(
    socket: &UdpSocket,
    buffer: &[u8],
    segment: u16,
    peer: SocketAddr,
) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if buffer.len() > usize::from(segment) && send_cut(socket, buffer, segment, peer).is_ok() {
        return Ok(());
    }
    for datagram in buffer.chunks(usize::from(segment).max(1)) {
        socket.send_to(datagram, peer)?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn send_cut(
    socket: &UdpSocket,
    buffer: &[u8],
    segment: u16,
    peer: SocketAddr,
) -> nix::Result<usize> {
    use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};
    use std::os::fd::AsRawFd;
    sendmsg(
        socket.as_raw_fd(),
        &[io::IoSlice::new(buffer)],
        &[ControlMessage::UdpGsoSegments(&segment)],
        MsgFlags::empty(),
        Some(&SockaddrStorage::from(peer)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_arrive_as_datagrams() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let bytes: Vec<u8> = (0..2500_u32).map(|n| n as u8).collect();
        send_segments(&sender, &bytes, 1000, receiver.local_addr().unwrap()).unwrap();
        let mut got = Vec::new();
        for length in [1000, 1000, 500] {
            let mut buffer = [0; 2000];
            assert_eq!(receiver.recv(&mut buffer).unwrap(), length);
            got.extend_from_slice(&buffer[..length]);
        }
        assert_eq!(got, bytes);
    }

    #[test]
    fn loopback_takes_larger_datagrams_than_ethernet() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let peer = receiver.local_addr().unwrap();
        assert!(payload_without_fragments("127.0.0.1:0".parse().unwrap(), peer) >= 1_472);
    }
}
