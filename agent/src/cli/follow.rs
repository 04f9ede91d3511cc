//! Follows the agent's events over its control socket, as server-sent events (the HTML standard,
//! section 9.2).

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::limits;

/// One event: its number, and its JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// For `Last-Event-ID`.
    pub id: u64,
    /// The JSON, on one line.
    pub data: String,
}

/// The events as they come. What is read is the body of an answer that ends with its connection.
pub struct Stream<R = UnixStream> {
    reader: BufReader<R>,
    /// A line of which a part has come.
    line: Vec<u8>,
    id: u64,
    data: String,
}

impl<R: Read> Stream<R> {
    /// Of a body that begins here.
    pub fn new(reader: BufReader<R>) -> Stream<R> {
        Stream {
            reader,
            line: Vec::new(),
            id: 0,
            data: String::new(),
        }
    }

    /// The next event; `None` if reading was interrupted by its time-out, after which it goes on where it
    /// was.
    ///
    /// # Errors
    /// The stream ended, or is none.
    pub fn read(&mut self) -> io::Result<Option<Told>> {
        loop {
            let room = limits::EVENT_LINE_BYTES.saturating_sub(self.line.len() as u64);
            let mut bounded = (&mut self.reader).take(room);
            match bounded.read_until(b'\n', &mut self.line) {
                Ok(_) if self.line.ends_with(b"\n") => {}
                Ok(read) if read as u64 == room => {
                    return Err(io::Error::other("an event without an end"));
                }
                Ok(_) => return Err(io::Error::from(ErrorKind::UnexpectedEof)),
                Err(error) if is_late(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
            let line = String::from_utf8_lossy(&self.line).trim_end().to_owned();
            self.line.clear();
            if let Some(id) = line.strip_prefix("id: ") {
                self.id = id.parse().unwrap_or(self.id);
            } else if let Some(data) = line.strip_prefix("data: ") {
                self.data = data.to_owned();
            } else if line.is_empty() && !self.data.is_empty() {
                let data = std::mem::take(&mut self.data);
                return Ok(Some(Told { id: self.id, data }));
            }
        }
    }
}

impl Stream<UnixStream> {
    /// The next event that comes before `end`.
    ///
    /// # Errors
    /// The agent is gone.
    pub fn next(&mut self, end: Instant) -> io::Result<Option<Told>> {
        // A time-out of nothing is refused.
        let left = end.saturating_duration_since(Instant::now());
        let left = left.max(Duration::from_millis(1));
        self.reader.get_ref().set_read_timeout(Some(left))?;
        self.read()
    }

    /// Waits until something happens, and then for as long as `pause` for what comes with it; no longer
    /// than `every`.
    ///
    /// # Errors
    /// The agent is gone.
    pub fn changed(&mut self, every: Duration, pause: Duration) -> io::Result<()> {
        if self.next(Instant::now() + every)?.is_some() {
            let end = Instant::now() + pause;
            while self.next(end)?.is_some() {}
        }
        Ok(())
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time, and is late in between.
    struct Late<'a>(&'a [u8], bool);

    impl Read for Late<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::Error::from(ErrorKind::WouldBlock));
            }
            let now = self.0.len().min(3).min(buffer.len());
            buffer[..now].copy_from_slice(&self.0[..now]);
            self.0 = &self.0[now..];
            Ok(now)
        }
    }

    #[test]
    fn an_event_is_whole_however_late_its_pieces_come() {
        let text = ": alive\n\nid: 7\nevent: phase\ndata: {\"a\":\"é\"}\n\nid: 8\ndata: {}\n\n";
        let mut stream = Stream::new(BufReader::new(Late(text.as_bytes(), false)));
        let (mut told, mut late) = (Vec::new(), 0);
        let error = loop {
            match stream.read() {
                Ok(Some(one)) => told.push(one),
                Ok(None) => late += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert!(late > 10);
        let told: Vec<_> = told.iter().map(|one| (one.id, one.data.as_str())).collect();
        assert_eq!(told, [(7, "{\"a\":\"é\"}"), (8, "{}")]);
    }

    #[test]
    fn a_line_without_an_end_has_one() {
        let endless = BufReader::new(io::repeat(b'x'));
        let error = Stream::new(endless).read().unwrap_err();
        assert_eq!(error.to_string(), "an event without an end");
    }
}
