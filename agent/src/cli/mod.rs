//! The command line: parses it, calls the library, prints, and says how it went in the exit code.

mod args;
mod fetch;
mod lock;
mod pages;
mod script;
mod status;

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use crate::config::{self, Config};
use crate::{daemon, dhcp};
use args::{Arguments, Command, Dhcp};

/// Usage error (sysexits.h `EX_USAGE`).
const USAGE: u8 = 64;
/// Configuration error (`EX_CONFIG`).
const CONFIG: u8 = 78;

/// What a command did not manage: its sentence for standard error, and its exit code.
struct Failed {
    code: u8,
    text: String,
}

impl Failed {
    fn new(code: u8, text: impl Into<String>) -> Failed {
        Failed {
            code,
            text: text.into(),
        }
    }
}

impl From<io::Error> for Failed {
    /// Writing to standard output; who closes the pipe has read enough.
    fn from(error: io::Error) -> Failed {
        let code = if error.kind() == io::ErrorKind::BrokenPipe {
            0
        } else {
            74
        };
        Failed::new(code, format!("writing to standard output: {error}"))
    }
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    match run(&arguments) {
        Ok(code) => ExitCode::from(code),
        Err(Failed { code: 0, .. }) => ExitCode::SUCCESS,
        Err(Failed { code, text }) => {
            let _ = writeln!(io::stderr(), "error: {text}");
            ExitCode::from(code)
        }
    }
}

fn run(arguments: &Arguments) -> Result<u8, Failed> {
    let path = &arguments.config;
    match &arguments.command {
        Command::Serve => {
            crate::log::start();
            daemon::serve(path)
                .map(|()| 0)
                .map_err(|error| Failed::new(error.exit_code(), error.to_string()))
        }
        Command::Check => check(path),
        Command::Fetch { names } => fetch::fetch(&load(path)?, names),
        Command::Status { json } => status::status(&load(path)?, *json),
        Command::Script(machine) => script::script(load(path)?, machine),
        Command::Dhcp(Dhcp::Snippet { server, address }) => {
            snippet(&load(path)?, *server, *address)
        }
        Command::Lock(command) => lock::lock(&load(path)?, command),
        Command::Completions { shell } => pages::completions(*shell),
        Command::Man { folder } => pages::man(folder.as_deref()),
    }
}

fn print(text: &str) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// The configuration for a command that does not listen: addresses are not held against this host.
fn load(path: &Path) -> Result<Config, Failed> {
    config::load(path, &config::Environment::default())
        .map(|loaded| loaded.config)
        .map_err(|mistakes| {
            Failed::new(CONFIG, format!("the configuration is refused\n{mistakes}"))
        })
}

fn check(path: &Path) -> Result<u8, Failed> {
    let environment = daemon::environment();
    let (mistakes, code) = match config::load(path, &environment) {
        Ok(loaded) => (loaded.warnings, 0),
        Err(mistakes) => (mistakes, CONFIG),
    };
    if !mistakes.is_empty() {
        let _ = writeln!(io::stderr(), "{mistakes}");
    }
    if code == 0 {
        print("configuration is valid\n")?;
    }
    Ok(code)
}

fn snippet(config: &Config, server: dhcp::Server, address: Option<Ipv4Addr>) -> Result<u8, Failed> {
    let own = config
        .server
        .addresses
        .iter()
        .find_map(|address| match address {
            IpAddr::V4(address) if !address.is_unspecified() => Some(*address),
            _ => None,
        });
    let Some(address) = address.or(own) else {
        return Err(Failed::new(
            USAGE,
            "server.addresses has no IPv4 address that machines could be sent to: give --address",
        ));
    };
    print(&dhcp::snippet(config, server, address))?;
    Ok(0)
}
