//! `[[profile]]`, with Omni's keys and the secret among them.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::de::DeValue;

use super::super::reader::Value;
use super::super::report::Report;
use super::super::secret;
use super::super::source::Placed;
use super::super::suggest::nearest;
use super::super::table::Table;
use super::super::{AnswerFile, Installed, Label, Omni, OpenArgument, defaults, raw, schema};
use super::{answers, name};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn read(table: Table, report: &mut Report) -> raw::Profile {
    let profile_name = table
        .need("name", report)
        .and_then(|value| name(value, report));
    let label = match table.get("label") {
        Some(value) => value.word(Label::new, report).map(|label| label.value),
        None => profile_name
            .as_ref()
            .and_then(|name| Label::new(name.value.as_str()).ok()),
    };
    let image = table
        .need("image", report)
        .and_then(|value| name(value, report));
    let omni = table.get("omni").and_then(|value| {
        let omni = omni(value, report)?;
        Some(Placed::new(omni, value.key_place()))
    });
    let installed = table.get("installed");
    let choices = [
        ("callback", Installed::Callback),
        ("next-boot", Installed::NextBoot),
        ("never", Installed::Never),
    ];
    let installed = installed.and_then(|value| value.choice(&choices, report));
    let installed = installed.map_or(defaults::INSTALLED, |installed| installed.value);
    let (files, asks) = table
        .get("answers")
        .map(|value| answers::answers(value, report))
        .unwrap_or_default();
    let open = table.get("arguments");
    let open = open.and_then(|value| value.words(OpenArgument::new, report));
    let open = open.unwrap_or_default();
    check_answers(&table, &files, &open, installed, report);
    raw::Profile {
        name: profile_name,
        label,
        image,
        arguments: open.into_iter().map(|one| one.value).collect(),
        answers: files
            .into_iter()
            .filter_map(|(name, file)| Some((name, file?)))
            .collect(),
        asks,
        variables: table
            .get("variables")
            .map(|value| answers::variables(value, report))
            .unwrap_or_default(),
        omni,
        installed,
        tries: table
            .get("tries")
            .and_then(|value| value.integer(1..=100, report))
            .unwrap_or(defaults::TRIES),
        timeout: table
            .get("timeout")
            .and_then(|value| value.duration(MINUTE, 48 * HOUR, report))
            .map_or(defaults::INSTALL_TIMEOUT, |timeout| timeout.value),
    }
}

/// Holds the answers against the arguments that name them, and against how installations end.
fn check_answers(
    table: &Table,
    files: &BTreeMap<String, Option<AnswerFile>>,
    arguments: &[Placed<OpenArgument>],
    installed: Installed,
    report: &mut Report,
) {
    for argument in arguments {
        for name in argument
            .value
            .answers()
            .filter(|name| !files.contains_key(*name))
        {
            let message = format!("this profile has no answer `{name}`");
            let draft = report.error(argument.place, message);
            if let Some(meant) = nearest(name, files.keys().map(String::as_str)) {
                draft.note(format!("did you mean `{meant}`?"));
            }
            draft.note("the installer would ask for it and get nothing; declare it in `answers`");
        }
    }
    let Some(answers) = table.get("answers").filter(|_| !files.is_empty()) else {
        return;
    };
    let is_asked_for = arguments.iter().any(|argument| argument.value.is_open());
    if installed == Installed::Never {
        report
            .error(
                answers.key_place(),
                "`answers` in a profile whose `installed` is \"never\"",
            )
            .note(
                "answers are given out while an installation is under way, and this profile has \
                 none: write `installed = \"callback\"` or `installed = \"next-boot\"`",
            );
    } else if !is_asked_for {
        report
            .warning(answers.key_place(), "no kernel argument names an answer")
            .note(
                "nothing would ask for them: write for example \
                 `arguments = [\"talos.config=${answer:config.yaml}\"]`",
            );
    }
}

fn omni(value: Value, report: &mut Report) -> Option<Omni> {
    if !matches!(value.data(), DeValue::Table(_)) {
        // It may be the token, put where the table belongs.
        report.hide(value.place());
    }
    let table = value.table(&schema::OMNI, report)?;
    let api = table.need("api", report);
    let api = api.and_then(|value| value.word(omni_api, report));
    let token = table.get("token");
    let token = token.and_then(|value| secret::read(value, report));
    let events = table.get("events");
    let events = events.and_then(|value| value.word(host_and_port, report));
    let fallback = table.get("fallback");
    let fallback = fallback.and_then(|value| value.boolean(report));
    let logs = table.get("logs");
    let logs = logs.and_then(|value| value.word(log_target, report));
    Some(Omni {
        api: api?.value,
        token,
        fallback: fallback.unwrap_or(defaults::OMNI_FALLBACK),
        events: events.map(|events| events.value),
        logs: logs.map(|logs| logs.value),
    })
}

/// A word that is one kernel argument's value, and that iPXE and a URL take as it is.
fn plain(text: &str) -> bool {
    text.len() <= 512
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~:/?[]@!*+,=%&".contains(&b))
}

fn omni_api(text: &str) -> Result<String, String> {
    let rest = text
        .strip_prefix("https://")
        .or(text.strip_prefix("grpc://"));
    let host = rest
        .and_then(|rest| rest.split(['/', '?']).next())
        .unwrap_or("");
    if text.to_ascii_lowercase().contains("jointoken=") {
        Err("the join token belongs in `token`, where it is kept secret".to_owned())
    } else if !plain(text) || host.is_empty() {
        Err(
            "must be Omni's address as Omni shows it: `https://NAME...` or `grpc://HOST:PORT`"
                .to_owned(),
        )
    } else {
        Ok(text.to_owned())
    }
}

/// `[fdae:41e4:649b:9303::1]:8090`, `omni.example:8090`.
fn host_and_port(text: &str) -> Result<String, String> {
    let parts = text.rsplit_once(':');
    let holds = parts.is_some_and(|(host, port)| {
        let inner = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let host_holds = match inner {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !host.is_empty()
                    && host
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
            }
        };
        host_holds && port.parse::<u16>().is_ok_and(|port| port > 0) && !port.starts_with('+')
    });
    if holds {
        Ok(text.to_owned())
    } else {
        Err("must be a host and its port: `[fdae:41e4:649b:9303::1]:8090`".to_owned())
    }
}

/// `tcp://[fdae:41e4:649b:9303::1]:8092`, `udp://...`.
fn log_target(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("tcp://").or(text.strip_prefix("udp://"));
    match rest.map(|rest| host_and_port(rest.trim_end_matches('/'))) {
        Some(Ok(_)) => Ok(text.to_owned()),
        _ => Err(
            "must be an address for logs: `tcp://[fdae:41e4:649b:9303::1]:8092`, or `udp://`"
                .to_owned(),
        ),
    }
}
