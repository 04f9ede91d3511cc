//! A reader that ends in an error where more comes than may come.

use std::io::{self, Read};

/// Reads at most `left` bytes; one more is an error that says so.
#[derive(Debug)]
pub(super) struct Limit<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Limit<R> {
    /// Lets `bytes` bytes through.
    pub fn new(inner: R, bytes: u64) -> Limit<R> {
        Limit { inner, left: bytes }
    }
}

/// The error that [`Limit`] ends in.
#[derive(Debug)]
pub(super) struct TooMuch;

impl std::fmt::Display for TooMuch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("more bytes come than may come")
    }
}

impl std::error::Error for TooMuch {}

impl TooMuch {
    /// Whether an error is this one.
    pub fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<TooMuch>())
    }
}

impl<R: Read> Read for Limit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other(TooMuch))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_limit_is_let_through() {
        let mut out = Vec::new();
        Limit::new(&b"abc"[..], 3).read_to_end(&mut out).unwrap();
        assert_eq!(out, b"abc");
        let error = Limit::new(&b"abcd"[..], 3)
            .read_to_end(&mut Vec::new())
            .unwrap_err();
        assert!(TooMuch::is(&error));
    }
}
