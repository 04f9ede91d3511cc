//! The command line: parses it ([`args`]), calls the library, prints, and says how it went in the
//! exit code ([`exit`]). Nothing else in the library prints or ends the process.

mod advise;
mod apply;
mod args;
mod check;
mod client;
mod complete;
mod config;
mod dhcp;
mod events;
mod exit;
mod fetch;
mod fetches;
mod follow;
mod images;
mod lock;
mod machine;
mod pages;
mod policy;
mod progress;
mod script;
mod status;
mod table;
mod talos;
mod token;
mod top;
mod value;
mod view;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use serde_json::{Value, json};

use crate::config::{self as configuration, Config};
use crate::daemon;
use args::{Arguments, Command};
use exit::Failed;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let began = Instant::now();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { exit::USAGE } else { 0 });
        }
    };
    match run(&arguments, began) {
        Ok(code) => ExitCode::from(code),
        Err(Failed { code: 0, .. }) => ExitCode::SUCCESS,
        Err(Failed { code, text }) => {
            let _ = writeln!(io::stderr(), "error: {text}");
            ExitCode::from(code)
        }
    }
}

fn run(arguments: &Arguments, began: Instant) -> Result<u8, Failed> {
    let path = &arguments.config;
    match &arguments.command {
        Command::Serve => serve(path, began),
        Command::Check { serve } => check::check(path, *serve),
        Command::Fetch { names, by } => match by.is_agent() {
            true => images::have(path, "fetches", &json!({ "names": names }), *by),
            false => fetch::fetch(&load(path)?, names),
        },
        Command::Images { output } => images::images(path, *output),
        Command::Loaders { output } => images::loaders(path, *output),
        Command::Fetches(command) => fetches::fetches(path, command),
        Command::Status { output } => status::status(path, *output),
        Command::Top { once, json } => top::top(path, *once, *json),
        Command::Script(machine) => script::script(path, machine),
        Command::Dhcp(command) => dhcp::dhcp(&load(path)?, command),
        Command::Lock(command) => lock::lock(path, command),
        Command::Talos(command) => talos::talos(&load(path)?, command),
        Command::Machine(command) => machine::machine(path, command),
        Command::Policy(command) => policy::policy(path, command),
        Command::Profiles { json } => policy::profiles(path, *json),
        Command::Timeline {
            machine,
            all,
            output,
        } => events::timeline(path, machine, *all, *output),
        Command::Findings { output } => events::findings(path, *output),
        Command::Events {
            machine,
            number,
            output,
        } => events::events(path, machine.as_deref(), *number, *output),
        Command::Advise { machine, pci, json } => {
            advise::advise(path, machine.as_deref(), *pci, *json)
        }
        Command::Token(command) => token::token(path, command),
        Command::Apply(command) => apply::apply(path, command),
        Command::Config(command) => config::config(path, command),
        Command::Audit { number, json } => token::audit(path, *number, *json),
        Command::Backup { file, json } => events::copy(path, "backup", file, *json),
        Command::Restore { file, json } => events::copy(path, "restore", file, *json),
        Command::Completions { shell } => pages::completions(*shell),
        Command::Complete { at, words } => complete::complete(words, usize::from(*at)),
        Command::Openapi => print(crate::api::OPENAPI).map(|()| 0),
        Command::Man { folder } => pages::man(folder.as_deref()),
    }
}

fn serve(path: &Path, began: Instant) -> Result<u8, Failed> {
    crate::log::start();
    match daemon::serve(path, began) {
        Ok(()) => Ok(0),
        Err(error) => Err(Failed::new(error.exit_code(), error.to_string())),
    }
}

/// Prints what came of something that was done: the answer for programs, a sentence for people.
fn done(answer: &Value, json: bool, sentence: &str) -> Result<(), Failed> {
    match json {
        true => print(&format!("{answer:#}\n")),
        false => print(&format!("{sentence}\n")),
    }
}

/// Prints to standard output.
fn print(text: &str) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// The configuration for a command that does not listen: addresses are not held against this host.
fn load(path: &Path) -> Result<Config, Failed> {
    match configuration::load(path, &configuration::Environment::default()) {
        Ok(loaded) => Ok(loaded.config),
        Err(mistakes) => {
            let text = format!("the configuration is refused\n{mistakes}");
            Err(Failed::new(exit::CONFIG, text))
        }
    }
}
