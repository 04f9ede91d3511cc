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

    /// The sixteen bytes as one number, the first of them the highest.
    pub fn number(self) -> u128 {
        u128::from_be_bytes(self.0)
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

    /// The one of both byte orders that stands for the machine, so that either is found as the same.
    pub fn canonical(self) -> Uuid {
        self.min(self.swapped())
    }

    /// A UUID that many boards share and that therefore names no machine.
    pub fn is_worthless(self) -> bool {
        let is_one_byte = self.0.iter().all(|byte| *byte == self.0[0]);
        let is_shared = |shared: &u128| self.same_machine(Uuid(shared.to_be_bytes()));
        is_one_byte || SHARED.iter().any(is_shared)
    }
}

/// What board makers left in, in one of its byte orders.
const SHARED: [u128; 8] = [
    0x0300_0200_0400_0500_0006_0007_0008_0009,
    0x0302_0100_0504_0706_0809_0a0b_0c0d_0e0f,
    0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f,
    0x1234_5678_1234_5678_90ab_cdde_efaa_bbcc,
    0x1234_5678_1234_1234_1234_1234_5678_9abc,
    0x0011_2233_4455_6677_8899_aabb_ccdd_eeff,
    0x0123_4567_8910_1112_1314_1516_1718_1920,
    0x1000_0000_0000_8000_0040_0000_0000_0000,
];

impl std::str::FromStr for Uuid {
    type Err = String;

    fn from_str(text: &str) -> Result<Uuid, String> {
        let wrong = || "not a UUID: 8-4-4-4-12 hexadecimal digits".to_owned();
        if text.len() != 36 {
            return Err(wrong());
        }
        let (mut bytes, mut digits) = ([0; 16], 0);
        for (place, byte) in text.bytes().enumerate() {
            if matches!(place, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return Err(wrong());
                }
                continue;
            }
            let digit = char::from(byte).to_digit(16).ok_or_else(wrong)?;
            let place: &mut u8 = bytes.get_mut(digits / 2).ok_or_else(wrong)?;
            *place = *place << 4 | u8::try_from(digit).map_err(|_| wrong())?;
            digits += 1;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_uuid_is_refused() {
        for bad in [
            "",
            "4c4c4544-0042-3510-8052-b4c04f4d313",
            "4c4c4544-0042-3510-8052-b4c04f4d31322",
            "4c4c4544-0042-3510-8052-b4c04f4d3132-",
            "4c4c454400423510-8052-b4c04f4d3132",
            "4c4c4544-0042-3510-8052-b4c04f4d313g",
            "4c4c4544-0042-3510-8052-+4c04f4d3132",
            "4c4c4544-0042-3510-8052-b4c04f4d31\u{e4}",
        ] {
            assert!(bad.parse::<Uuid>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_many_boards_share_is_worthless_in_both_byte_orders() {
        for shared in [
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "03000200-0400-0500-0006-000700080009",
            "00020003-0004-0005-0006-000700080009",
            "12345678-1234-5678-90ab-cddeefaabbcc",
            "78563412-3412-7856-90ab-cddeefaabbcc",
        ] {
            assert!(shared.parse::<Uuid>().unwrap().is_worthless(), "{shared}");
        }
        let own: Uuid = "4c4c4544-0042-3510-8052-b4c04f4d3132".parse().unwrap();
        assert!(!own.is_worthless());
    }

    proptest! {
        #[test]
        fn a_uuid_is_read_as_it_is_written_and_one_machine_in_both_orders(bytes: [u8; 16]) {
            let uuid = Uuid(bytes);
            prop_assert_eq!(uuid.to_string().parse(), Ok(uuid));
            prop_assert_eq!(uuid.canonical(), uuid.swapped().canonical());
            prop_assert!(uuid.same_machine(uuid.swapped()));
            prop_assert_eq!(uuid.is_worthless(), uuid.swapped().is_worthless());
        }

        #[test]
        fn any_text_can_be_tried(text: String) {
            let _ = text.parse::<Uuid>();
        }
    }
}
