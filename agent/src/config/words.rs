//! The words a configuration is made of. Each is checked when it is parsed, so that what holds
//! one may be put into a script, a path or a URL as it is.

use std::fmt;

use crate::form::acts;

/// The name of a declared thing: 1 to 64 characters, letters, digits, `.`, `_`, `-`, the first a
/// letter or digit. Safe in a path, in an iPXE script and in a URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// Checks and takes a name; the error is a sentence for people.
    pub fn new(text: &str) -> Result<Name, String> {
        let mut characters = text.chars();
        let first = characters.next().is_some_and(|c| c.is_ascii_alphanumeric());
        if first
            && text.len() <= 64
            && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        {
            Ok(Name(text.to_owned()))
        } else {
            Err(
                "a name has 1 to 64 letters, digits, `.`, `_` or `-`, the first a letter or digit"
                    .to_owned(),
            )
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Name, String> {
        Name::new(text)
    }
}

crate::form::as_text!(Name);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One line of text for people (menu titles, policy names): no control characters, no `${`, at
/// most 80 characters, and no word that ends an iPXE command (`&&`, `||`, `;`, `#...`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    /// Checks and takes a label; the error is a sentence for people.
    pub fn new(text: &str) -> Result<Label, String> {
        if text.is_empty() || text.chars().count() > 80 {
            Err("a label has 1 to 80 characters".to_owned())
        } else if text.chars().any(acts) {
            Err("a label is one line without control characters".to_owned())
        } else if text.contains("${") {
            Err("a label cannot hold `${`, which iPXE would expand".to_owned())
        } else if text.split_whitespace().any(ends_a_command) || text.starts_with('-') {
            Err(
                "iPXE would not read this as text: a label cannot begin with `-` or hold `&&`, \
                 `||` or `;` as a word of its own, or a word that begins with `#`"
                    .to_owned(),
            )
        } else if text.ends_with('\\') {
            Err(
                "a label cannot end in a backslash, which would join the next line to it"
                    .to_owned(),
            )
        } else {
            Ok(Label(text.to_owned()))
        }
    }

    /// The label as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// iPXE splits a line into commands at these words, and a `#` begins a comment.
fn ends_a_command(word: &str) -> bool {
    matches!(word, "||" | "&&" | ";") || word.starts_with('#')
}

/// One kernel argument: printable ASCII without blanks, so that it stays one word on an iPXE line;
/// `${` only before one of the settings that a machine fills in itself ([`Argument::SETTINGS`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument(String);

impl Argument {
    /// iPXE settings that an argument may ask for, for example `talos.config=http://x/?mac=${mac}`.
    pub const SETTINGS: [&'static str; 9] = [
        "uuid",
        "mac",
        "net0/mac",
        "mac:hexhyp",
        "net0/mac:hexhyp",
        "serial:uristring",
        "ip",
        "hostname:uristring",
        "buildarch",
    ];

    /// Checks and takes an argument; the error is a sentence for people.
    pub fn new(text: &str) -> Result<Argument, String> {
        if text.is_empty() || text.len() > crate::limits::ARGUMENT_BYTES {
            return Err(format!(
                "a kernel argument has 1 to {} bytes",
                crate::limits::ARGUMENT_BYTES
            ));
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("a kernel argument is one word of printable ASCII: \
                        no blanks, line ends or control characters"
                .to_owned());
        }
        if ends_a_command(text) {
            return Err("this word would be a command separator or comment to iPXE".to_owned());
        }
        let mut rest = text;
        while let Some((_, after)) = rest.split_once("${") {
            let known = after
                .split_once('}')
                .filter(|(name, _)| Self::SETTINGS.contains(name));
            match known {
                Some((_, tail)) => rest = tail,
                None => {
                    return Err(format!(
                        "iPXE would expand `${{...}}`: only {} can be asked for, \
                         write %24%7B...%7D to let the system itself fill it in",
                        Self::SETTINGS.join(", ")
                    ));
                }
            }
        }
        Ok(Argument(text.to_owned()))
    }

    /// The argument as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An `http://` or `https://` URL of printable ASCII without blanks, `${` or `#`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Url(String);

impl Url {
    /// Checks and takes a URL; the error is a sentence for people.
    pub fn new(text: &str) -> Result<Url, String> {
        if !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains("${") || text.contains('#')
        {
            return Err("a URL is one word of printable ASCII without `${` and `#`".to_owned());
        }
        match text.parse::<http::Uri>() {
            Ok(uri)
                if matches!(uri.scheme_str(), Some("http" | "https"))
                    && uri.host().is_some_and(|host| !host.is_empty()) =>
            {
                Ok(Url(text.to_owned()))
            }
            Ok(_) => Err("a URL starts with http:// or https:// and names a host".to_owned()),
            Err(error) => Err(format!("not a URL: {error}")),
        }
    }

    /// The URL as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This URL with `/path` behind it, whether it ends in a slash or not.
    pub fn join(&self, path: &str) -> String {
        format!(
            "{}/{}",
            self.0.trim_end_matches('/'),
            path.trim_start_matches('/')
        )
    }
}

/// A value that is never printed, logged or given out by the API.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret.
    pub fn new(text: String) -> Secret {
        Secret(text)
    }

    /// The value, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(...)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_text_to_ipxe_and_nothing_else() {
        for good in [
            "Debian R&D",
            "a;b",
            "C# and Rust",
            "a-b -c",
            "T\u{f6}st",
            "50%",
        ] {
            assert!(Label::new(good).is_ok(), "{good}");
        }
        for bad in [
            "a && shell",
            "a || b",
            "a ; b",
            "a #1",
            "# a",
            "--gap",
            "a\\",
            "a ${b}",
            "a\nb",
            "",
        ] {
            assert!(Label::new(bad).is_err(), "{bad}");
        }
    }
}
