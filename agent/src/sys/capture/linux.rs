//! packet(7).

use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, recv, setsockopt, socket, sockopt,
};

use super::filter::{self, Op};
use crate::limits;

/// An interface that is listened on.
#[derive(Debug)]
pub struct Capture {
    socket: OwnedFd,
    interface: String,
    buffer: Vec<u8>,
}

impl Capture {
    /// Whether who waits for frames is told when the interface goes away.
    pub const TELLS_OF_LOSS: bool = true;

    /// Listens on an interface from now on. Nothing but DHCP arrives, from the first frame on: the
    /// socket belongs to no protocol until its filter is in force.
    ///
    /// # Errors
    /// `PermissionDenied` without `CAP_NET_RAW`; `NotFound`: there is no such interface;
    /// `Unsupported`: it has no Ethernet frames; what the system calls report else.
    pub fn open(interface: &str) -> io::Result<Capture> {
        let index = nix::net::if_::if_nametoindex(interface)
            .map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None)?;
        let most = u32::try_from(limits::DHCP_FRAME_BYTES).unwrap_or(u32::MAX);
        attach(&socket, &filter::dhcp(most))?;
        // From here on not even this process can take the filter off.
        set(&socket, libc::SO_LOCK_FILTER, &1_i32)?;
        setsockopt(&socket, sockopt::RcvBuf, &limits::DHCP_QUEUE_BYTES)?;
        bind(&socket, index)?;
        if hardware(&socket)? != libc::ARPHRD_ETHER {
            return Err(io::Error::from(io::ErrorKind::Unsupported));
        }
        Ok(Capture {
            socket,
            interface: interface.to_owned(),
            buffer: vec![0; limits::DHCP_FRAME_BYTES],
        })
    }

    /// The interface's name.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// Hands over the frames that are there and returns how many; 0: none is. A system call for each.
    ///
    /// # Errors
    /// What recv(2) reports: `ENETDOWN` once when the interface goes down, or away for good.
    pub fn read(&mut self, mut take: impl FnMut(&[u8])) -> io::Result<usize> {
        match recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::empty()) {
            Ok(length) => {
                take(&self.buffer[..length.min(self.buffer.len())]);
                Ok(1)
            }
            Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EINTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Listens again after the interface went away and came back under its name, which takes no
    /// privilege. `false`: it is not there.
    pub fn again(&self) -> bool {
        let index = nix::net::if_::if_nametoindex(self.interface.as_str());
        index.is_ok_and(|index| bind(&self.socket, index).is_ok())
    }

    /// Whether [`Capture::again`] ever says yes.
    pub fn comes_back(&self) -> bool {
        true
    }
}

impl AsFd for Capture {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn attach(socket: &OwnedFd, program: &[Op]) -> io::Result<()> {
    let mut program: Vec<libc::sock_filter> = program
        .iter()
        .map(|op| libc::sock_filter {
            code: op.code,
            jt: op.then,
            jf: op.otherwise,
            k: op.number,
        })
        .collect();
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog {
        len: length,
        filter: program.as_mut_ptr(),
    };
    // The kernel copies the instructions, which live until here.
    set(socket, libc::SO_ATTACH_FILTER, &program)
}

/// Sets an option of `SOL_SOCKET` whose value is a plain C value.
fn set<T>(socket: &OwnedFd, option: libc::c_int, value: &T) -> io::Result<()> {
    // SAFETY: the descriptor is open for the whole call, and `value` is as long as the length says;
    // the kernel only reads it and, for a filter, the instructions that it points to, which the caller
    // keeps.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    nix::errno::Errno::result(result)?;
    Ok(())
}

/// Every protocol, since only such a socket hears what this host sends.
fn bind(socket: &OwnedFd, index: libc::c_uint) -> io::Result<()> {
    let mut address = empty();
    address.sll_protocol = u16::try_from(libc::ETH_P_ALL)
        .map_err(io::Error::other)?
        .to_be();
    address.sll_ifindex = index.try_into().map_err(io::Error::other)?;
    // SAFETY: the descriptor is open for the whole call, and `address` is a whole `sockaddr_ll`, as
    // the length says.
    let result = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            std::ptr::from_ref(&address).cast(),
            size_of::<libc::sockaddr_ll>() as libc::socklen_t,
        )
    };
    nix::errno::Errno::result(result)?;
    Ok(())
}

/// What kind of interface a socket is bound to: `ARPHRD_...`.
fn hardware(socket: &OwnedFd) -> io::Result<u16> {
    let mut address = empty();
    let mut length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the descriptor is open for the whole call; the kernel writes at most `length` bytes, as
    // many as `address` has.
    let result = unsafe {
        libc::getsockname(
            socket.as_raw_fd(),
            std::ptr::from_mut(&mut address).cast(),
            &mut length,
        )
    };
    nix::errno::Errno::result(result)?;
    Ok(address.sll_hatype)
}

fn empty() -> libc::sockaddr_ll {
    libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: 0,
        sll_ifindex: 0,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_is_not_there_or_has_no_ethernet_is_told() {
        let error = Capture::open("no-such-interface").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        // Loopback is there everywhere; only root gets as far as its kind.
        let error = Capture::open("lo").unwrap_err();
        let kinds = [io::ErrorKind::PermissionDenied, io::ErrorKind::Unsupported];
        assert!(kinds.contains(&error.kind()), "{error}");
    }
}
