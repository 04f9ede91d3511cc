//! One TFTP download, without a socket: RFC 1350, 2347, 2348, 2349 and, from the client's side, 7440.

use crate::pattern;

const READ: u16 = 1;
const DATA: u16 = 3;
const ACK: u16 = 4;
const ERROR: u16 = 5;
const OPTION_ACK: u16 = 6;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Wait,
    /// Send [`Download::answer`].
    Answer,
    /// Send it too: it was the last.
    Done,
    /// The server refused, with its words.
    Refused(String),
    /// The bytes are not those of the file.
    Wrong,
}

/// The state of one download.
#[derive(Clone, Debug)]
pub struct Download {
    /// In force: 512 until the server agreed to something else.
    pub block_size: u16,
    /// In force: 1 until the server agreed to something else.
    pub window: u16,
    /// Bytes that came.
    pub bytes: u64,
    /// The next block, counted from 1 without end.
    expected: u64,
    /// Blocks since the last acknowledgement.
    pending: u16,
    /// The server was told that a block is missing; its other blocks on the way need no word.
    told: bool,
    /// What was said last, to be said again.
    answer: Vec<u8>,
}

impl Download {
    /// Asks for a file; [`answer`](Self::answer) is the request.
    pub fn ask(name: &str, block_size: u16, window: u16) -> Download {
        let mut request = READ.to_be_bytes().to_vec();
        let mut text = |text: &str| request.extend(text.bytes().chain([0]));
        text(name);
        text("octet");
        if block_size != 512 {
            text("blksize");
            text(&block_size.to_string());
        }
        if window != 1 {
            text("windowsize");
            text(&window.to_string());
        }
        text("tsize");
        text("0");
        Download {
            block_size: 512,
            window: 1,
            bytes: 0,
            expected: 1,
            pending: 0,
            told: false,
            answer: request,
        }
    }

    /// What is to be sent, also when nothing came for a while.
    pub fn answer(&self) -> &[u8] {
        &self.answer
    }

    /// The packet that ends a download early.
    pub fn give_up() -> &'static [u8] {
        b"\0\x05\0\0enough\0"
    }

    fn acknowledge(&mut self) {
        self.pending = 0;
        self.answer.clear();
        self.answer.extend(ACK.to_be_bytes());
        self.answer
            .extend(((self.expected - 1) as u16).to_be_bytes());
    }

    /// Takes a packet of `length` bytes, of which `head` may be only the first.
    pub fn on_packet(&mut self, head: &[u8], length: usize) -> Step {
        let [a, b, c, d, rest @ ..] = head else {
            return Step::Wait;
        };
        let (code, block) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
        match code {
            DATA => self.on_data(block, rest, length - 4),
            OPTION_ACK if self.expected == 1 => {
                self.agree(&head[2..]);
                self.acknowledge();
                Step::Answer
            }
            ERROR => Step::Refused(
                String::from_utf8_lossy(rest)
                    .trim_end_matches('\0')
                    .to_owned(),
            ),
            _ => Step::Wait,
        }
    }

    fn on_data(&mut self, block: u16, head: &[u8], length: usize) -> Step {
        if block != self.expected as u16 {
            // RFC 7440 section 4: a gap is told at once. Once is enough.
            if std::mem::replace(&mut self.told, true) {
                return Step::Wait;
            }
            self.acknowledge();
            return Step::Answer;
        }
        if !pattern::matches(self.bytes, &head[..head.len().min(length)]) {
            return Step::Wrong;
        }
        self.told = false;
        self.expected += 1;
        self.pending += 1;
        self.bytes += length as u64;
        if length < usize::from(self.block_size) {
            self.acknowledge();
            Step::Done
        } else if self.pending >= self.window {
            self.acknowledge();
            Step::Answer
        } else {
            Step::Wait
        }
    }

    fn agree(&mut self, options: &[u8]) {
        let mut texts = options.split(|byte| *byte == 0);
        while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
            let value = std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.parse().ok());
            match value {
                Some(value) if name.eq_ignore_ascii_case(b"blksize") => self.block_size = value,
                Some(value) if name.eq_ignore_ascii_case(b"windowsize") => self.window = value,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(block: u16, length: usize) -> Vec<u8> {
        // Zeros are never the file's, so tests send no bytes to be compared.
        let mut packet = vec![0, 3];
        packet.extend(block.to_be_bytes());
        packet.resize(4 + length, 0);
        packet
    }

    fn come(download: &mut Download, block: u16, length: usize) -> Step {
        download.on_packet(&data(block, 0), 4 + length)
    }

    fn windowed() -> Download {
        let mut download = Download::ask("x", 1432, 4);
        let agreed = b"\0\x06blksize\x001432\0WINDOWSIZE\x004\0tsize\x0010000\0";
        assert_eq!(download.on_packet(agreed, agreed.len()), Step::Answer);
        assert_eq!(download.answer(), [0, 4, 0, 0]);
        download
    }

    #[test]
    fn options_are_asked_only_where_they_say_something() {
        assert_eq!(
            Download::ask("x", 512, 1).answer(),
            b"\0\x01x\0octet\0tsize\x000\0"
        );
        assert_eq!(
            Download::ask("x", 1468, 16).answer(),
            b"\0\x01x\0octet\0blksize\x001468\0windowsize\x0016\0tsize\x000\0"
        );
    }

    #[test]
    fn a_window_is_acknowledged_once() {
        let mut download = windowed();
        for block in 1..=3 {
            assert_eq!(come(&mut download, block, 1432), Step::Wait);
        }
        assert_eq!(come(&mut download, 4, 1432), Step::Answer);
        assert_eq!(download.answer(), [0, 4, 0, 4]);
        assert_eq!(come(&mut download, 5, 1000), Step::Done);
        assert_eq!(download.answer(), [0, 4, 0, 5]);
        assert_eq!(download.bytes, 4 * 1432 + 1000);
    }

    #[test]
    fn a_gap_is_told_once() {
        let mut download = windowed();
        assert_eq!(come(&mut download, 1, 1432), Step::Wait);
        assert_eq!(come(&mut download, 3, 1432), Step::Answer);
        assert_eq!(download.answer(), [0, 4, 0, 1]);
        assert_eq!(come(&mut download, 4, 1432), Step::Wait);
        assert_eq!(come(&mut download, 2, 1432), Step::Wait);
        assert_eq!(come(&mut download, 4, 1432), Step::Answer);
        assert_eq!(download.answer(), [0, 4, 0, 2]);
    }

    #[test]
    fn a_server_without_options_is_read_block_by_block() {
        let mut download = Download::ask("x", 1432, 16);
        assert_eq!(come(&mut download, 1, 512), Step::Answer);
        assert_eq!((download.block_size, download.window), (512, 1));
    }

    #[test]
    fn block_numbers_roll_over() {
        let mut download = Download::ask("x", 512, 1);
        for block in 1..=65_536_u64 {
            assert_eq!(come(&mut download, block as u16, 512), Step::Answer);
        }
        assert_eq!(download.answer(), [0, 4, 0, 0]);
        assert_eq!(come(&mut download, 1, 0), Step::Done);
    }

    #[test]
    fn wrong_bytes_and_refusals_are_seen() {
        let mut download = Download::ask("x", 512, 1);
        assert_eq!(download.on_packet(&data(1, 8), 516), Step::Wrong);
        let refusal = b"\0\x05\0\x01file not found\0";
        assert_eq!(
            download.on_packet(refusal, refusal.len()),
            Step::Refused("file not found".to_owned())
        );
    }
}
