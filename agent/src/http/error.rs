//! Why the server did not start.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the server did not start.
#[derive(Debug)]
pub enum StartError {
    /// An address could not be listened on.
    Listen {
        /// It, with the port.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The control socket could not be opened.
    Control {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system gave no threads or no event queue.
    Runtime(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
        match self {
            StartError::Listen { address, source } => {
                let (ip, port) = (address.ip(), address.port());
                write!(f, "listening for HTTP on {ip} port {port}: {source}; ")?;
                f.write_str(match source.kind() {
                    AddrInUse => "stop the program that has the port, or set server.http_port",
                    AddrNotAvailable => "no interface has this address, correct server.addresses",
                    PermissionDenied => "start as root, or set server.http_port above 1023",
                    _ => "correct server.addresses or server.http_port",
                })
            }
            StartError::Control { path, source } => {
                write!(
                    f,
                    "opening the control socket {}: {source}; ",
                    path.display()
                )?;
                f.write_str(match source.kind() {
                    AddrInUse => "another hearth is running, stop it or set server.run",
                    _ => "see that the folder of server.run is there and can be written",
                })
            }
            StartError::Runtime(source) => {
                write!(f, "starting the HTTP server's threads: {source}")
            }
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StartError::Listen { source, .. }
            | StartError::Control { source, .. }
            | StartError::Runtime(source) => Some(source),
        }
    }
}
