//! The token of an installation: whoever has it is that installation.

use std::fmt;

use sha2::{Digest, Sha256 as Hasher};

use crate::boot::text::Base;
use crate::digest::Sha256;

/// 128 bits from the system. It stands in one script and nowhere else.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn new() -> Result<Token, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Token(
            bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        ))
    }

    /// One that somebody shows; `None` if it cannot be one.
    pub fn shown(text: &str) -> Option<Token> {
        let is_one = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_one.then(|| Token(text.to_ascii_lowercase()))
    }

    /// What is kept of it. Comparing what was kept with what somebody shows is comparing two of these,
    /// and how long that takes says nothing of the token.
    pub fn hash(&self) -> String {
        Sha256(Hasher::digest(&self.0).into()).to_string()
    }

    /// As it is shown.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The folder of the installation's answers, without a slash at its end.
    pub fn answers(&self, base: Base) -> String {
        format!("{base}/answer/{}", self.0)
    }

    /// Where the installation reports.
    pub fn url(&self, base: Base) -> String {
        format!("{base}/event/{}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_are_known_by_their_hash() {
        let (one, other) = (Token::new().unwrap(), Token::new().unwrap());
        assert_ne!(one.hash(), other.hash());
        assert_eq!(
            Token::shown(&one.0.to_uppercase()).unwrap().hash(),
            one.hash()
        );
        for bad in ["", "x", &"g".repeat(32), &"a".repeat(33)] {
            assert!(Token::shown(bad).is_none(), "{bad}");
        }
        assert!(!format!("{one:?}").contains(&one.0));
    }
}
