//! What can still be done with a descriptor that stays open for as long as Hearth runs (FreeBSD:
//! rights(4), which hold without capability mode too). On Linux a descriptor has no rights of its own.

use std::os::fd::AsFd;

/// What a descriptor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// A TCP socket that listens. What is accepted has its rights, so these are also a connection's:
    /// it cannot be bound, connected or made to listen anew.
    Accepting,
    /// A UDP socket that requests come to and that answers any address.
    Requests,
    /// A packet listener: it is read, and controlled as far as `only_controls` leaves it.
    Hearing,
}

/// Takes every other right off a descriptor, for good. `false`: it has all of them, as where the
/// kernel knows of none.
#[cfg(target_os = "freebsd")]
pub fn only(descriptor: impl AsFd, what: For) -> bool {
    use std::os::fd::AsRawFd;

    // sys/capsicum.h: the rights of the second word begin with its number.
    let socket = libc::CAP_READ
        | libc::CAP_WRITE
        | libc::CAP_SHUTDOWN
        | libc::CAP_GETPEERNAME
        | libc::CAP_GETSOCKNAME
        | libc::CAP_GETSOCKOPT
        | libc::CAP_SETSOCKOPT
        | libc::CAP_FCNTL
        | libc::CAP_FSTAT;
    let (first, second) = match what {
        For::Accepting => (socket | libc::CAP_ACCEPT, libc::CAP_EVENT | libc::CAP_IOCTL),
        // sendto(2) with an address takes the right to connect.
        For::Requests => (
            socket | libc::CAP_CONNECT,
            libc::CAP_EVENT | libc::CAP_IOCTL,
        ),
        For::Hearing => (
            libc::CAP_READ | libc::CAP_FSTAT,
            libc::CAP_EVENT | libc::CAP_IOCTL,
        ),
    };
    let mut rights = std::mem::MaybeUninit::<libc::cap_rights_t>::uninit();
    // SAFETY: __cap_rights_init fills all of `rights`, whose type is the C library's own for this
    // version, from 64-bit words up to the 0 at their end; cap_rights_limit only reads it, and the
    // descriptor is open for the whole call.
    let result = unsafe {
        libc::__cap_rights_init(VERSION, rights.as_mut_ptr(), first, second, 0_u64);
        libc::cap_rights_limit(descriptor.as_fd().as_raw_fd(), rights.as_ptr())
    };
    is_done(result)
}

/// Leaves these requests of ioctl(2) to a descriptor, and no others, for good. `false`: it has all of
/// them.
#[cfg(target_os = "freebsd")]
pub fn only_controls(descriptor: impl AsFd, requests: &[libc::c_ulong]) -> bool {
    use std::os::fd::AsRawFd;

    let number = descriptor.as_fd().as_raw_fd();
    // SAFETY: the descriptor is open for the whole call, which reads as many numbers as there are.
    is_done(unsafe { libc::cap_ioctls_limit(number, requests.as_ptr(), requests.len()) })
}

#[cfg(target_os = "freebsd")]
fn is_done(result: libc::c_int) -> bool {
    nix::errno::Errno::result(result)
        .inspect_err(|error| log::debug!("limiting the rights of a descriptor: {error}"))
        .is_ok()
}

/// `CAP_RIGHTS_VERSION`.
#[cfg(target_os = "freebsd")]
const VERSION: libc::c_int = 0;

/// Here a descriptor keeps all it has.
#[cfg(not(target_os = "freebsd"))]
pub fn only(_descriptor: impl AsFd, _what: For) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read, Write};
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use super::*;

    #[test]
    fn what_a_descriptor_is_for_still_works() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        only(&listener, For::Accepting);
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut served, _) = listener.accept().unwrap();
        served.set_nodelay(true).unwrap();
        served.set_nonblocking(true).unwrap();
        served.set_nonblocking(false).unwrap();
        client.write_all(b"ask").unwrap();
        let mut asked = [0; 3];
        served.read_exact(&mut asked).unwrap();
        served.write_all(b"answer").unwrap();
        served.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!((&asked, answer.as_str()), (b"ask", "answer"));

        let requests = UdpSocket::bind("127.0.0.1:0").unwrap();
        only(&requests, For::Requests);
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client
            .send_to(b"ask", requests.local_addr().unwrap())
            .unwrap();
        let (length, peer) = requests.recv_from(&mut [0; 8]).unwrap();
        requests.send_to(b"answer", peer).unwrap();
        assert_eq!((length, client.recv(&mut [0; 8]).unwrap()), (3, 6));
        requests.set_nonblocking(true).unwrap();
        let nothing = requests.recv_from(&mut [0; 8]).unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
    }

    #[cfg(target_os = "freebsd")]
    #[test]
    fn what_it_is_not_for_is_refused() {
        use std::os::fd::AsRawFd;

        use nix::errno::Errno;
        use nix::sys::socket::{Backlog, SockaddrStorage, connect, listen};

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        only(&listener, For::Accepting);
        let refused = Err(Errno::ENOTCAPABLE);
        assert_eq!(listen(&listener, Backlog::MAXCONN), refused);
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (served, _) = listener.accept().unwrap();
        let elsewhere = SockaddrStorage::from(listener.local_addr().unwrap());
        assert_eq!(connect(served.as_raw_fd(), &elsewhere), refused);
        let file = tempfile::tempfile().unwrap();
        only(&file, For::Hearing);
        let error = (&file).write_all(b"x").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTCAPABLE));
    }

    #[cfg(target_os = "freebsd")]
    #[test]
    fn a_descriptor_is_controlled_by_what_was_left_to_it_alone() {
        use std::os::fd::AsRawFd;

        use nix::errno::Errno;

        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let asks = |request: libc::c_ulong| {
            let mut answer: libc::c_int = 0;
            // SAFETY: the descriptor is open; both requests write one int, which `answer` has room for.
            let result = unsafe { libc::ioctl(socket.as_raw_fd(), request, &raw mut answer) };
            Errno::result(result).map(drop)
        };
        assert_eq!(
            (asks(libc::FIONREAD), asks(libc::FIONWRITE)),
            (Ok(()), Ok(()))
        );
        assert!(only_controls(&socket, &[libc::FIONREAD]));
        assert_eq!(asks(libc::FIONREAD), Ok(()));
        assert_eq!(asks(libc::FIONWRITE), Err(Errno::ENOTCAPABLE));
    }
}
