//! Text that may stand in a script, and the filling of a script's holes with it.
//!
//! A script is a file of `agent/scripts` with holes such as `%TITLE%`. Only a [`Text`] fits a hole,
//! and a `Text` is made only from values that were checked when they were parsed, so there is
//! nothing to escape here and nothing to forget. Nothing that a machine says of itself can become
//! one.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::arch::{Cpu, Platform};
use crate::config::{Argument, Label, Name, Url};
use crate::mac::Mac;
use crate::percent;
use crate::uuid::Uuid;

/// Text that is safe anywhere in a script's line, or whole lines of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Nothing; a line that holds nothing but a hole filled with this goes.
    pub fn none() -> Text {
        Text::default()
    }

    /// A sentence for a screen, whatever it is made of: iPXE's own signs become harmless ones, and
    /// it is one line.
    pub fn said(sentence: &str) -> Text {
        let plain = |character: char| match character {
            '`' | '"' => '\'',
            ' ' | '\'' | ',' | '.' | ':' | '/' | '(' | ')' | '=' | '+' | '-' | '_' | '*' | '?'
            | '@' | '[' | ']' | '<' | '>' | '!' => character,
            other if other.is_ascii_alphanumeric() => other,
            ';' => ',',
            _ => '?',
        };
        Text(sentence.chars().map(plain).collect())
    }

    /// Words with blanks between.
    pub fn words(words: impl IntoIterator<Item = Text>) -> Text {
        Text::joined(words, " ")
    }

    /// Whole lines, one below the other; those that are nothing are left out.
    pub fn lines(lines: impl IntoIterator<Item = Text>) -> Text {
        Text::joined(lines.into_iter().filter(|line| !line.0.is_empty()), "\n")
    }

    /// Parts of a script with an empty line between; those that are nothing are left out.
    pub fn paragraphs(parts: impl IntoIterator<Item = Text>) -> Text {
        Text::joined(parts.into_iter().filter(|part| !part.0.is_empty()), "\n\n")
    }

    fn joined(parts: impl IntoIterator<Item = Text>, between: &str) -> Text {
        let parts: Vec<String> = parts.into_iter().map(|part| part.0).collect();
        Text(parts.join(between))
    }

    /// A script, or a part of one, with its holes filled. A value is put in as it is: what looks like
    /// a hole in it is none.
    pub fn filled(template: &str, values: &[(&str, Text)]) -> Text {
        let mut lines = Vec::new();
        for line in template.trim_end().lines() {
            let filled = fill(line, values);
            // A line that was nothing but a hole goes with its value.
            if !filled.is_empty() || line.is_empty() {
                lines.push(filled);
            }
        }
        Text(lines.join("\n"))
    }

    /// A whole script as iPXE gets it.
    pub fn into_script(self) -> String {
        let mut script = self.0;
        script.push('\n');
        script
    }
}

