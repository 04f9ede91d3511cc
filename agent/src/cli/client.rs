//! Asks the running agent over its control socket.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::exit::{CONFIG, DATA, Failed, UNAVAILABLE};
use super::follow::Stream;
use crate::config::defaults;
use crate::daemon::SOCKET;
use crate::limits;
pub use crate::percent::encoded;

/// Where the agent of a configuration is asked.
pub struct Client {
    socket: PathBuf,
    /// Why the configuration is refused, if it is.
    refused: Option<Failed>,
    /// How long it is waited for an answer.
    patience: Duration,
}

impl Client {
    /// Of a configuration file. Just when that became a bad one, the agent that runs with the old one
    /// is looked at.
    pub fn of(path: &Path) -> Client {
        let (run, refused) = match super::load(path) {
            Ok(config) => (config.server.run, None),
            Err(failed) => (run_of(path), Some(failed)),
        };
        Client {
            socket: run.join(SOCKET),
            refused,
            patience: limits::CLIENT_PATIENCE,
        }
    }

    /// Waits no longer than this for an answer.
    pub fn with_patience(self, patience: Duration) -> Client {
        Client { patience, ..self }
    }

    /// `GET /api/v1/PATH`.
    ///
    /// # Errors
    /// No agent answers (69), or it says what is wrong (65).
    pub fn get(&mut self, path: &str) -> Result<Value, Failed> {
        self.ask("GET", path, &[])
    }

    /// `POST /api/v1/PATH`.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn post(&mut self, path: &str, body: &Value) -> Result<Value, Failed> {
        self.ask("POST", path, body.to_string().as_bytes())
    }

    /// `DELETE /api/v1/PATH`.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn delete(&mut self, path: &str) -> Result<Value, Failed> {
        self.ask("DELETE", path, &[])
    }

    /// Any method with a body that may be no JSON.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Value, Failed> {
        self.ask(method, path, body)
    }

    /// `GET /api/v1/PATH` of something that is a text.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn get_text(&mut self, path: &str) -> Result<String, Failed> {
        match self.exchange_text("GET", path, &[]) {
            Ok((200, text)) => Ok(text),
            Ok((_, text)) => Err(refused(&serde_json::from_str(&text).unwrap_or_default())),
            Err(error) => Err(self.unanswered(&error)),
        }
    }

    /// `GET /api/v1/PATH` as server-sent events, from behind the event `last`.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn follow(&mut self, path: &str, last: Option<u64>) -> Result<Stream, Failed> {
        let mut reader = match self.open(path, last) {
            Ok(reader) => reader,
            Err(error) => return Err(self.unanswered(&error)),
        };
        let head = head_of(&mut reader).map_err(|error| self.unanswered(&error))?;
        if status_of(&head).is_some_and(|status| status == 200) {
            return Ok(Stream::new(reader));
        }
        let mut body = String::new();
        let read = reader.take(limits::STATUS_BYTES).read_to_string(&mut body);
        read.map_err(|error| self.unanswered(&error))?;
        Err(refused(&serde_json::from_str(&body).unwrap_or_default()))
    }

    /// HTTP/1.0, in which a body without a length is sent as it is until the end.
    fn open(&self, path: &str, last: Option<u64>) -> io::Result<BufReader<UnixStream>> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(self.patience))?;
        let last = last.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
        let head = format!(
            "GET /api/v1/{path} HTTP/1.0\r\nHost: hearth\r\nAccept: text/event-stream\r\n{last}\r\n"
        );
        stream.write_all(head.as_bytes())?;
        Ok(BufReader::new(stream))
    }

    fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Value, Failed> {
        let (status, answer) = match self.exchange(method, path, body) {
            Ok(answer) => answer,
            Err(error) => return Err(self.unanswered(&error)),
        };
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        Err(refused(&answer))
    }

    fn unanswered(&mut self, error: &io::Error) -> Failed {
        if let Some(refused) = self.refused.take() {
            return refused;
        }
        let path = self.socket.display();
        let remedy = match error.kind() {
            io::ErrorKind::PermissionDenied => "ask as root or as the group of the socket",
            _ => "is it running?",
        };
        Failed::new(
            UNAVAILABLE,
            format!("asking the agent at {path}: {error}; {remedy}"),
        )
    }

    fn exchange(&self, method: &str, path: &str, body: &[u8]) -> io::Result<(u16, Value)> {
        let (status, text) = self.exchange_text(method, path, body)?;
        let value = serde_json::from_str(&text).map_err(|error| {
            io::Error::other(format!("it answered {status} and no JSON ({error})"))
        })?;
        Ok((status, value))
    }

    fn exchange_text(&self, method: &str, path: &str, body: &[u8]) -> io::Result<(u16, String)> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(self.patience))?;
        let length = body.len();
        let head = format!(
            "{method} /api/v1/{path} HTTP/1.1\r\nHost: hearth\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut text = String::new();
        stream
            .take(limits::STATUS_BYTES)
            .read_to_string(&mut text)?;
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = status_of(head).ok_or_else(|| {
            let line = head.lines().next().unwrap_or_default();
            io::Error::other(format!("it answered {line:?}"))
        })?;
        Ok((status, body.to_owned()))
    }
}

fn status_of(head: &str) -> Option<u16> {
    head.split(' ').nth(1)?.parse().ok()
}

/// An answer's head, up to the empty line.
fn head_of(reader: &mut BufReader<UnixStream>) -> io::Result<String> {
    let mut reader = reader.take(limits::HTTP_HEAD_BYTES as u64);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
    }
    Ok(head)
}

/// What a problem document says; mistakes of the configuration are shown whole.
fn refused(answer: &Value) -> Failed {
    let detail = answer["detail"].as_str().unwrap_or("it does not say why");
    match answer["diagnostics"].as_str() {
        Some(mistakes) => Failed::new(CONFIG, format!("{detail}\n{mistakes}")),
        None => Failed::new(DATA, detail.to_owned()),
    }
}

/// `server.run` of a configuration that is refused.
fn run_of(path: &Path) -> PathBuf {
    let text = fs::read_to_string(path).unwrap_or_default();
    let table: toml::Table = text.parse().unwrap_or_default();
    let run = table.get("server").and_then(|server| server.get("run"));
    PathBuf::from(run.and_then(toml::Value::as_str).unwrap_or(defaults::RUN))
}
