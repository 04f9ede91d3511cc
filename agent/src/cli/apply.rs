//! `hearth apply`: puts a fragment of the configuration in force.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::client::{Client, encoded};
use super::exit::{DATA, Failed, NO_INPUT, USAGE};
use super::print;
use super::value::text;
use crate::limits;

/// What is applied.
#[derive(Debug, clap::Args)]
pub struct Apply {
    /// The file; `-` is standard input
    #[arg(long, short, value_name = "FILE")]
    pub file: std::path::PathBuf,
    /// What it is called; the file's name without `.toml` if not given
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Say only whether it would hold, and change nothing
    #[arg(long)]
    pub check: bool,
    /// For programs
    #[arg(long)]
    pub json: bool,
}

pub fn apply(config: &Path, apply: &Apply) -> Result<u8, Failed> {
    let content = read(&apply.file)?;
    let mut client = Client::of(config);
    let name = apply.name.as_deref().or_else(|| named(&apply.file));
    if apply.check {
        let name = name.map_or_else(String::new, |name| format!("?name={}", encoded(name)));
        let answer = client.send("POST", &format!("config/check{name}"), content.as_bytes())?;
        if apply.json {
            print(&format!("{answer:#}\n"))?;
            return Ok(0);
        }
        let warnings = text(&answer["warnings"]);
        if !warnings.is_empty() {
            print(&format!("{warnings}\n\n"))?;
        }
        print("it holds\n")?;
        return Ok(0);
    }
    let Some(name) = name else {
        let why = "standard input has no name: give one with --name";
        return Err(Failed::new(USAGE, why));
    };
    let path = format!("config/fragments/{}", encoded(name));
    let answer = client.send("PUT", &path, content.as_bytes())?;
    match apply.json {
        true => print(&format!("{answer:#}\n"))?,
        false => print(&format!("{name} is in force\n"))?,
    }
    Ok(0)
}

fn named(file: &Path) -> Option<&str> {
    let name = file.file_name()?.to_str()?;
    (name != "-").then(|| name.strip_suffix(".toml").unwrap_or(name))
}

pub fn read(file: &Path) -> Result<String, Failed> {
    let failed = |error: io::Error| {
        let code = match error.kind() {
            io::ErrorKind::InvalidData => DATA,
            _ => NO_INPUT,
        };
        Failed::new(code, format!("reading {}: {error}", file.display()))
    };
    let most = limits::CONTROL_BODY_BYTES as u64;
    let mut content = String::new();
    match file.as_os_str() == "-" {
        true => io::stdin().take(most + 1).read_to_string(&mut content),
        false => {
            File::open(file).and_then(|opened| opened.take(most + 1).read_to_string(&mut content))
        }
    }
    .map_err(failed)?;
    if content.len() as u64 > most {
        let why = format!("{} has more than {most} bytes: split it", file.display());
        return Err(Failed::new(DATA, why));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_name() {
        assert_eq!(named(Path::new("/tmp/lab.toml")), Some("lab"));
        assert_eq!(named(Path::new("lab")), Some("lab"));
        assert_eq!(named(Path::new("-")), None);
    }
}
