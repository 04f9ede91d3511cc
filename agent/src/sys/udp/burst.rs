//! A window of datagrams with as few system calls as the system allows.

use std::io;
use std::net::UdpSocket;

use super::transmit;

/// Datagrams that one call may hold (`UDP_MAX_SEGMENTS` of Linux before 6.9).
#[cfg(target_os = "linux")]
const SEGMENTS: usize = 64;

/// Bytes that one call may hold: what fits an IPv4 datagram's length field.
#[cfg(target_os = "linux")]
const BYTES: usize = 65_507;

/// How a connected socket's windows go out.
///
/// On Linux the kernel cuts them (`UDP_SEGMENT`, udp(7)). FreeBSD has no such call, and its
/// sendmmsg(3) is a loop in libc, so there each datagram is a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Burst {
    /// The kernel cuts them.
    #[cfg(target_os = "linux")]
    Cut,
    /// A call for each datagram.
    Single,
}

impl Burst {
    /// Prepares a socket for windows whose datagrams have `stride` bytes.
    pub fn prepare(socket: &UdpSocket, stride: u16) -> Burst {
        #[cfg(target_os = "linux")]
        {
            use nix::sys::socket::{setsockopt, sockopt::UdpGsoSegment};
            if setsockopt(socket, UdpGsoSegment, &i32::from(stride)).is_ok() {
                return Burst::Cut;
            }
        }
        let _ = (socket, stride);
        Burst::Single
    }

    /// Sends a buffer as datagrams of `stride` bytes each (the last may be shorter). Falls back for
    /// good if the path cannot have them cut: datagrams larger than its MTU, or no checksums in the
    /// network card.
    ///
    /// # Errors
    /// The first datagram that could not be sent. Those before it are on their way.
    pub fn send(&mut self, socket: &UdpSocket, buffer: &[u8], stride: u16) -> io::Result<()> {
        let stride = usize::from(stride.max(1));
        #[cfg(target_os = "linux")]
        if *self == Burst::Cut {
            let mut rest = buffer;
            while !rest.is_empty() {
                let count = (BYTES / stride).clamp(1, SEGMENTS);
                let (head, tail) = rest.split_at(rest.len().min(count * stride));
                match transmit(socket, head) {
                    Ok(()) => rest = tail,
                    Err(error) if cannot_cut(&error) => {
                        self.give_up(socket);
                        return single(socket, rest, stride);
                    }
                    Err(error) => return Err(error),
                }
            }
            return Ok(());
        }
        single(socket, buffer, stride)
    }

    #[cfg(target_os = "linux")]
    fn give_up(&mut self, socket: &UdpSocket) {
        use nix::sys::socket::{setsockopt, sockopt::UdpGsoSegment};
        let _ = setsockopt(socket, UdpGsoSegment, &0);
        *self = Burst::Single;
    }
}

#[cfg(target_os = "linux")]
fn cannot_cut(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EINVAL | libc::EIO | libc::EMSGSIZE)
    )
}

fn single(socket: &UdpSocket, buffer: &[u8], stride: usize) -> io::Result<()> {
    for datagram in buffer.chunks(stride) {
        transmit(socket, datagram)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sockets() -> (UdpSocket, UdpSocket) {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let patience = Some(Duration::from_secs(5));
        receiver.set_read_timeout(patience).unwrap();
        // A whole window is sent before one is read; FreeBSD's has 42 kB at first.
        nix::sys::socket::setsockopt(&receiver, nix::sys::socket::sockopt::RcvBuf, &200_000)
            .unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        (sender, receiver)
    }

    /// Sends 70 datagrams of 1000 bytes and half a one: more than one call can hold.
    fn window_arrives_whole(mut burst: Burst, sender: &UdpSocket, receiver: &UdpSocket) {
        let bytes: Vec<u8> = (0..70_500_u32).map(|n| (n / 7) as u8).collect();
        burst.send(sender, &bytes, 1_000).unwrap();
        let mut buffer = [0; 2_000];
        for datagram in bytes.chunks(1_000) {
            let length = receiver.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], datagram);
        }
    }

    #[test]
    fn a_window_arrives_as_single_datagrams() {
        let (sender, receiver) = sockets();
        window_arrives_whole(Burst::prepare(&sender, 1_000), &sender, &receiver);
    }

    #[test]
    fn a_window_arrives_as_well_where_nothing_is_cut() {
        let (sender, receiver) = sockets();
        window_arrives_whole(Burst::Single, &sender, &receiver);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_cannot_be_cut_goes_one_by_one() {
        let (sender, receiver) = sockets();
        // The kernel refuses to cut into pieces that are larger than what it was told.
        let mut burst = Burst::prepare(&sender, 30_000);
        assert_eq!(burst, Burst::Cut);
        nix::sys::socket::setsockopt(&sender, nix::sys::socket::sockopt::UdpGsoSegment, &7)
            .unwrap();
        burst.send(&sender, &[1; 60_000], 30_000).unwrap();
        assert_eq!(burst, Burst::Single);
        assert_eq!(receiver.recv(&mut [0; 65_000]).unwrap(), 30_000);
        assert_eq!(receiver.recv(&mut [0; 65_000]).unwrap(), 30_000);
    }
}
