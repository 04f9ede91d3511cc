//! Completions and manual pages, made from the command line's own description.

use std::fs;
use std::path::Path;

use clap::CommandFactory;

use super::args::Arguments;
use super::{Failed, print};

pub fn completions(shell: clap_complete::Shell) -> Result<u8, Failed> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "hearth", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}

pub fn man(folder: Option<&Path>) -> Result<u8, Failed> {
    let mut command = Arguments::command();
    command.build();
    let Some(folder) = folder else {
        print(&page(&command)?)?;
        return Ok(0);
    };
    write(folder, "hearth", &command)?;
    Ok(0)
}

fn write(folder: &Path, name: &str, command: &clap::Command) -> Result<(), Failed> {
    let path = folder.join(format!("{name}.8"));
    fs::write(&path, page(command)?)
        .map_err(|error| Failed::new(73, format!("writing {}: {error}", path.display())))?;
    for below in command
        .get_subcommands()
        .filter(|below| below.get_name() != "help")
    {
        write(folder, &format!("{name}-{}", below.get_name()), below)?;
    }
    Ok(())
}

fn page(command: &clap::Command) -> Result<String, Failed> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone())
        .section("8")
        .render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widths(command: &mut clap::Command, path: &str) {
        for line in command.render_long_help().to_string().lines() {
            assert!(line.chars().count() <= 80, "{path}: {line}");
        }
        for below in command.get_subcommands_mut() {
            let path = format!("{path} {}", below.get_name());
            widths(below, &path);
        }
    }

    #[test]
    fn no_help_is_wider_than_80_columns() {
        Arguments::command().debug_assert();
        let mut command = Arguments::command();
        command.build();
        widths(&mut command, "hearth");
    }
}
