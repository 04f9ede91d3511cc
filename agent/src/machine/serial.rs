//! Serial numbers as identities: only with the manufacturer, and only where somebody put one in.

use super::Facts;

/// What board makers leave in, in small letters without blanks and punctuation.
const WORTHLESS: [&str; 38] = [
    "0",
    "1",
    "0123456789",
    "00000000",
    "123",
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "123456789012",
    "123456789abc",
    "abcdef",
    "baseboardserialnumber",
    "chassisserialnumber",
    "default",
    "defaultstring",
    "empty",
    "invalid",
    "na",
    "nil",
    "none",
    "noserial",
    "notapplicable",
    "notavailable",
    "notspecified",
    "null",
    "oem",
    "serial",
    "serialnumber",
    "systemserialnumber",
    "sysserialnumber",
    "systemmanufacturer",
    "tobefilledbyoem",
    "unknown",
    "xxxxx",
];

/// By what a machine is known from its serial number: manufacturer and serial in small letters, with
/// a NUL between. `None` where one of them names nobody, or could be anybody's: of digits and letters
/// a serial number has at least four that are not all the same.
pub fn key(facts: &Facts) -> Option<Box<str>> {
    let (maker, serial) = (facts.manufacturer.trim(), facts.serial.trim());
    let bare_serial = bare(serial);
    let is_long = bare_serial.chars().nth(3).is_some();
    let is_worth = is_long && !names_nobody(&bare_serial) && !is_worthless(maker);
    let key = || format!("{}\0{}", maker.to_lowercase(), serial.to_lowercase());
    is_worth.then(|| key().into_boxed_str())
}

/// A text that names nobody.
pub fn is_worthless(text: &str) -> bool {
    names_nobody(&bare(text))
}

fn names_nobody(bare: &str) -> bool {
    let mut characters = bare.chars();
    let first = characters.next();
    let is_one_character = characters.all(|other| Some(other) == first);
    is_one_character || WORTHLESS.contains(&bare)
}

/// A text in small letters, without blanks and punctuation.
fn bare(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    for character in text.chars() {
        // Nearly all are; a start looks at every machine's.
        if character.is_ascii() {
            if character.is_ascii_alphanumeric() {
                bare.push(character.to_ascii_lowercase());
            }
        } else if character.is_alphanumeric() {
            bare.extend(character.to_lowercase());
        }
    }
    bare
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(manufacturer: &str, serial: &str) -> Option<Box<str>> {
        key(&Facts {
            manufacturer: manufacturer.to_owned(),
            serial: serial.to_owned(),
            ..Facts::default()
        })
    }

    #[test]
    fn what_makers_leave_in_names_nobody() {
        for serial in [
            "",
            "0",
            "00000000",
            "None",
            "N/A",
            "Default string",
            "To be filled by O.E.M.",
            "To Be Filled By O.E.M.",
            "System Serial Number",
            "Not Specified",
            " not specified ",
            "123456789",
            "xxxxxxxxxx",
            "........",
            "A1",
        ] {
            assert_eq!(of("Dell Inc.", serial), None, "{serial}");
        }
    }

    #[test]
    fn a_serial_number_counts_only_with_its_maker() {
        assert_eq!(of("", "KQ01234"), None);
        assert_eq!(of("System manufacturer", "KQ01234"), None);
        assert!(of("IBM", "KQ01234").is_some());
        assert_ne!(of("IBM", "KQ01234"), of("Lenovo", "KQ01234"));
        assert_eq!(of("IBM", "KQ01234"), of(" ibm", "kq01234 "));
    }

    #[test]
    fn the_list_is_written_as_it_is_compared() {
        for worthless in WORTHLESS {
            assert_eq!(bare(worthless), worthless);
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_a_serial_number(maker: String, serial: String) {
            of(&maker, &serial);
        }
    }
}
