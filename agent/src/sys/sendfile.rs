//! A file's bytes to a TCP socket without reading them into memory, and how much of what was sent
//! the other side has not acknowledged yet.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Sends `head`, then up to `count` bytes of `file` from `offset`, in as few segments as possible.
/// `socket` must not block.
///
/// Returns the bytes taken, those of `head` first. Less than asked for means that the socket is full
/// or that the file ends; calling again tells which. `Ok(0)` only ever means that `head` is empty
/// and that the file ends at or before `offset`.
///
/// # Errors
/// `WouldBlock` if the socket takes nothing now; whatever `send(2)` and `sendfile(2)` report else.
#[cfg(target_os = "linux")]
pub fn send_file(
    socket: BorrowedFd<'_>,
    head: &[u8],
    file: BorrowedFd<'_>,
    offset: u64,
    count: usize,
) -> io::Result<usize> {
    use nix::sys::sendfile::sendfile64;
    use nix::sys::socket::{MsgFlags, send};

    let mut sent = 0;
    if !head.is_empty() {
        // MSG_MORE: the head waits for the file's first bytes instead of leaving in a segment alone.
        let flags = MsgFlags::from_bits_retain(libc::MSG_MORE) | MsgFlags::MSG_NOSIGNAL;
        sent = send(socket.as_raw_fd(), head, flags)?;
        if sent < head.len() {
            return Ok(sent);
        }
    }
    let mut position = i64::try_from(offset).map_err(io::Error::other)?;
    match sendfile64(socket, file, Some(&mut position), count) {
        Ok(bytes) => Ok(sent + bytes),
        Err(_) if sent > 0 => Ok(sent),
        Err(error) => Err(error.into()),
    }
}

/// As on Linux; FreeBSD's sendfile(2) takes the head along.
#[cfg(target_os = "freebsd")]
pub fn send_file(
    socket: BorrowedFd<'_>,
    head: &[u8],
    file: BorrowedFd<'_>,
    offset: u64,
    count: usize,
) -> io::Result<usize> {
    use nix::sys::sendfile::{SfFlags, sendfile};

    if count == 0 {
        // To FreeBSD 0 means the whole file.
        return Ok(nix::unistd::write(socket, head)?);
    }
    let position = i64::try_from(offset).map_err(io::Error::other)?;
    let heads = [head];
    let heads = (!head.is_empty()).then_some(&heads[..]);
    let (result, sent) = sendfile(
        file,
        socket,
        position,
        Some(count),
        heads,
        None,
        SfFlags::empty(),
        0,
    );
    match (result, usize::try_from(sent).unwrap_or(0)) {
        (Err(error), 0) => Err(error.into()),
        // vn_sendfile (sys/kern/kern_sendfile.c) sends the head with the file's first bytes, and without
        // it where the file has none.
        (Ok(()), 0) if !head.is_empty() => Ok(nix::unistd::write(socket, head)?),
        (_, sent) => Ok(sent),
    }
}

/// Bytes that were written to a TCP socket and that the other side has not acknowledged; after
/// `shutdown(2)` of the sending side this may be one more (Linux counts the FIN).
///
/// # Errors
/// What `ioctl(2)` reports.
#[cfg(target_os = "linux")]
pub fn unacknowledged(socket: BorrowedFd<'_>) -> io::Result<u64> {
    number(socket, libc::TIOCOUTQ)
}

/// As on Linux. FIONWRITE leaves out what sendfile(2) still reads from the disk (`sb_acc` in
/// sys/socketvar.h); what is missing of the room in the buffer has that too.
#[cfg(target_os = "freebsd")]
pub fn unacknowledged(socket: BorrowedFd<'_>) -> io::Result<u64> {
    use nix::sys::socket::{getsockopt, sockopt::SndBuf};

    let ready = number(socket, libc::FIONWRITE)?;
    // In this order, since the buffer may grow in between.
    let room = number(socket, libc::FIONSPACE)?;
    let all = u64::try_from(getsockopt(&socket, SndBuf)?).unwrap_or(u64::MAX);
    Ok(ready.max(all.saturating_sub(room)))
}

#[cfg(target_os = "linux")]
type Request = libc::Ioctl;
#[cfg(target_os = "freebsd")]
type Request = libc::c_ulong;

fn number(socket: BorrowedFd<'_>, request: Request) -> io::Result<u64> {
    let mut bytes: libc::c_int = 0;
    // SAFETY:
    // - the descriptor is borrowed, so it is open for the whole call;
    // - TIOCOUTQ (Linux, as SIOCOUTQ), FIONWRITE and FIONSPACE (FreeBSD) write exactly one `int` through
    //   the pointer, which points at one that lives until after the call;
    // - on a descriptor that is no socket the call fails and writes nothing that is used.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), request, &raw mut bytes) };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(u64::try_from(bytes).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::os::fd::AsFd;

    use super::*;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let server = listener.accept().unwrap().0;
        server.set_nonblocking(true).unwrap();
        (server, client)
    }

    fn file(bytes: &[u8]) -> std::fs::File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn the_head_and_the_asked_bytes_arrive_in_order() {
        let (server, mut client) = pair();
        let file = file(b"0123456789");
        let sent = send_file(server.as_fd(), b"head:", file.as_fd(), 3, 4).unwrap();
        assert_eq!(sent, 9);
        drop(server);
        let mut got = String::new();
        client.read_to_string(&mut got).unwrap();
        assert_eq!(got, "head:3456");
    }

    #[test]
    fn a_file_that_ends_too_early_gives_zero_and_never_padding() {
        let (server, _client) = pair();
        let file = file(b"abc");
        assert_eq!(
            send_file(server.as_fd(), b"", file.as_fd(), 1, 100).unwrap(),
            2
        );
        assert_eq!(
            send_file(server.as_fd(), b"", file.as_fd(), 3, 98).unwrap(),
            0
        );
        assert_eq!(
            send_file(server.as_fd(), b"h", file.as_fd(), 9, 98).unwrap(),
            1
        );
    }

    #[test]
    fn a_full_socket_would_block_and_its_bytes_are_unacknowledged_until_they_are_read() {
        let (server, mut client) = pair();
        let file = file(&vec![7; 1 << 20]);
        let mut sent = 0;
        let error = loop {
            match send_file(server.as_fd(), b"", file.as_fd(), 0, 1 << 20) {
                Ok(bytes) => sent += bytes,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        // The client's side takes some, and acknowledges it.
        let queued = unacknowledged(server.as_fd()).unwrap();
        assert!(queued > 0 && queued <= sent as u64);
        client.read_exact(&mut vec![0; sent]).unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while unacknowledged(server.as_fd()).unwrap() > 0 {
            assert!(
                std::time::Instant::now() < deadline,
                "the last bytes are acknowledged"
            );
            std::thread::yield_now();
        }
    }
}
