//! Numbers that are written in hexadecimal groups and of which some digits are left open: MACs,
//! UUIDs, PCI ids. They are compared as numbers.

/// Up to 32 hexadecimal digits, some of them open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digits {
    /// The written digits; zero where one is open.
    value: u128,
    /// All ones where a digit is written.
    mask: u128,
}

/// How such a number is written.
#[derive(Debug)]
pub struct Layout {
    /// Digits in each group, and what may stand between groups; the last has none.
    pub groups: &'static [(&'static [usize], &'static [char])],
    /// What it is, for an error.
    pub what: &'static str,
}

/// `5c:f3:fc:01:02:03`, `5cf3.fc01.0203`, `5cf3fc010203`.
pub const MAC: Layout = Layout {
    groups: &[(&[2; 6], &[':', '-']), (&[4; 3], &['.']), (&[12], &[])],
    what: "a MAC address or its beginning: `5c:f3:fc:01:02:03`, `5c:f3:fc:*`",
};
/// `4c4c4544-0042-3510-8056-b4c04f4a3332`, or without hyphens.
pub const UUID: Layout = Layout {
    groups: &[(&[8, 4, 4, 4, 12], &['-']), (&[32], &[])],
    what: "a UUID or its beginning: `4c4c4544-0042-3510-8056-b4c04f4a3332`, `4c4c4544-*`",
};
/// `14e4:1639`.
pub const CARD: Layout = Layout {
    groups: &[(&[4, 4], &[':'])],
    what: "a PCI id or a vendor: `14e4:1639`, `14e4:*`",
};

/// Bus type, vendor and device, as iPXE has them in `${busid}`, with and without colons.
pub const BUSID: Layout = Layout {
    groups: &[(&[2; 5], &[':']), (&[10], &[])],
    what: "a card's bus id or its beginning: `01:14:e4:16:39`, `01:14:e4:*`",
};

/// The number of these bytes, the first of them the highest.
pub fn of_bytes(bytes: &[u8]) -> u128 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u128::from(*byte))
}

impl Digits {
    /// Reads a number with open places: `?` is one digit, one `*` any number of them, and whole groups
    /// that are missing at the end are open too. The error is a sentence for people.
    pub fn parse(text: &str, layout: &Layout) -> Result<Digits, String> {
        let wrong = || format!("not {}", layout.what);
        let (head, tail) = match text.split_once('*') {
            Some((_, tail)) if tail.contains('*') => {
                return Err("at most one `*` may stand in it".to_owned());
            }
            Some((head, tail)) => (head, Some(tail)),
            None => (text, None),
        };
        let is_separator = |c: char| !c.is_ascii_hexdigit() && c != '?';
        let separator = text.chars().find(|&c| is_separator(c) && c != '*');
        let (groups, _) = layout
            .groups
            .iter()
            .find(|(_, separators)| match separator {
                Some(separator) => separators.contains(&separator),
                None => true,
            })
            .ok_or_else(wrong)?;
        // Without separators groups are not seen, so that they cannot be wrong.
        let whole = [groups.iter().sum::<usize>()];
        let groups = if separator.is_some() {
            groups
        } else {
            &whole[..]
        };
        let split = |part: &str| -> Vec<String> {
            let parts = part.split(|c| Some(c) == separator);
            parts.map(str::to_ascii_lowercase).collect()
        };
        let total = whole[0];
        let head = split(head);
        let before =
            fitting(&head, groups, tail.is_some() || separator.is_none()).ok_or_else(wrong)?;
        let mut after = Vec::new();
        if let Some(tail) = tail.filter(|tail| !tail.is_empty()) {
            let reversed = |part: &String| part.chars().rev().collect::<String>();
            let tail: Vec<_> = split(tail).iter().rev().map(reversed).collect();
            let groups: Vec<_> = groups.iter().rev().copied().collect();
            after = fitting(&tail, &groups, true).ok_or_else(wrong)?;
            after.reverse();
        }
        let open = total
            .checked_sub(before.len() + after.len())
            .ok_or_else(wrong)?;
        // Half a byte without a sign that more follows is a slip.
        if tail.is_none() && separator.is_none() && open % 2 != 0
            || before.is_empty() && tail.is_none()
        {
            return Err(wrong());
        }
        let digits = before
            .into_iter()
            .chain(std::iter::repeat_n('?', open))
            .chain(after);
        let (mut value, mut mask) = (0, 0);
        for digit in digits {
            let number = match digit {
                '?' => None,
                digit => Some(digit.to_digit(16).ok_or_else(wrong)?),
            };
            value = value << 4 | u128::from(number.unwrap_or(0));
            mask = mask << 4 | if number.is_some() { 0xf } else { 0 };
        }
        Ok(Digits { value, mask })
    }

    /// Whether a number has these digits.
    pub fn matches(&self, number: u128) -> bool {
        number & self.mask == self.value
    }

