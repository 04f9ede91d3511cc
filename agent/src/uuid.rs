//! SMBIOS UUIDs: the first identity of a machine.

use std::fmt;

/// An SMBIOS UUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// The UUID of these bytes, in the order in which it is written.
    pub fn new(bytes: [u8; 16]) -> Uuid {
        Uuid(bytes)
    }

    /// The UUID whose first three fields have the other byte order. The same machine shows one in
    /// iPXE and the other in Linux or its BMC when one of them forgets that SMBIOS 2.6 stores them
    /// little-endian (SMBIOS 7.2.1).
    pub fn swapped(self) -> Uuid {
        let mut bytes = self.0;
        bytes[0..4].reverse();
        bytes[4..6].reverse();
        bytes[6..8].reverse();
        Uuid(bytes)
    }

    /// The same machine's UUID, in either byte order.
    pub fn same_machine(self, other: Uuid) -> bool {
        self == other || self.swapped() == other
    }

    /// A UUID that many boards share and that therefore names no machine.
    pub fn is_worthless(self) -> bool {
        const SHARED: [&str; 3] = [
            "03000200-0400-0500-0006-000700080009",
            "00020003-0004-0005-0006-000700080009",
            "12345678-1234-5678-90ab-cddeefaabbcc",
        ];
        self.0.iter().all(|byte| *byte == self.0[0])
            || SHARED.iter().any(|shared| shared.parse() == Ok(self))
    }
}

impl std::str::FromStr for Uuid {
    type Err = String;

    fn from_str(text: &str) -> Result<Uuid, String> {
        let wrong = || "not a UUID: 8-4-4-4-12 hexadecimal digits".to_owned();
        let groups: Vec<&str> = text.split('-').collect();
        let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        if lengths != [8, 4, 4, 4, 12] || !text.is_ascii() {
            return Err(wrong());
        }
        let digits = groups.concat();
        let mut bytes = [0; 16];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte =
                u8::from_str_radix(&digits[2 * place..2 * place + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Uuid(bytes))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            if matches!(place, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uuid({self})")
    }
}

crate::form::as_text!(Uuid);
