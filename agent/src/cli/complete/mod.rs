//! `hearth complete`: what may stand at the cursor of a command line, for the scripts that
//! `hearth completions` prints. Commands and options are those of [`Arguments`]; names are asked of the
//! running agent ([`names`]).
//!
//! A line for each: the word, a tab, and what it is in a few words. A place that takes a file has the
//! line `:files`: the shell completes those itself, and knows how to quote them.

mod names;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Arg, Command, CommandFactory, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::args::Arguments;
use super::exit::Failed;
use super::print;
use names::{Kind, Names};

/// What stands for files.
const FILES: &str = ":files";

pub fn complete(words: &[OsString], at: usize) -> Result<u8, Failed> {
    let mut words = words.to_vec();
    words.resize(at + 1, OsString::new());
    let begins_option = words[at].to_string_lossy().starts_with('-');
    let names = Arc::new(Names::of(config_of(&words)));
    let mut command = known(Arguments::command(), &names);
    let found = clap_complete::engine::complete(&mut command, words, at, None).unwrap_or_default();
    let is_option = |one: &&CompletionCandidate| one.get_value().to_string_lossy().starts_with('-');
    let shown = found.iter().filter(|one| !one.is_hide_set());
    // Where a name can stand, options are offered to whoever begins one.
    let has_names = found.iter().any(|one| !is_option(&one));
    let shown = shown.filter(|one| begins_option || !has_names || !is_option(one));
    let lines = shown.filter_map(|one| {
        let value = one.get_value().to_str().filter(|value| is_plain(value))?;
        // A value behind `--option=` has that before it.
        let value = if value.ends_with(FILES) { FILES } else { value };
        let what = one.get_help().map(ToString::to_string).unwrap_or_default();
        let what = what.lines().next().unwrap_or_default();
        Some(format!("{value}\t{what}\n"))
    });
    print(&lines.collect::<String>())?;
    Ok(0)
}

/// Whether every shell takes a word as it is: bash puts it into the line without quotes, and it may be
/// a name that somebody else chose.
fn is_plain(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-+@/=,".contains(&byte);
    !word.is_empty() && word.bytes().all(plain)
}

/// The configuration that the line names, whose agent is asked.
fn config_of(words: &[OsString]) -> PathBuf {
    let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    let behind = |pair: &[&str]| (pair[0] == "--config").then(|| pair[1].to_owned());
    let named = words
        .iter()
        .find_map(|word| word.strip_prefix("--config=").map(str::to_owned))
        .or_else(|| words.windows(2).find_map(behind));
    let Some(named) = named else {
        return PathBuf::from(super::args::CONFIG);
    };
    // As it was typed: the shell has not taken its marks away yet.
    let named = named.replace(['\'', '"', '\\'], "");
    match (named.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(named),
    }
}

/// The command with its arguments' candidates.
fn known(command: Command, names: &Arc<Names>) -> Command {
    let above = command.get_name().to_owned();
    command
        .mut_args(|arg| candidates(&above, arg, names))
        .mut_subcommands(|below| known(below, names))
}

fn candidates(command: &str, arg: Arg, names: &Arc<Names>) -> Arg {
    if let Some(kind) = kind_of(command, arg.get_id().as_str()) {
        let names = names.clone();
        return arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
            let found = names.of_kind(kind, &typed.to_string_lossy());
            let found = found
                .into_iter()
                .map(|(value, what)| CompletionCandidate::new(value).help(Some(what.into())));
            found.collect()
        }));
    }
    match arg.get_value_hint() {
        ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath => {
            arg.add(ArgValueCompleter::new(|_: &OsStr| {
                vec![CompletionCandidate::new(FILES)]
            }))
        }
        _ => arg,
    }
}

/// What an argument takes, by its name and that of its command.
fn kind_of(command: &str, argument: &str) -> Option<Kind> {
    Some(match (command, argument) {
        (_, "machine") => Kind::Machine,
        (_, "profile") => Kind::Profile,
        (_, "fetch") => Kind::Fetch,
        ("fetch" | "update", "names") => Kind::Fetchable,
        ("show" | "delete" | "revert", "name") => Kind::Fragment,
        ("revoke", "name") => Kind::Token,
        ("list", "tag") => Kind::Tag,
        ("list", "phase") => Kind::Words(&names::PHASES),
        ("script", "item") => Kind::Item,
        ("set", "loader") => Kind::Loader,
        ("set", "local_boot") => Kind::Words(&["exit", "none", "sanboot"]),
        ("create", "role") => Kind::Words(&["admin", "operate", "read"]),
        ("snippet", "server") => Kind::Words(&["dnsmasq", "isc", "kea", "mikrotik", "windows"]),
        ("script", "platform") => Kind::Words(&["efi", "pcbios"]),
        ("script", "arch") => Kind::Words(&["amd64", "arm32", "arm64", "i386"]),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_no_shell_takes_for_more_are_offered() {
        for plain in [
            "oden",
            "52:54:00:00:00:01",
            "--config=:files",
            "siderolabs/bnx2",
            "v1.11.2",
        ] {
            assert!(is_plain(plain), "{plain}");
        }
        for more in [
            "", "a b", "$(id)", "`id`", "a;b", "a&b", "*", "~", "a\nb", "å", "a'b", "!1", "{a}",
        ] {
            assert!(!is_plain(more), "{more:?}");
        }
    }

    #[test]
    fn the_configuration_is_the_one_of_the_line() {
        let of = |line: &str| config_of(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(
            of("hearth --config './a.toml' machine"),
            PathBuf::from("./a.toml")
        );
        assert_eq!(
            of("hearth machine --config=/b.toml show"),
            PathBuf::from("/b.toml")
        );
        assert_eq!(
            of("hearth machine show"),
            PathBuf::from(super::super::args::CONFIG)
        );
        assert!(of("hearth --config ~/a.toml").ends_with("a.toml"));
    }

    #[test]
    fn every_machine_and_profile_on_the_command_line_is_known_by_name() {
        fn look(command: &Command, seen: &mut usize) {
            for arg in command.get_arguments() {
                let (name, id) = (command.get_name(), arg.get_id().as_str());
                let value = arg.get_value_names().and_then(<[_]>::first);
                if matches!(
                    value.map(|value| value.as_str()),
                    Some("MACHINE" | "PROFILE" | "FETCH")
                ) {
                    assert!(kind_of(name, id).is_some(), "{name} {id}");
                    *seen += 1;
                }
            }
            command
                .get_subcommands()
                .for_each(|below| look(below, seen));
        }
        let mut command = Arguments::command();
        command.build();
        let mut seen = 0;
        look(&command, &mut seen);
        assert!(seen >= 15, "{seen}");
    }

    #[test]
    fn words_are_those_that_the_arguments_take() {
        use std::str::FromStr;
        for word in ["efi", "pcbios"] {
            assert!(crate::arch::Platform::from_str(word).is_ok(), "{word}");
        }
        for word in ["amd64", "arm32", "arm64", "i386"] {
            assert!(crate::arch::Cpu::from_str(word).is_ok(), "{word}");
        }
        for word in ["dnsmasq", "isc", "kea", "mikrotik", "windows"] {
            assert!(crate::dhcp::Server::from_str(word).is_ok(), "{word}");
        }
        for word in ["admin", "operate", "read"] {
            assert!(crate::api::Role::of(word).is_some(), "{word}");
        }
    }
}
