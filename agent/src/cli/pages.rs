//! Completions and manual pages, made from the command line's own description.

use std::fs;
use std::io::Write;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate, shells};

use super::args::Arguments;
use super::exit::{CANNOT_CREATE, Failed, USAGE};
use super::print;

/// Section 8 of the manual: what administrates the system.
const SECTION: &str = "8";

const EXIT_STATUS: [(&str, &str); 9] = [
    ("0", "all went well"),
    ("64", "wrong use of the command line"),
    ("65", "a fetched file or the lock is not what it must be"),
    ("66", "a folder that is to be read is not there"),
    (
        "69",
        "an origin or the agent does not answer, or a port is in use",
    ),
    ("73, 74", "a file cannot be made, read or written"),
    ("75", "another hearth uses the same run folder"),
    ("77", "the user may not do this"),
    ("78", "the configuration is refused"),
];

const FILES: [(&str, &str); 5] = [
    ("/usr/local/etc/hearth/hearth.toml", "the configuration"),
    (
        "/usr/local/etc/hearth/conf.d/*.toml",
        "parts of it, in the order of their names",
    ),
    (
        "/usr/local/tftp",
        "what is served: loaders, images, and files of your own",
    ),
    (
        "/var/db/hearth/hearth.lock",
        "the size and sha256 of every fetched file",
    ),
    ("/var/run/hearth/hearth.sock", "the control socket"),
];

pub fn completions(shell: Shell) -> Result<u8, Failed> {
    let mut text = Vec::new();
    let mut command = Arguments::command();
    match shell {
        Shell::Bash => text.extend(include_bytes!("../../completions/hearth.bash")),
        Shell::Zsh => text.extend(include_bytes!("../../completions/hearth.zsh")),
        Shell::Fish => text.extend(include_bytes!("../../completions/hearth.fish")),
        Shell::Elvish => generate(shells::Elvish, &mut command, "hearth", &mut text),
        Shell::PowerShell => generate(shells::PowerShell, &mut command, "hearth", &mut text),
        _ => return Err(Failed::new(USAGE, format!("there are none for {shell}"))),
    }
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}

pub fn man(folder: Option<&Path>) -> Result<u8, Failed> {
    let mut command = Arguments::command();
    command.build();
    match folder {
        Some(folder) => write(folder, &command, None)?,
        None => print(&page(&command, None)?)?,
    }
    Ok(0)
}

fn write(folder: &Path, command: &Command, above: Option<&str>) -> Result<(), Failed> {
    let name = name(command);
    let path = folder.join(format!("{name}.{SECTION}"));
    fs::write(&path, page(command, above)?).map_err(|error| {
        let text = format!("writing {}: {error}", path.display());
        Failed::new(CANNOT_CREATE, text)
    })?;
    let mut below = command
        .get_subcommands()
        .filter(|below| !below.is_hide_set());
    below.try_for_each(|below| write(folder, below, Some(&name)))
}

/// `hearth-lock-check`.
fn name(command: &Command) -> String {
    let name = command.get_display_name();
    name.unwrap_or(command.get_name()).to_owned()
}

fn page(command: &Command, above: Option<&str>) -> Result<String, Failed> {
    let name = name(command);
    let man = clap_mangen::Man::new(command.clone())
        .title(name.to_uppercase())
        .section(SECTION)
        .source(concat!("hearth ", env!("CARGO_PKG_VERSION")))
        .manual("Hearth");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(examples) = command.get_after_long_help() {
        section(&mut page, "EXAMPLES", &examples.to_string())?;
    }
    if above.is_none() {
        list(&mut page, "EXIT STATUS", &EXIT_STATUS)?;
        list(&mut page, "FILES", &FILES)?;
    }
    if let Some(above) = above {
        writeln!(page, ".SH \"SEE ALSO\"\n.BR {above} ({SECTION})")?;
    }
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// Examples as they stand, without their heading.
fn section(page: &mut Vec<u8>, heading: &str, text: &str) -> Result<(), Failed> {
    writeln!(page, ".SH {heading}\n.nf")?;
    for line in text.lines().skip(1) {
        writeln!(page, "{}", roff(line.trim_start()))?;
    }
    Ok(writeln!(page, ".fi")?)
}

fn list(page: &mut Vec<u8>, heading: &str, rows: &[(&str, &str)]) -> Result<(), Failed> {
    writeln!(page, ".SH \"{heading}\"")?;
    for (what, means) in rows {
        writeln!(page, ".TP\n{}\n{}", roff(what), roff(means))?;
    }
    Ok(())
}

/// A line of text that roff takes for nothing else.
fn roff(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    match line.starts_with(['.', '\'']) {
        true => format!("\\&{line}"),
        false => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(command: &mut Command, look: &dyn Fn(&mut Command)) {
        look(command);
        for below in command.get_subcommands_mut() {
            every(below, look);
        }
    }

    fn commands(look: &dyn Fn(&mut Command)) {
        let mut command = Arguments::command();
        command.build();
        every(&mut command, look);
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn no_help_is_wider_than_80_columns() {
        commands(&|command| {
            let short = command.render_help().to_string();
            let long = command.render_long_help().to_string();
            for line in short.lines().chain(long.lines()) {
                let name = name(command);
                assert!(line.chars().count() <= 80, "{name}: {line}");
            }
        });
    }

    #[test]
    fn every_command_says_what_it_does_and_has_an_example() {
        commands(&|command| {
            let name = name(command);
            let about = command.get_about().map(ToString::to_string);
            assert!(about.is_some_and(|about| about.len() > 10), "{name}");
            let examples = command.get_after_long_help().map(ToString::to_string);
            let is_group = command.has_subcommands() && name != "hearth";
            assert!(
                is_group || examples.is_some_and(|text| text.contains("\n  hearth")),
                "{name} has no example"
            );
        });
    }

    #[test]
    fn every_option_says_what_it_does() {
        commands(&|command| {
            for option in command.get_arguments() {
                let (name, id) = (name(command), option.get_id());
                assert!(option.get_help().is_some(), "{name}: {id}");
            }
        });
    }

    #[test]
    fn every_page_names_what_is_above_it() {
        let mut command = Arguments::command();
        command.build();
        let lock = command.find_subcommand("lock").unwrap();
        let text = page(lock.find_subcommand("check").unwrap(), Some("hearth-lock")).unwrap();
        assert!(text.contains(".BR hearth-lock (8)"), "{text}");
        assert!(text.contains("hearth lock check\n"), "{text}");
    }
}
