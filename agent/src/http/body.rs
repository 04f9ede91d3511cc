//! What hyper sends for us, and how a file gets past it.
//!
//! hyper frames messages, and its body is memory. A file must not become memory, so its body yields
//! *places*: slices of [`region`], a piece of never touched zeros, each as long as the file's next
//! bytes. hyper queues them without looking at them and hands them to the connection's writer
//! ([`super::wire::Wire`]), which knows a place by its address, and sends the bytes of the
//! [`Segment`] that stands first in the connection's [`Link`] instead.
//!
//! A place without a segment, or a segment that meets copied bytes, ends the connection: zeros from
//! the region can never be taken for a file.

use std::collections::VecDeque;
use std::fs::File;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, Weak};
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::net::TcpStream;

use super::transfer::Transfer;
use crate::limits;
use crate::sync::held;

/// The memory that stands for files. It comes zeroed from the system and is never read or written,
/// so it costs addresses and no memory.
fn region() -> &'static [u8] {
    static REGION: LazyLock<Box<[u8]>> =
        LazyLock::new(|| vec![0; limits::HTTP_PIECE_BYTES].into_boxed_slice());
    &REGION
}

/// Whether a slice stands for a file's bytes.
pub fn is_place(slice: &[u8]) -> bool {
    region().as_ptr_range().contains(&slice.as_ptr())
}

/// Where a segment's bytes are.
pub enum Source {
    /// An open file, with the time of its last change when its answer was made.
    File(File, SystemTime),
    /// Bytes that Hearth made.
    Memory(Arc<[u8]>),
}

/// Bytes of one response that are still to be sent.
pub struct Segment {
    /// Where they are.
    pub source: Source,
    /// Position of the next one.
    pub offset: u64,
    /// How many.
    pub remaining: u64,
    /// What is told at the end.
    pub transfer: Transfer,
}

/// What the service, the bodies and the writer of one connection share.
#[derive(Default)]
pub struct Link {
    state: Mutex<State>,
    socket: OnceLock<Weak<TcpStream>>,
}

/// What [`Link`] guards.
#[derive(Default)]
pub struct State {
    /// Segments whose places hyper has, in their order.
    pub segments: VecDeque<Segment>,
    /// Requests that arrived whole.
    pub requests: u64,
    /// Requests whose response body hyper still holds.
    pub open: u64,
}

impl Link {
    /// The shared state, for a moment.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        held(&self.state)
    }

    /// Notes what the connection goes over.
    pub fn goes_over(&self, socket: &Arc<TcpStream>) {
        let _ = self.socket.set(Arc::downgrade(socket));
    }

    /// What the connection goes over.
    pub fn socket(&self) -> Weak<TcpStream> {
        self.socket.get().cloned().unwrap_or_default()
    }

    /// Notes that a request has arrived; its response's body ends it.
    pub fn request(&self) {
        let mut state = self.lock();
        state.requests += 1;
        state.open += 1;
    }
}

/// The body of a response.
pub struct Body {
    link: Arc<Link>,
    content: Content,
}

enum Content {
    Bytes(Bytes),
    /// A segment that waits for the first poll.
    Waiting(Box<Segment>),
    /// Bytes for which no place was given yet.
    Places(u64),
}

impl Body {
    /// A body of bytes in memory; empty ones for a body that is none.
    pub fn bytes(link: Arc<Link>, bytes: impl Into<Bytes>) -> Body {
        let content = Content::Bytes(bytes.into());
        Body { link, content }
    }

    /// A body whose bytes the writer sends.
    pub fn segment(link: Arc<Link>, segment: Segment) -> Body {
        let content = Content::Waiting(Box::new(segment));
        Body { link, content }
    }

    fn remaining(&self) -> u64 {
        match &self.content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Waiting(segment) => segment.remaining,
            Content::Places(bytes) => *bytes,
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let remaining = self.remaining();
        if remaining == 0 {
            return Poll::Ready(None);
        }
        match std::mem::replace(&mut self.content, Content::Places(remaining)) {
            Content::Bytes(bytes) => {
                self.content = Content::Places(0);
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            Content::Waiting(segment) => self.link.lock().segments.push_back(*segment),
            Content::Places(_) => {}
        }
        let place = region();
        let length = usize::try_from(remaining).map_or(place.len(), |left| left.min(place.len()));
        self.content = Content::Places(remaining - length as u64);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&place[..length])))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining())
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let mut state = self.link.lock();
        state.open = state.open.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;

    use super::*;

    struct Deaf;

    impl crate::event::Sink for Deaf {
        fn event(&self, _: crate::event::Event) {}
    }

    fn segment(remaining: u64) -> Segment {
        let peer = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        Segment {
            source: Source::Memory(Arc::from(&b""[..])),
            offset: 0,
            remaining,
            transfer: Transfer::begin(Arc::new(Deaf), peer, "x".into()),
        }
    }

    fn next(body: &mut Body) -> Option<Bytes> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        match Pin::new(body).poll_frame(&mut context) {
            Poll::Ready(frame) => frame.map(|frame| frame.unwrap().into_data().unwrap()),
            Poll::Pending => panic!("a body never waits"),
        }
    }

    #[test]
    fn a_file_becomes_places_of_its_length_and_one_segment() {
        let link = Arc::new(Link::default());
        let piece = limits::HTTP_PIECE_BYTES;
        link.request();
        let mut body = Body::segment(link.clone(), segment(2 * piece as u64 + 5));
        assert!(
            link.lock().segments.is_empty(),
            "nothing is queued before it is asked for"
        );
        let mut lengths = Vec::new();
        while let Some(place) = next(&mut body) {
            assert!(is_place(&place));
            assert_eq!(link.lock().segments.len(), 1);
            lengths.push(place.len());
        }
        assert_eq!(lengths, [piece, piece, 5]);
        assert!(body.is_end_stream());
        assert_eq!(link.lock().open, 1);
        drop(body);
        assert_eq!(link.lock().open, 0);
    }

    #[test]
    fn bytes_go_as_they_are_and_are_no_place() {
        let link = Arc::new(Link::default());
        let mut body = Body::bytes(link, "text");
        assert_eq!(body.size_hint().exact(), Some(4));
        let bytes = next(&mut body).unwrap();
        assert!(!is_place(&bytes));
        assert_eq!(bytes, "text");
        assert_eq!(next(&mut body), None);
    }

    #[test]
    fn an_advanced_place_is_still_a_place_and_its_end_is_not() {
        let whole = region();
        assert!(is_place(&whole[whole.len() - 1..]));
        assert!(!is_place(&whole[whole.len()..]));
        assert!(!is_place(&[0; 16]));
    }
}
