//! A reader that tells how many bytes went through it.

use std::io::{self, Read};

/// Tells `told` of every piece that is read.
pub(super) struct Watch<'a, R> {
    inner: R,
    told: &'a mut dyn FnMut(u64),
}

impl<'a, R: Read> Watch<'a, R> {
    /// Watches `inner`.
    pub fn new(inner: R, told: &'a mut dyn FnMut(u64)) -> Watch<'a, R> {
        Watch { inner, told }
    }
}

impl<R: Read> Read for Watch<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if read > 0 {
            (self.told)(read as u64);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_told() {
        let mut sum = 0;
        let mut told = |bytes| sum += bytes;
        io::copy(
            &mut Watch::new(&[7; 100_000][..], &mut told),
            &mut io::sink(),
        )
        .unwrap();
        assert_eq!(sum, 100_000);
    }
}
