//! Ethernet hardware addresses, as DHCP, iPXE, people and spreadsheets write them.

use std::fmt;
use std::str::FromStr;

/// A 48-bit Ethernet address.
///
/// Parses `5c:f3:fc:01:02:03`, `5C-F3-FC-01-02-03`, `5cf3.fc01.0203` and
/// `5cf3fc010203`; prints the first form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac([u8; 6]);

/// Why a text is no [`Mac`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MacError {
    /// It does not have twelve hexadecimal digits in one of the known groupings.
    Form,
    /// All zeros or all ones: no network card has it.
    Reserved,
    /// The group bit is set (lowest bit of the first byte): no machine sends from it.
    Multicast,
}

impl fmt::Display for MacError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MacError::Form => {
                "not a MAC address: twelve hexadecimal digits such as 5c:f3:fc:01:02:03"
            }
            MacError::Reserved => "no network card has this MAC address",
            MacError::Multicast => {
                "a multicast address (the first byte is odd), which no network card has"
            }
        })
    }
}

impl std::error::Error for MacError {}

impl Mac {
    /// The address of these six bytes; refuses what no network card has.
    pub fn new(bytes: [u8; 6]) -> Result<Mac, MacError> {
        if bytes == [0; 6] || bytes == [0xff; 6] {
            Err(MacError::Reserved)
        } else if bytes[0] & 1 == 1 {
            Err(MacError::Multicast)
        } else {
            Ok(Mac(bytes))
        }
    }

    /// The six bytes in transmission order.
    pub fn bytes(self) -> [u8; 6] {
        self.0
    }
}

impl FromStr for Mac {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Mac, MacError> {
        let group = match text.len() {
            17 => 2,
            14 => 4,
            12 => 12,
            _ => return Err(MacError::Form),
        };
        let mut separator = None;
        let (mut bytes, mut digits) = ([0; 6], 0);
        for (place, byte) in text.bytes().enumerate() {
            if group < 12 && place % (group + 1) == group {
                let allowed = if group == 2 {
                    matches!(byte, b':' | b'-')
                } else {
                    byte == b'.'
                };
                if !allowed || separator.is_some_and(|s| s != byte) {
                    return Err(MacError::Form);
                }
                separator = Some(byte);
            } else {
                let digit = char::from(byte).to_digit(16).ok_or(MacError::Form)?;
                let place: &mut u8 = bytes.get_mut(digits / 2).ok_or(MacError::Form)?;
                *place = *place << 4 | u8::try_from(digit).map_err(|_| MacError::Form)?;
                digits += 1;
            }
        }
        match digits {
            12 => Mac::new(bytes),
            _ => Err(MacError::Form),
        }
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

crate::form::as_text!(Mac);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_usual_spellings_are_one_address() {
        let mac: Mac = "5c:f3:fc:01:02:03".parse().unwrap();
        for same in ["5C-F3-FC-01-02-03", "5cf3.fc01.0203", "5cf3fc010203"] {
            assert_eq!(same.parse(), Ok(mac));
        }
        assert_eq!(mac.to_string(), "5c:f3:fc:01:02:03");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in [
            "",
            "5c:f3:fc:01:02",
            "5c:f3-fc:01:02:03",
            "5c:f3:fc:01:02:0g",
            "5c:f3:fc:01:02:é",
        ] {
            assert_eq!(bad.parse::<Mac>(), Err(MacError::Form), "{bad}");
        }
        assert_eq!("00:00:00:00:00:00".parse::<Mac>(), Err(MacError::Reserved));
        assert_eq!("01:00:5e:00:00:01".parse::<Mac>(), Err(MacError::Multicast));
    }
}