/// A line's holes filled; a hole that has no value stays, which the tests of all scripts look for.
fn fill(line: &str, values: &[(&str, Text)]) -> String {
    let mut filled = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('%') {
        filled.push_str(before);
        let value = after.split_once('%').and_then(|(hole, tail)| {
            let (_, value) = values.iter().find(|(name, _)| *name == hole)?;
            Some((value, tail))
        });
        match value {
            Some((value, tail)) => {
                filled.push_str(&value.0);
                rest = tail;
            }
            None => {
                filled.push('%');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// Words of the scripts' own.
impl From<&'static str> for Text {
    fn from(text: &'static str) -> Text {
        Text(text.to_owned())
    }
}

impl From<&Name> for Text {
    fn from(name: &Name) -> Text {
        Text(name.to_string())
    }
}

impl From<&Label> for Text {
    fn from(label: &Label) -> Text {
        Text(label.as_str().to_owned())
    }
}

impl From<&Argument> for Text {
    fn from(argument: &Argument) -> Text {
        Text(argument.as_str().to_owned())
    }
}

impl From<&Url> for Text {
    fn from(url: &Url) -> Text {
        Text(url.as_str().to_owned())
    }
}

impl From<Mac> for Text {
    fn from(mac: Mac) -> Text {
        Text(mac.to_string())
    }
}

impl From<Uuid> for Text {
    fn from(uuid: Uuid) -> Text {
        Text(uuid.to_string())
    }
}

impl From<Cpu> for Text {
    fn from(cpu: Cpu) -> Text {
        Text(cpu.ipxe_name().to_owned())
    }
}

impl From<Platform> for Text {
    fn from(platform: Platform) -> Text {
        Text(platform.ipxe_name().to_owned())
    }
}

impl From<u128> for Text {
    fn from(number: u128) -> Text {
        Text(number.to_string())
    }
}

impl From<u8> for Text {
    fn from(number: u8) -> Text {
        Text(number.to_string())
    }
}

impl From<IpAddr> for Text {
    fn from(address: IpAddr) -> Text {
        Text(address.to_string())
    }
}

/// Where a machine reaches the boot side: `http://192.168.1.1:8069`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base(SocketAddr);

impl Base {
    /// The boot side at an address of ours. An IPv4 client of a socket for both kinds shows up with
    /// an IPv6 address, which no iPXE could use.
    pub fn new(address: IpAddr, port: u16) -> Base {
        Base(SocketAddr::new(address.to_canonical(), port))
    }

    /// The address alone.
    pub fn address(self) -> IpAddr {
        self.0.ip()
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.0)
    }
}

impl From<Base> for Text {
    fn from(base: Base) -> Text {
        Text(base.to_string())
    }
}

/// Where a script's files come from.
#[derive(Clone, Copy, Debug)]
pub enum Files {
    /// The boot side over HTTP.
    Http(Base),
    /// The TFTP server that DHCP named, Hearth or any other that serves the same tree.
    Tftp,
}

impl Files {
    /// The URL of a catalogue name.
    pub fn url(self, name: &str) -> Text {
        // iPXE finds nothing to act on in it then.
        let name = percent::encoded_path(name);
        Text(match self {
            Files::Http(base) => format!("{}/files/{name}", Text::from(base).0),
            Files::Tftp => format!("tftp://${{next-server}}/{name}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn holes_are_filled_once_and_unknown_ones_stay() {
        let values = [("A", Text::from("%B%")), ("B", Text::from("b"))];
        assert_eq!(
            Text::filled("x %A% 100% %B% %C%\n", &values).as_str(),
            "x %B% 100% b %C%"
        );
    }

    #[test]
    fn a_line_that_is_nothing_but_an_empty_hole_goes() {
        let values = [("A", Text::none())];
        assert_eq!(
            Text::filled("1\n%A%\n\n2 %A%\n", &values).as_str(),
            "1\n\n2 "
        );
    }

    #[test]
    fn addresses_stand_in_urls_as_they_must() {
        let url = |address: &str| Text::from(Base::new(address.parse().unwrap(), 8069)).0;
        assert_eq!(url("192.168.1.1"), "http://192.168.1.1:8069");
        assert_eq!(url("::ffff:192.168.1.1"), "http://192.168.1.1:8069");
        assert_eq!(url("fd00::1"), "http://[fd00::1]:8069");
    }

    #[test]
    fn a_file_name_is_no_more_than_a_path() {
        let url = Files::Tftp.url("my files/a${b}&&\\");
        assert_eq!(
            url.as_str(),
            "tftp://${next-server}/my%20files/a%24%7Bb%7D%26%26%5C"
        );
    }

    proptest! {
        #[test]
        fn a_sentence_is_one_harmless_line(sentence: String) {
            let said = Text::said(&sentence).0;
            let signs = ['$', '\\', '\n', '&', '|', ';', '#', '{', '\r', '%'];
            prop_assert!(!said.contains(signs));
        }
    }
}
