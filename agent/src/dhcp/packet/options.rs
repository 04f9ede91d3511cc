//! DHCP options (RFC 2132), also where they overflow into the fields `file` and `sname` (option 52),
//! and where one is longer than 255 bytes and comes in several pieces (RFC 3396).

use std::collections::BTreeMap;

/// "Pad": a byte without a length.
const PAD: u8 = 0;
/// "End": what comes behind it is nothing.
const END: u8 = 255;
/// Option overload (RFC 2132 section 9.3).
const OVERLOAD: u8 = 52;

/// The options of one message.
#[derive(Debug, Default)]
pub struct Options {
    values: BTreeMap<u8, Vec<u8>>,
    /// The field `file` holds options, and no file's name.
    pub file_is_taken: bool,
}

impl Options {
    /// Reads the options behind the cookie, and those in the fields that they overflow into; the order
    /// is that of RFC 3396 section 7. `None`: one of them is longer than the place it stands in.
    pub fn read(area: &[u8], file: &[u8], sname: &[u8]) -> Option<Options> {
        let mut options = Options::default();
        options.take(area)?;
        let overload = options.first(OVERLOAD).unwrap_or(0);
        if overload & 1 == 1 {
            options.file_is_taken = true;
            options.take(file)?;
        }
        if overload & 2 == 2 {
            options.take(sname)?;
        }
        Some(options)
    }

    /// An area that ends without "end" is taken: some firmware pads and forgets it.
    fn take(&mut self, mut area: &[u8]) -> Option<()> {
        while let [code, rest @ ..] = area {
            match *code {
                PAD => area = rest,
                END => break,
                code => {
                    let (length, rest) = rest.split_first()?;
                    let (value, rest) = rest.split_at_checked(usize::from(*length))?;
                    self.values.entry(code).or_default().extend(value);
                    area = rest;
                }
            }
        }
        Some(())
    }

    /// The bytes of an option, all its pieces.
    pub fn get(&self, code: u8) -> Option<&[u8]> {
        self.values.get(&code).map(Vec::as_slice)
    }

    /// The first byte of an option.
    pub fn first(&self, code: u8) -> Option<u8> {
        self.get(code)?.first().copied()
    }

    /// An option of exactly four bytes: an address.
    pub fn four(&self, code: u8) -> Option<[u8; 4]> {
        self.get(code)?.try_into().ok()
    }
}
