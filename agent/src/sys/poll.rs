//! Waiting for many sockets at once: epoll(7) on Linux, kqueue(2) on FreeBSD. Level-triggered: what
//! is not read is reported again, so nothing gets stuck.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

/// How many sockets one wait reports at most; the others come with the next.
const BATCH: usize = 64;

/// A set of sockets that are waited for.
pub struct Poller {
    #[cfg(target_os = "linux")]
    queue: nix::sys::epoll::Epoll,
    #[cfg(target_os = "freebsd")]
    queue: nix::sys::event::Kqueue,
}

#[cfg(target_os = "linux")]
impl Poller {
    /// An empty set.
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub fn new() -> io::Result<Poller> {
        use nix::sys::epoll::{Epoll, EpollCreateFlags};
        Ok(Poller {
            queue: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
        })
    }

    /// Reports `token` whenever the socket can be read. Closing the socket ends that.
    ///
    /// # Errors
    /// What epoll_ctl(2) reports.
    pub fn add(&self, socket: impl AsFd, token: u64) -> io::Result<()> {
        self.watch(socket, token, nix::sys::epoll::EpollFlags::EPOLLIN)
    }

    /// As [`add`](Self::add), for a socket that several sets wait for: where the system can, only
    /// one of those that wait is woken.
    ///
    /// # Errors
    /// What epoll_ctl(2) reports.
    pub fn add_shared(&self, socket: impl AsFd, token: u64) -> io::Result<()> {
        use nix::sys::epoll::EpollFlags;
        self.watch(
            socket,
            token,
            EpollFlags::EPOLLIN | EpollFlags::EPOLLEXCLUSIVE,
        )
    }

    fn watch(
        &self,
        socket: impl AsFd,
        token: u64,
        flags: nix::sys::epoll::EpollFlags,
    ) -> io::Result<()> {
        use nix::sys::epoll::EpollEvent;
        Ok(self.queue.add(socket, EpollEvent::new(flags, token))?)
    }

    /// Forgets a socket that stays open.
    ///
    /// # Errors
    /// What epoll_ctl(2) reports.
    pub fn remove(&self, socket: impl AsFd) -> io::Result<()> {
        Ok(self.queue.delete(socket)?)
    }

    /// Waits until a socket can be read, or for so long, and puts the tokens into `ready`.
    ///
    /// # Errors
    /// What epoll_wait(2) reports, but not an interruption.
    pub fn wait(&self, timeout: Option<Duration>, ready: &mut Vec<u64>) -> io::Result<()> {
        use nix::sys::epoll::{EpollEvent, EpollTimeout};
        // Rounded up: a wait that ends too early would only be repeated.
        let milliseconds =
            timeout.map(|timeout| timeout.as_micros().div_ceil(1_000).min(60_000) as u16);
        let timeout = milliseconds.map_or(EpollTimeout::NONE, EpollTimeout::from);
        let mut events = [EpollEvent::empty(); BATCH];
        ready.clear();
        match self.queue.wait(&mut events, timeout) {
            Ok(count) => ready.extend(events[..count].iter().map(EpollEvent::data)),
            Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

#[cfg(target_os = "freebsd")]
impl Poller {
    /// An empty set.
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub fn new() -> io::Result<Poller> {
        Ok(Poller {
            queue: nix::sys::event::Kqueue::new()?,
        })
    }

    /// Reports `token` whenever the socket can be read. Closing the socket ends that.
    ///
    /// # Errors
    /// What kevent(2) reports.
    pub fn add(&self, socket: impl AsFd, token: u64) -> io::Result<()> {
        self.change(socket, nix::sys::event::EvFlags::EV_ADD, token)
    }

    fn change(
        &self,
        socket: impl AsFd,
        flags: nix::sys::event::EvFlags,
        token: u64,
    ) -> io::Result<()> {
        use nix::sys::event::{EventFilter, FilterFlag, KEvent};
        use std::os::fd::AsRawFd;
        let event = KEvent::new(
            socket.as_fd().as_raw_fd() as usize,
            EventFilter::EVFILT_READ,
            flags,
            FilterFlag::empty(),
            0,
            token as isize,
        );
        self.queue.kevent(&[event], &mut [], None)?;
        Ok(())
    }

    /// As [`add`](Self::add), for a socket that several sets wait for. kqueue wakes them all; those
    /// that come late find nothing to read.
    ///
    /// # Errors
    /// What kevent(2) reports.
    pub fn add_shared(&self, socket: impl AsFd, token: u64) -> io::Result<()> {
        self.add(socket, token)
    }

    /// Forgets a socket that stays open.
    ///
    /// # Errors
    /// What kevent(2) reports.
    pub fn remove(&self, socket: impl AsFd) -> io::Result<()> {
        self.change(socket, nix::sys::event::EvFlags::EV_DELETE, 0)
    }

    /// Waits until a socket can be read, or for so long, and puts the tokens into `ready`.
    ///
    /// # Errors
    /// What kevent(2) reports, but not an interruption.
    pub fn wait(&self, timeout: Option<Duration>, ready: &mut Vec<u64>) -> io::Result<()> {
        use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent};
        let none = KEvent::new(
            0,
            EventFilter::EVFILT_READ,
            EvFlags::empty(),
            FilterFlag::empty(),
            0,
            0,
        );
        let mut events = [none; BATCH];
        let timeout = timeout.map(|timeout| libc::timespec {
            tv_sec: timeout.as_secs() as libc::time_t,
            tv_nsec: timeout.subsec_nanos() as libc::c_long,
        });
        ready.clear();
        match self.queue.kevent(&[], &mut events, timeout) {
            Ok(count) => ready.extend(events[..count].iter().map(|event| event.udata() as u64)),
            Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