    /// Every number with the other's digits has these.
    pub fn covers(&self, other: &Digits) -> bool {
        self.mask & other.mask == self.mask && other.value & self.mask == self.value
    }

    /// The number, if no digit of so many is open.
    pub fn number(&self, digits: u32) -> Option<u128> {
        (self.mask.count_ones() == digits * 4).then_some(self.value)
    }

    /// The bits of `of` that are written, and what they are.
    pub fn bits(&self, of: u128) -> Option<u128> {
        (self.mask & of == of).then_some(self.value & of)
    }
}

/// The digits of parts that are the first of these groups; only the last part may be short, where
/// `open`, and no part may follow the last group.
fn fitting(parts: &[String], groups: &[usize], open: bool) -> Option<Vec<char>> {
    let (last, whole) = parts.split_last()?;
    let is_whole = whole
        .iter()
        .zip(groups)
        .all(|(part, group)| part.len() == *group);
    // A separator behind the last group has nothing to separate.
    let group = match last.is_empty() {
        true => *groups.get(whole.len()).unwrap_or(&0),
        false => *groups.get(whole.len())?,
    };
    let fits = match open || last.is_empty() {
        true => last.len() <= group,
        false => last.len() == group,
    };
    (is_whole && fits && whole.len() <= groups.len()).then(|| parts.concat().chars().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mac::Mac;

    fn meets(pattern: &str, mac: &str) -> bool {
        let mac: Mac = mac.parse().unwrap();
        let digits = Digits::parse(pattern, &MAC).unwrap_or_else(|why| panic!("{pattern}: {why}"));
        digits.matches(of_bytes(&mac.bytes()))
    }

    #[test]
    fn a_mac_is_met_by_its_beginning_in_every_spelling() {
        for pattern in [
            "5c:f3:fc:01:02:03",
            "5C-F3-FC-01-02-03",
            "5cf3.fc01.0203",
            "5cf3fc010203",
            "5c:f3:fc",
            "5c:f3:fc:",
            "5c:f3:fc:*",
            "5c:f3:f*",
            "5c-f3-*",
            "5cf3.*",
            "5cf3fc",
            "5cf3f*",
            "*",
            "*:03",
            "*2:03",
            "*0203",
            "5c:*:03",
            "5c:f3:fc:0?:02:0?",
            "5c:f3:fc:0?:*",
            "5c:f3:fc:01:02:03*",
            "5c:f3:fc:01:02:03:*",
        ] {
            assert!(meets(pattern, "5c:f3:fc:01:02:03"), "{pattern}");
        }
        for pattern in ["5c:f3:fd", "*:04", "5c:f3:fc:1?:*", "5cf3fc01020?"] {
            assert!(!meets(pattern, "5c:f3:fc:01:fe:13"), "{pattern}");
        }
    }

    #[test]
    fn what_is_no_number_of_its_form_is_refused() {
        for bad in [
            "",
            "5",
            "5c:f3:f",
            "5c:f3fc",
            "5c:f3-fc",
            "5:f3:*",
            "5c::f3",
            "5c:f3:fc:01:02:03:04",
            "5c:f3:fc:01:02:03::",
            "5cf3fc0102030",
            "5cf3fc010203*4",
            "*:f3:*",
            "5c:f3:fg",
            "IBM",
            "5c:é*",
        ] {
            assert!(Digits::parse(bad, &MAC).is_err(), "{bad}");
        }
        for bad in ["14e", "14e4:163", "14e4:1639:*1", "14e4-1639"] {
            assert!(Digits::parse(bad, &CARD).is_err(), "{bad}");
        }
        assert!(Digits::parse("4c4c-4544*", &UUID).is_err());
        assert!(Digits::parse("4c4c4544-0042-3510-8056", &UUID).is_ok());
    }

    #[test]
    fn a_vendor_is_met_by_all_of_its_cards() {
        for (pattern, hit) in [
            ("14e4", true),
            ("14E4:*", true),
            ("14e4:16*", true),
            ("8086", false),
        ] {
            let digits = Digits::parse(pattern, &CARD).unwrap();
            assert_eq!(digits.matches(0x14e4_1639), hit, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text: String, other in "[0-9a-f:*?.-]{0,20}") {
            for layout in [&MAC, &UUID, &CARD, &BUSID] {
                let _ = Digits::parse(&text, layout);
                let _ = Digits::parse(&other, layout);
            }
        }

        #[test]
        fn every_beginning_of_a_mac_meets_it(bytes: [u8; 6], cut in 0_usize..17) {
            let mut bytes = bytes;
            bytes[0] &= 0xfe;
            prop_assume!(bytes != [0; 6]);
            let mac = Mac::new(bytes).unwrap().to_string();
            let pattern = format!("{}*", &mac[..cut]);
            prop_assert!(meets(&pattern, &mac), "{}", pattern);
        }
    }
}
