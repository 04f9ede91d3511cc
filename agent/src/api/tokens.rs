//! Tokens: who may ask from elsewhere. Only their hashes are kept, so that whoever reads the database
//! cannot ask.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256 as Hasher};

use super::Api;
use super::asked::{Asked, Done};
use super::operation::Role;
use super::problem::Problem;
use crate::config::Name;
use crate::digest::Sha256;
use crate::limits;
use crate::store::{TokenRow, Write};

/// What every token begins with, so that one that leaked is recognised for what it is.
const PREFIX: &str = "hearth_";

/// The tokens in force.
#[derive(Debug, Default)]
pub struct Tokens(Mutex<Vec<TokenRow>>);

impl Tokens {
    /// As they were kept.
    pub fn new(rows: Vec<TokenRow>) -> Tokens {
        Tokens(Mutex::new(rows))
    }

    fn rows(&self) -> MutexGuard<'_, Vec<TokenRow>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Others are in force.
    pub fn replace(&self, rows: Vec<TokenRow>) {
        *self.rows() = rows;
    }

    /// Whose token this is, and what it may. `now` is in milliseconds since 1970. What is compared are
    /// hashes, so how long it takes says nothing of a token.
    pub fn find(&self, shown: &str, now: u64) -> Option<(String, Role)> {
        let hash = hash(shown);
        let rows = self.rows();
        let row = rows.iter().find(|row| row.hash == hash)?;
        let lives = row.expires.is_none_or(|end| now < end);
        lives.then_some((row.name.clone(), Role::of(&row.role)?))
    }
}

fn hash(token: &str) -> String {
    Sha256(Hasher::digest(token).into()).to_string()
}

/// 256 bits from the system.
fn fresh() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{PREFIX}{}", Sha256(bytes)))
}

/// What `POST /api/v1/tokens` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: Name,
    role: Role,
    /// Milliseconds since 1970; none: it stays until it is revoked.
    #[serde(default)]
    expires: Option<u64>,
}

impl Api {
    /// Who asks, by the value of `Authorization` (RFC 6750 section 2.1); none: nobody said.
    ///
    /// # Errors
    /// It is no token in force (401).
    pub fn bearer(&self, header: Option<&str>) -> Result<Option<(String, Role)>, Problem> {
        let Some(header) = header else {
            return Ok(None);
        };
        let token = header
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let Some(token) = token else {
            let detail = "`Authorization` must be `Bearer` and a token";
            return Err(Problem::unknown(detail));
        };
        match self.tokens.find(token, (self.now)()) {
            Some(known) => Ok(Some(known)),
            None => Err(Problem::unknown(
                "this token is not known, or not any more: `hearth token create` on the firewall \
                 makes one",
            )),
        }
    }

    pub(super) fn token_list(&self) -> Value {
        let rows = self.tokens.rows();
        json!({ "tokens": rows.iter().map(shown).collect::<Vec<_>>() })
    }

    /// The token itself is in this answer and nowhere else.
    pub(super) fn create_token(&self, asked: &Asked) -> Result<Done, Problem> {
        let wanted: Wanted = asked.json("token that can be made")?;
        let now = (self.now)();
        if wanted.expires.is_some_and(|end| end <= now) {
            return Err(Problem::wrong("it would have expired already"));
        }
        let token = fresh().map_err(|error| {
            Problem::unavailable(&format!("the system gives no random bytes: {error}"))
        })?;
        let row = TokenRow {
            name: wanted.name.to_string(),
            hash: hash(&token),
            role: wanted.role.word().to_owned(),
            created: now,
            expires: wanted.expires,
        };
        let written = {
            let mut rows = self.tokens.rows();
            if rows.iter().any(|one| one.name == row.name) {
                let why = format!("there is a token {} already: revoke it first", row.name);
                return Err(Problem::conflict(&why));
            }
            if rows.len() >= limits::API_TOKENS {
                let why = format!("there are {} tokens already: revoke one", rows.len());
                return Err(Problem::conflict(&why));
            }
            rows.push(row.clone());
            let audit = self.audit_row(
                asked.who,
                &json!({ "action": "create-token", "name": row.name, "role": row.role }),
            );
            let writes = vec![Write::Token(row.clone()), audit];
            self.census.store().write(writes)
        };
        // It is in force at once; if the disk does not take it, it is gone with the process.
        written.wait()?;
        let mut value = shown(&row);
        value["token"] = token.into();
        Ok(Done::made(value))
    }

    pub(super) fn revoke_token(&self, name: &str, asked: &Asked) -> Result<Value, Problem> {
        let (row, written) = {
            let mut rows = self.tokens.rows();
            let place = rows.iter().position(|row| row.name == name);
            let place = place.ok_or_else(|| Problem::no_such("token", name))?;
            let row = rows.remove(place);
            let audit = self.audit_row(
                asked.who,
                &json!({ "action": "revoke-token", "name": name }),
            );
            let writes = vec![Write::Revoke(name.to_owned()), audit];
            (row, self.census.store().write(writes))
        };
        written.wait()?;
        Ok(shown(&row))
    }
}

fn shown(row: &TokenRow) -> Value {
    json!({ "name": row.name, "role": row.role, "created": row.created, "expires": row.expires })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_until_it_ends() {
        let token = fresh().unwrap();
        assert_eq!(token.len(), PREFIX.len() + 64);
        assert_ne!(token, fresh().unwrap());
        let row = TokenRow {
            name: "monitor".to_owned(),
            hash: hash(&token),
            role: "read".to_owned(),
            created: 1,
            expires: Some(10),
        };
        let tokens = Tokens::new(vec![row]);
        let known = Some(("monitor".to_owned(), Role::Read));
        assert_eq!(tokens.find(&token, 9), known);
        assert_eq!(tokens.find(&token, 10), None, "it has expired");
        assert_eq!(tokens.find(&token.to_uppercase(), 9), None);
        assert_eq!(tokens.find("", 9), None);
        tokens.replace(Vec::new());
        assert_eq!(tokens.find(&token, 9), None);
    }
}
