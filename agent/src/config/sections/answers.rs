//! `profile.answers`, and the `variables` of profiles and machines.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::de::DeValue;

use super::super::answers::{self, AnswerFile, Asks, Variable};
use super::super::excerpt::sounds_secret;
use super::super::reader::{Value, shown};
use super::super::report::Report;
use super::super::{Secret, schema, secret};
use crate::limits;
use crate::template;

/// The answers of a profile, and what their templates ask for.
pub(super) fn answers(
    value: Value,
    report: &mut Report,
) -> (BTreeMap<String, Option<AnswerFile>>, Vec<Asks>) {
    let (mut files, mut asked) = (BTreeMap::new(), Vec::new());
    let entries = value.free(report);
    if entries.len() > limits::ANSWERS {
        let problem = format!("must have at most {} of them", limits::ANSWERS);
        value.wrong::<()>(&problem, report);
        return (files, asked);
    }
    for (name, value) in entries {
        if !answers::is_name(name.value) {
            report
                .error(
                    name.place,
                    format!("`{}` is no name of an answer", shown(name.value)),
                )
                .note("a name such as `user-data` or `d-i/preseed.cfg`");
            continue;
        }
        let read = answer(name.value, value, report);
        let read = read.and_then(|(file, path)| {
            let names = match template::names(file.text.reveal()) {
                Ok(names) => names,
                Err(mistake) => return broken(value, path, &mistake, report),
            };
            asked.push(Asks {
                place: value.key_place(),
                path,
                names,
            });
            Some(file)
        });
        files.insert(name.value.to_owned(), read);
    }
    (files, asked)
}

/// A path, or a table of a path or a text.
fn answer(name: &str, value: Value, report: &mut Report) -> Option<(AnswerFile, Option<PathBuf>)> {
    let path = match value.data() {
        DeValue::String(_) => value,
        DeValue::Table(entries) => {
            let is_key = |key: &str| schema::ANSWER.find(key).is_some();
            if let Some(key) = entries
                .keys()
                .map(|key| key.get_ref())
                .find(|key| !is_key(key))
            {
                report
                    .error(value.key_place(), format!("the answer `{name}` has the key `{}`", shown(key)))
                    .note(format!(
                        "it is a path, `{{ file = \"...\" }}` or `{{ text = \"...\" }}`; a name with a \
                         point in it stands in quotes: `\"{name}.{}\" = ...`",
                        shown(key)
                    ));
                return None;
            }
            let table = value.table(&schema::ANSWER, report)?;
            match (table.get("file"), table.get("text")) {
                (Some(file), None) => file,
                (None, Some(text)) => return inline(text, report).map(|file| (file, None)),
                _ => return value.wrong("must have one of `file` and `text`", report),
            }
        }
        _ => return value.wrong("must be a path, or `{ text = \"...\" }`", report),
    };
    let place = path.string(report)?;
    let file = report.sources.folder(place.place).join(place.value);
    let text = secret::file_text(path, limits::ANSWER_BYTES, "answer", report)?;
    let answer = AnswerFile {
        text: Secret::new(text),
        path: Some(file.clone()),
    };
    Some((answer, Some(file)))
}

fn inline(value: Value, report: &mut Report) -> Option<AnswerFile> {
    report.hide(value.place());
    let text = value.string(report)?.value;
    if text.len() as u64 > limits::ANSWER_BYTES {
        let problem = format!("must have at most {} bytes", limits::ANSWER_BYTES);
        return value.wrong(&problem, report);
    }
    Some(AnswerFile {
        text: Secret::new(text.to_owned()),
        path: None,
    })
}

/// A template that is none, at its own file and line. The line is not shown: it may hold a secret.
fn broken<T>(
    value: Value,
    path: Option<PathBuf>,
    mistake: &template::Mistake,
    report: &mut Report,
) -> Option<T> {
    match path {
        Some(path) => {
            let line = mistake.line.unwrap_or(1);
            let message = format!("this answer is no template: {}", mistake.what);
            report
                .error_within(value.key_place(), path, line, message)
                .note_place("it is declared at", value.key_place())
                .note("machines would get no answer; what is no template stands between `{% raw %}` and `{% endraw %}`");
        }
        None => {
            report
                .error(
                    value.key_place(),
                    format!("this answer is no template: {mistake}"),
                )
                .note("machines would get no answer");
        }
    }
    None
}

/// `variables`.
pub(super) fn variables(value: Value, report: &mut Report) -> BTreeMap<String, Variable> {
    let entries = value.free(report);
    if entries.len() > limits::VARIABLES {
        let problem = format!("must have at most {} of them", limits::VARIABLES);
        value.wrong::<()>(&problem, report);
        return BTreeMap::new();
    }
    let mut variables = BTreeMap::new();
    for (name, value) in entries {
        let mut bytes = name.value.bytes();
        let begins = bytes
            .next()
            .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        if !begins
            || !bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
            || name.value.len() > 64
        {
            report
                .error(name.place, format!("`{}` is no name of a variable", shown(name.value)))
                .note("it has letters, digits and `_`, the first no digit, so that a template can ask for `variables.NAME`");
            continue;
        }
        if let Some(variable) = variable(name.value, value, report) {
            variables.insert(name.value.to_owned(), variable);
        }
    }
    variables
}

fn variable(name: &str, value: Value, report: &mut Report) -> Option<Variable> {
    match value.data() {
        DeValue::Table(_) => {
            let table = value.table(&schema::VARIABLE, report)?;
            let file = table.need("file", report)?;
            let text = secret::file_text(file, limits::VARIABLE_BYTES as u64, "secret", report)?;
            let text = text.trim_end_matches(['\r', '\n']).to_owned();
            Some(Variable::Secret(Secret::new(text)))
        }
        DeValue::String(text) if sounds_secret(name) => {
            secret::written(value, report);
            bounded(text, value, report)?;
            Some(Variable::Secret(Secret::new(text.to_string())))
        }
        DeValue::Array(_) => {
            let items = value.few_items(limits::VARIABLES, report)?;
            let items = items.into_iter().map(|item| plain(item, report));
            let items = items.collect::<Option<Vec<_>>>()?;
            Some(Variable::Plain(items.into()))
        }
        _ => plain(value, report).map(Variable::Plain),
    }
}

fn plain(value: Value, report: &mut Report) -> Option<serde_json::Value> {
    match value.data() {
        DeValue::String(text) => bounded(text, value, report).map(Into::into),
        DeValue::Integer(_) => value.integer(i64::MIN..=i64::MAX, report).map(Into::into),
        DeValue::Boolean(is) => Some((*is).into()),
        _ => value.wrong(
            "must be a string, a whole number, true or false, a list of these, or \
             `{ file = \"path\" }`",
            report,
        ),
    }
}

fn bounded<'a>(text: &'a str, value: Value, report: &mut Report) -> Option<&'a str> {
    match text.len() <= limits::VARIABLE_BYTES {
        true => Some(text),
        false => {
            let problem = format!("must have at most {} bytes", limits::VARIABLE_BYTES);
            value.wrong(&problem, report)
        }
    }
}
