//! Templates of answer files: Jinja's language as minijinja has it, without anything that reads
//! files. What a template may cost is bounded, so that a loop that was meant otherwise takes neither
//! the processor nor the memory of a firewall.

use std::collections::BTreeSet;
use std::fmt;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};
use serde::Serialize;

use crate::limits;

/// What is wrong with a template. It never holds a value that was put in, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What, as the end of a sentence.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

impl std::error::Error for Mistake {}

/// Reads a template and returns the names that it asks for: `machine.name`, `answer_url`. What is
/// reached in another way than by points is not among them.
///
/// # Errors
/// [`Mistake`]: it is none.
pub fn names(source: &str) -> Result<BTreeSet<String>, Mistake> {
    let environment = environment();
    let template = environment.template_from_str(source).map_err(mistake)?;
    let functions: BTreeSet<&str> = environment.globals().map(|(name, _)| name).collect();
    let names = template.undeclared_variables(true).into_iter();
    Ok(names
        .filter(|name| !functions.contains(name.split('.').next().unwrap_or(name)))
        .collect())
}

/// Fills a template in.
///
/// # Errors
/// [`Mistake`]: it is none, it asks for a value that is not there, or it costs more than
/// [`limits::TEMPLATE_FUEL`].
pub fn render(source: &str, values: &impl Serialize) -> Result<String, Mistake> {
    let environment = environment();
    let template = environment.template_from_str(source).map_err(mistake)?;
    template.render(Value::from(Serde(values))).map_err(mistake)
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build();
    if let Ok(syntax) = syntax {
        environment.set_syntax(syntax);
    }
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(limits::TEMPLATE_FUEL));
    // It prints everything there is, secrets among it.
    environment.remove_global("debug");
    environment.add_filter("base64", |value: &str| base64(value.as_bytes()));
    environment
}

fn mistake(error: Error) -> Mistake {
    let told = match error.kind() {
        // These name words of the template, never values.
        ErrorKind::SyntaxError
        | ErrorKind::UndefinedError
        | ErrorKind::UnknownFilter
        | ErrorKind::UnknownFunction
        | ErrorKind::UnknownTest
        | ErrorKind::UnknownMethod
        | ErrorKind::MissingArgument
        | ErrorKind::TooManyArguments => error.detail(),
        _ => None,
    };
    let what = match (error.kind(), told) {
        (ErrorKind::OutOfFuel, _) => {
            "this takes more work or memory than a template may".to_owned()
        }
        (ErrorKind::UndefinedError, None) => "this value is not there".to_owned(),
        (kind, Some(told)) => format!("{kind}: {told}"),
        (kind, None) => kind.to_string(),
    };
    Mistake {
        line: error.line(),
        what,
    }
}

/// RFC 4648 section 4, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let number = (0..3).fold(0, |number, place| {
            number << 8 | u32::from(chunk.get(place).copied().unwrap_or(0))
        });
        for place in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(source: &str) -> Result<String, Mistake> {
        let values = json!({
            "machine": { "name": "oden", "tags": ["a", "b"] },
            "secret": "hunter2",
            "text": "a \"b\"\n<c> & ü",
        });
        render(source, &values)
    }

    #[test]
    fn a_template_is_filled_and_its_lines_stay_as_they_are() {
        assert_eq!(
            rendered("name: {{ machine.name }}\n{% if true %}\n  x: 1\n{% endif %}\nend\n\n")
                .unwrap(),
            "name: oden\n  x: 1\nend\n\n"
        );
        assert_eq!(
            rendered("{% for tag in machine.tags %}[{{ tag }}]{% endfor %}").unwrap(),
            "[a][b]"
        );
        // Nothing is escaped unless it is asked for.
        assert_eq!(rendered("{{ text }}").unwrap(), "a \"b\"\n<c> & ü");
        let json: serde_json::Value =
            serde_json::from_str(&rendered("{{ text|tojson }}").unwrap()).unwrap();
        assert_eq!(json, "a \"b\"\n<c> & ü");
    }

    #[test]
    fn a_value_that_is_not_there_is_a_mistake_with_its_line() {
        for source in [
            "\n\n{{ machine.nmae }}",
            "\n\n{{ nothing }}",
            "\n\n{{ machine.a.b }}",
        ] {
            assert_eq!(rendered(source).unwrap_err().line, Some(3), "{source}");
        }
        assert_eq!(rendered("{{ machine.nmae|default('x') }}").unwrap(), "x");
        assert_eq!(
            rendered("{% if machine.nmae is defined %}a{% endif %}").unwrap(),
            ""
        );
    }

    #[test]
    fn no_template_reads_another_file_or_shows_all_there_is() {
        for source in [
            "{% include '/etc/passwd' %}",
            "{% extends 'x' %}",
            "{% import 'x' as y %}",
            "{{ debug() }}",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        ] {
            assert!(rendered(source).is_err(), "{source}");
        }
    }

    #[test]
    fn a_template_that_costs_too_much_ends() {
        for source in [
            "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
            "{{ 'x' * 1000000000 }}",
            "{% set n = namespace(x='x') %}{% for a in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
            "{{ '%999999999d'|format(1) }}",
            "{{ range(100000)|list|tojson * 1000 }}",
        ] {
            assert!(rendered(source).is_err(), "{source}");
        }
        assert!(render(&"x".repeat(limits::ANSWER_BYTES as usize), &()).is_ok());
    }

    #[test]
    fn a_mistake_shows_no_value() {
        for source in [
            "{{ secret + 1 }}",
            "{{ secret|int }}",
            "{{ secret.x }}",
            "{{ secret() }}",
            "{{ secret|round }}",
            "{{ secret.run() }}",
            "{{ secret|map('nothing')|list }}",
            "{{ machine[secret] }}",
            "{{ secret|sort(attribute='x') }}",
            "{{ range(secret) }}",
            "{{ none|attr(secret) }}",
        ] {
            if let Err(mistake) = rendered(source) {
                assert!(
                    !mistake.to_string().contains("hunter2"),
                    "{source}: {mistake}"
                );
            }
        }
    }

    #[test]
    fn the_names_that_it_asks_for_are_known() {
        let found = names(
            "{{ machine.name }}{% for t in machine.tags %}{{ t }}{% endfor %}{{ answer_url }}\
             {% set own = variables.a %}{{ own }}{{ range(3) }}",
        );
        let found: Vec<_> = found.unwrap().into_iter().collect();
        assert_eq!(
            found,
            ["answer_url", "machine.name", "machine.tags", "variables.a"]
        );
        let wrong = names("a\nb {{ machine.name }\n").unwrap_err();
        assert_eq!(wrong.line, Some(2), "{wrong}");
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
        assert_eq!(rendered("{{ 'foobar'|base64 }}").unwrap(), "Zm9vYmFy");
    }
}
