//! What a client gets when there are too many: 503 and a time to come again.
//!
//! No hyper, no request: little memory and a fixed time each, because it is the path for a storm.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::answer;
use crate::limits;

/// Answers 503 and closes, within [`limits::HTTP_TURN_AWAY_TIME`].
pub async fn turn_away(mut stream: TcpStream, retry_after: Duration) {
    let talk = tokio::time::timeout(limits::HTTP_TURN_AWAY_TIME, talk(&mut stream, retry_after));
    match talk.await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => log::debug!("telling an HTTP client to come again: {error}"),
    }
}

async fn talk(stream: &mut TcpStream, retry_after: Duration) -> io::Result<()> {
    // The request first: to iPXE an answer before its request is a protocol error (`httpcore.c`,
    // `EPROTO_UNSOLICITED`).
    let mut head = Head::default();
    let mut bytes = [0; 512];
    while !head.ended() {
        let length = stream.read(&mut bytes).await?;
        if length == 0 {
            return Ok(());
        }
        head.take(&bytes[..length]);
    }
    stream
        .write_all(&words(retry_after, head.is_head()))
        .await?;
    stream.shutdown().await?;
    // Unread bytes would make the kernel send a reset, which may overtake the answer.
    while stream.read(&mut bytes).await? > 0 {}
    Ok(())
}

/// The whole answer as it goes over the wire.
fn words(retry_after: Duration, head: bool) -> Vec<u8> {
    let answer = answer::busy(retry_after);
    let mut words = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n".to_vec();
    for (name, value) in answer.headers() {
        words.extend_from_slice(name.as_str().as_bytes());
        words.extend_from_slice(b": ");
        words.extend_from_slice(value.as_bytes());
        words.extend_from_slice(b"\r\n");
    }
    words.extend_from_slice(b"\r\n");
    if !head {
        words.extend_from_slice(answer.body());
    }
    words
}

/// What must be known of a request's head: its method's first letter, and where it ends.
#[derive(Default)]
struct Head {
    first: Option<u8>,
    /// Line feeds in a row, carriage returns not counted.
    line_feeds: u8,
    length: usize,
}

impl Head {
    fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match byte {
                _ if self.ended() => return,
                b'\r' => {}
                // Empty lines in front of a request are no request (RFC 9112 section 2.2).
                b'\n' if self.first.is_none() => {}
                b'\n' => self.line_feeds += 1,
                byte => {
                    self.first.get_or_insert(byte);
                    self.line_feeds = 0;
                }
            }
            self.length += 1;
        }
    }

    /// It is whole, or too long to be waited for.
    fn ended(&self) -> bool {
        self.line_feeds >= 2 || self.length >= limits::HTTP_HEAD_BYTES
    }

    /// No other method begins with an H.
    fn is_head(&self) -> bool {
        self.first == Some(b'H')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(chunks: &[&str]) -> Head {
        let mut head = Head::default();
        for chunk in chunks {
            head.take(chunk.as_bytes());
        }
        head
    }

    #[test]
    fn a_head_ends_at_its_empty_line_however_it_is_cut() {
        for chunks in [
            &["GET / HTTP/1.1\r\nHost: a\r\n\r\n"][..],
            &["GET / HTTP/1.1\r", "\n\r", "\n"],
            &["\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n"],
            &["GET / HTTP/1.0\n\n"],
        ] {
            assert!(head(chunks).ended(), "{chunks:?}");
        }
        for chunks in [&["GET / HTTP/1.1\r\nHost: a\r\n"][..], &["\r\n\r\n"], &[]] {
            assert!(!head(chunks).ended(), "{chunks:?}");
        }
    }

    #[test]
    fn an_endless_head_ends_at_the_limit() {
        assert!(head(&["x".repeat(limits::HTTP_HEAD_BYTES).as_str()]).ended());
    }

    #[test]
    fn an_answer_to_head_has_no_body() {
        assert!(head(&["HEAD / HTTP/1.1\r\n\r\n"]).is_head());
        assert!(!head(&["GET / HTTP/1.1\r\n\r\n"]).is_head());
        let after = Duration::from_secs(7);
        let words_of = |head| String::from_utf8(words(after, head)).unwrap();
        assert!(words_of(true).ends_with("\r\n\r\n"));
        let answer = words_of(false);
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("\r\nretry-after: 7\r\n"), "{answer}");
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        assert!(
            answer.contains(&format!("\r\ncontent-length: {}\r\n", body.len())),
            "{answer}"
        );
    }
}
