//! Every operation there is, with the role that it takes. `agent/api/openapi.json` describes the same
//! for programs, and a test holds the two together.

use serde::{Deserialize, Serialize};

/// What a token may do; each may all that the one before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look.
    Read,
    /// Say what becomes of machines.
    Operate,
    /// Everything: configuration, tokens, the database.
    Admin,
}

impl Role {
    /// All, with their words.
    pub const ALL: [(&'static str, Role); 3] = [
        ("read", Role::Read),
        ("operate", Role::Operate),
        ("admin", Role::Admin),
    ];

    /// The role of a word.
    pub fn of(word: &str) -> Option<Role> {
        let mut all = Role::ALL.iter();
        all.find(|(one, _)| *one == word).map(|(_, role)| *role)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        let mut all = Role::ALL.iter();
        all.find(|(_, role)| *role == self)
            .map_or("read", |(word, _)| word)
    }
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// `GET`, ...
    pub method: &'static str,
    /// Below `/api/v1/`; a `*` stands for a name.
    pub path: &'static str,
    /// What a token must be allowed; `None`: it takes none.
    pub role: Option<Role>,
}

const fn reads(path: &'static str) -> Operation {
    operation("GET", path, Role::Read)
}

const fn operation(method: &'static str, path: &'static str, role: Role) -> Operation {
    Operation {
        method,
        path,
        role: Some(role),
    }
}

/// All of them.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        method: "GET",
        path: "openapi.json",
        role: None,
    },
    reads("status"),
    reads("live"),
    reads("machines"),
    reads("machines/*"),
    reads("machines/*/advice"),
    operation("POST", "machines/*/actions", Role::Operate),
    reads("machines/*/events"),
    reads("machines/*/overrides"),
    operation("PUT", "machines/*/overrides", Role::Operate),
    reads("machines/*/script"),
    reads("machines/*/timeline"),
    operation("POST", "machines/*/wake", Role::Operate),
    reads("events"),
    reads("findings"),
    reads("policies"),
    // Nothing changes by it: the method is that of a body.
    operation("POST", "policies/test", Role::Read),
    reads("profiles"),
    reads("lock"),
    operation("POST", "lock/update", Role::Admin),
    operation("POST", "lock/prune", Role::Admin),
    reads("images"),
    reads("loaders"),
    reads("fetches"),
    operation("POST", "fetches", Role::Operate),
    reads("fetches/*"),
    operation("DELETE", "fetches/*", Role::Operate),
    operation("GET", "config", Role::Admin),
    operation("POST", "config/check", Role::Admin),
    operation("GET", "config/fragments", Role::Admin),
    operation("GET", "config/fragments/*", Role::Admin),
    operation("PUT", "config/fragments/*", Role::Admin),
    operation("DELETE", "config/fragments/*", Role::Admin),
    operation("POST", "config/fragments/*/revert", Role::Admin),
    operation("GET", "audit", Role::Admin),
    operation("GET", "tokens", Role::Admin),
    operation("POST", "tokens", Role::Admin),
    operation("DELETE", "tokens/*", Role::Admin),
    operation("POST", "backup", Role::Admin),
    operation("POST", "restore", Role::Admin),
];

/// The operations of a path's parts, whatever their method.
pub fn of<'a>(parts: &'a [&str]) -> impl Iterator<Item = &'static Operation> + use<'a> {
    OPERATIONS.iter().filter(|one| fits(one.path, parts))
}

fn fits(path: &str, parts: &[&str]) -> bool {
    let path: Vec<&str> = path.split('/').collect();
    let mut pairs = path.iter().zip(parts);
    path.len() == parts.len()
        && pairs.all(|(known, part)| known == part || *known == "*" && !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_in_order_and_have_words() {
        assert!(Role::Read < Role::Operate && Role::Operate < Role::Admin);
        for (word, role) in Role::ALL {
            assert_eq!((Role::of(word), role.word()), (Some(role), word));
        }
        assert_eq!(Role::of("root"), None);
    }

    #[test]
    fn a_path_has_its_operations() {
        let methods = |path: &str| {
            let parts: Vec<&str> = path.split('/').collect();
            of(&parts).map(|one| one.method).collect::<Vec<_>>()
        };
        assert_eq!(methods("tokens"), ["GET", "POST"]);
        assert_eq!(methods("machines/oden/overrides"), ["GET", "PUT"]);
        for nothing in ["", "tokens/", "machines//events", "status/x"] {
            assert!(methods(nothing).is_empty(), "{nothing}");
        }
    }
}
