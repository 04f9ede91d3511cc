//! The socket of one connection, as hyper sees it.
//!
//! Here places become a file's bytes (see [`super::body`]), every time-out of a connection is kept,
//! and a transfer ends when the client has acknowledged its last byte.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use hyper::rt::ReadBufCursor;
use nix::errno::Errno;
use nix::sys::socket::{Shutdown, shutdown};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::body::{Link, Source, is_place};
use super::clock::{Clock, Due};
use super::shared::Shared;
use super::transfer::Transfer;
use crate::event::Outcome;
use crate::limits::HTTP_UNCONFIRMED;
use crate::sys::sendfile::{send_file, unacknowledged};

/// Sent to a client whose head did not come in time (RFC 9110 section 15.5.9).
const TOO_SLOW: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nContent-Type: text/plain\r\n\
    Content-Length: 35\r\nConnection: close\r\n\r\nthe request did not arrive in time\n";

/// A TCP connection of the boot side.
pub struct Wire {
    stream: Arc<TcpStream>,
    link: Arc<Link>,
    shared: Arc<Shared>,
    clock: Clock,
    /// Bytes that the kernel has taken.
    written: u64,
    /// Transfers whose last byte the kernel has, with the value of `written` then.
    settling: VecDeque<(u64, Transfer)>,
    /// The client will send nothing more.
    ended: bool,
    /// This side will send nothing more.
    closed: bool,
    /// Why the connection failed, for the events of what it carried.
    reason: Option<String>,
}

impl Wire {
    /// Takes over a connection that was just accepted.
    pub fn new(stream: TcpStream, link: Arc<Link>, shared: Arc<Shared>) -> Wire {
        let stream = Arc::new(stream);
        link.goes_over(&stream);
        Wire {
            stream,
            link,
            shared,
            clock: Clock::new(),
            written: 0,
            settling: VecDeque::new(),
            ended: false,
            closed: false,
            reason: None,
        }
    }

    /// Bytes that the client has acknowledged.
    fn acknowledged(&self) -> u64 {
        // After a shutdown Linux counts the FIN as one byte more.
        let pending = unacknowledged(self.stream.as_fd()).unwrap_or(0);
        self.written
            - pending
                .saturating_sub(u64::from(self.closed))
                .min(self.written)
    }

    /// Ends the transfers of which the client has every byte.
    fn settle(&mut self, acknowledged: u64) {
        while let Some((_, transfer)) = self
            .settling
            .pop_front_if(|(mark, _)| *mark <= acknowledged)
        {
            transfer.end(Outcome::Done);
        }
    }

    /// Ends the transfers that the client has but for the last bytes, of which it says nothing.
    fn give_up_settling(&mut self, acknowledged: u64) {
        let moved = self.clock.moved();
        while let Some((mark, mut transfer)) = self
            .settling
            .pop_front_if(|(mark, _)| *mark - acknowledged < HTTP_UNCONFIRMED.0)
        {
            transfer.bytes = transfer.bytes.saturating_sub(mark - acknowledged);
            transfer.end_at(Outcome::Sent, moved);
        }
    }

    /// To be called before this side waits: acts on what is due, and sees to it that the task is
    /// woken when the next thing is.
    fn tick(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let limits = self.shared.limits();
        loop {
            let busy = self.note_requests();
            let settling = !self.settling.is_empty();
            let Poll::Ready(due) = self.clock.poll(cx, &limits, settling, busy) else {
                return Ok(());
            };
            match due {
                Due::Look => {
                    let acknowledged = self.acknowledged();
                    self.settle(acknowledged);
                    self.clock.seen(acknowledged);
                    if self.clock.moved().elapsed() >= HTTP_UNCONFIRMED.1 {
                        self.give_up_settling(acknowledged);
                    }
                }
                Due::Stalled => {
                    let time = limits.stall_timeout.as_secs_f32();
                    // With a reset: else the kernel keeps megabytes for a client that takes none, and
                    // asks it for many minutes whether it wants them now.
                    let _ = self.stream.set_zero_linger();
                    return Err(self.failed(format!("the client took no byte for {time} s")));
                }
                Due::Slow { begun } => {
                    if begun {
                        // The answer is a courtesy; a client that is gone misses nothing.
                        let _ = self.stream.try_write(TOO_SLOW);
                    }
                    return Err(self.failed("the request did not arrive in time".into()));
                }
                Due::Idle => {
                    if self.acknowledged() < self.written {
                        let _ = self.stream.set_zero_linger();
                    }
                    return Err(self.failed("the connection was not used any more".into()));
                }
                Due::Lingered => {
                    return Err(self.failed("the client did not close".into()));
                }
            }
        }
    }

    /// Tells the clock of requests that have arrived whole; whether one is being answered.
    fn note_requests(&mut self) -> bool {
        let state = self.link.lock();
        self.clock.requests(state.requests);
        state.open > 0
    }

    fn failed(&mut self, reason: String) -> io::Error {
        let error = io::Error::new(io::ErrorKind::TimedOut, reason.clone());
        self.reason = Some(reason);
        error
    }

