//! Whether a machine meets a policy.

use crate::config::{Condition, Policy};
use crate::machine::Facts;

/// Every condition holds.
pub fn matches(policy: &Policy, facts: &Facts) -> bool {
    policy
        .conditions
        .iter()
        .all(|condition| holds(condition, facts))
}

fn holds(condition: &Condition, facts: &Facts) -> bool {
    let values = facts.values(condition.fact);
    let meets = |pattern: &String| values.iter().any(|value| glob(pattern, value));
    condition.patterns.iter().any(meets)
}

/// Whether a text meets a pattern: `*` stands for any text, `?` for one character, and letter case
/// does not count, because makers change it between models.
pub fn glob(pattern: &str, text: &str) -> bool {
    let fold = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    let (pattern, text) = (fold(pattern), fold(text));
    let (mut p, mut t) = (0, 0);
    // After a mismatch only the last `*` is tried again, one character further on: with globs that
    // is enough, and keeps hostile patterns from taking exponential time.
    let mut retry = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t + 1));
                p += 1;
            }
            Some(&character) if character == '?' || character == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after_star, next)) => {
                    (p, t) = (after_star, next);
                    retry = Some((after_star, next + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&character| character == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_meet_what_people_expect() {
        for (pattern, text) in [
            ("IBM*", "ibm corp."),
            ("*x3550*", "System x3550 M3 -[7944]-"),
            ("?b?", "abc"),
            ("*", ""),
            ("a*b*c", "a--b-b--c"),
        ] {
            assert!(glob(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("IBM", "IBM Corp."), ("?", ""), ("a*b", "abc"), ("", "x")] {
            assert!(!glob(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_ends() {
        assert!(!glob(&"*a".repeat(500), &"a".repeat(400)));
    }
}