    /// Sends `head`, then as many bytes of the first segment as its place has room for.
    fn send_place(&mut self, head: &[u8], place: &[u8]) -> io::Result<usize> {
        let mut state = self.link.lock();
        let Some(segment) = state.segments.front_mut() else {
            return Err(io::Error::other("a place has no file"));
        };
        let room = place.len() as u64;
        let count = place
            .len()
            .min(usize::try_from(segment.remaining).unwrap_or(place.len()));
        let sent = match &segment.source {
            Source::File(file, modified) => {
                // Asked for before the last bytes leave: a client must not take for whole what
                // was half of one file and half of another.
                if segment.remaining <= room
                    && file
                        .metadata()?
                        .modified()
                        .is_ok_and(|now| now != *modified)
                {
                    return Err(io::Error::other("the file was changed while it was sent"));
                }
                let socket = &self.stream;
                let sent = socket.try_io(Interest::WRITABLE, || {
                    send_file(socket.as_fd(), head, file.as_fd(), segment.offset, count)
                })?;
                if sent == 0 {
                    return Err(io::Error::other(
                        "the file became shorter while it was sent",
                    ));
                }
                sent
            }
            Source::Memory(bytes) => {
                let start = usize::try_from(segment.offset).unwrap_or(usize::MAX);
                let Some(bytes) = bytes.get(start..start.saturating_add(count)) else {
                    return Err(io::Error::other("a place is longer than its bytes"));
                };
                let slices = [IoSlice::new(head), IoSlice::new(bytes)];
                self.stream.try_write_vectored(&slices)?
            }
        };
        let payload = sent.saturating_sub(head.len()) as u64;
        segment.offset += payload;
        segment.remaining -= payload;
        segment.transfer.took(payload);
        self.shared
            .stats
            .bytes
            .fetch_add(payload, Ordering::Relaxed);
        if segment.remaining == 0
            && let Some(segment) = state.segments.pop_front()
        {
            let mark = self.written + sent as u64;
            self.settling.push_back((mark, segment.transfer));
            self.clock.settle();
        }
        Ok(sent)
    }

    /// Sends from the front of what hyper has queued, in one system call or two.
    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let sent = match slices {
            [place, ..] if is_place(place) => self.send_place(&[], place)?,
            [head, place, ..] if is_place(place) => self.send_place(head, place)?,
            slices => {
                let plain = slices.iter().take_while(|slice| !is_place(slice)).count();
                self.stream.try_write_vectored(&slices[..plain])?
            }
        };
        self.written += sent as u64;
        Ok(sent)
    }
}

impl hyper::rt::Read for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        // A request's head is a few hundred bytes: copying it costs nothing, and spares `unsafe`.
        let mut bytes = [0; 4096];
        let room = buf.remaining().min(bytes.len());
        loop {
            if wire.stream.poll_read_ready(cx)?.is_pending() {
                wire.tick(cx)?;
                return Poll::Pending;
            }
            match wire.stream.try_read(&mut bytes[..room]) {
                Ok(0) => {
                    wire.ended = true;
                    return Poll::Ready(Ok(()));
                }
                Ok(length) => {
                    if !wire.note_requests() {
                        wire.clock.read();
                    }
                    buf.put_slice(&bytes[..length]);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if retry(&error) => {}
                Err(error) => {
                    wire.reason = Some(error.to_string());
                    return Poll::Ready(Err(error));
                }
            }
        }
    }
}

impl hyper::rt::Write for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slice: &[u8],
    ) -> Poll<io::Result<usize>> {
        // hyper writes single slices only if it copies everything into one buffer. It was told not
        // to; if it did, places would be in that buffer as zeros that nothing can tell from data.
        if !is_place(slice) && !self.link.lock().segments.is_empty() {
            return Poll::Ready(Err(io::Error::other("a file was copied into a buffer")));
        }
        self.poll_write_vectored(cx, &[IoSlice::new(slice)])
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        loop {
            if wire.stream.poll_write_ready(cx)?.is_pending() {
                wire.clock.blocked();
                wire.tick(cx)?;
                return Poll::Pending;
            }
            match wire.send(slices) {
                Ok(sent) => {
                    wire.clock.wrote();
                    return Poll::Ready(Ok(sent));
                }
                Err(error) if retry(&error) => {}
                Err(error) => {
                    wire.reason = Some(error.to_string());
                    return Poll::Ready(Err(error));
                }
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if !wire.settling.is_empty() {
            wire.tick(cx)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Closes so that the client gets everything: says that nothing more comes, then reads and
    /// drops what the client still sends, for a while (RFC 9112 section 9.6). Closing with unread
    /// bytes would make the kernel send a reset, and a reset may overtake the answer.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if !wire.closed {
            match shutdown(wire.stream.as_raw_fd(), Shutdown::Write) {
                // The client was faster.
                Ok(()) | Err(Errno::ENOTCONN) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
            wire.closed = true;
            wire.clock.closed();
        }
        let mut bytes = [0; 4096];
        loop {
            if wire.ended && wire.settling.is_empty() {
                return Poll::Ready(Ok(()));
            }
            if wire.ended || wire.stream.poll_read_ready(cx)?.is_pending() {
                wire.tick(cx)?;
                if wire.ended && wire.settling.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                return Poll::Pending;
            }
            match wire.stream.try_read(&mut bytes) {
                Ok(0) => wire.ended = true,
                Ok(_) => {}
                Err(error) if retry(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let segments = std::mem::take(&mut self.link.lock().segments);
        if segments.is_empty() && self.settling.is_empty() {
            return;
        }
        let acknowledged = self.acknowledged();
        self.settle(acknowledged);
        let missing = self.written - acknowledged;
        let reason = self
            .reason
            .take()
            .unwrap_or_else(|| "the client closed the connection".into());
        self.give_up_settling(acknowledged);
        let settling = self
            .settling
            .drain(..)
            .map(|(mark, transfer)| (mark - acknowledged, transfer));
        let running = segments
            .into_iter()
            .map(|segment| (missing, segment.transfer));
        for (missing, mut transfer) in settling.chain(running) {
            transfer.bytes = transfer.bytes.saturating_sub(missing);
            transfer.end(Outcome::Failed(reason.clone()));
        }
    }
}

/// Whether a call is simply to be made again: tokio has noted that the socket is not ready.
fn retry(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests;
