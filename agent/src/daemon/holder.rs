//! Who has a port that Hearth wants, and what to do about it.

use std::net::SocketAddr;

#[cfg(target_os = "freebsd")]
use crate::sys::ports;

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// For TFTP.
    Udp,
    /// For HTTP.
    Tcp,
}

/// A reload opens the new sockets before it closes the old, so that it can be refused as a whole.
const OURSELVES: &str = "this agent itself has it with another address; what overlaps an old \
                         address (0.0.0.0 any other) needs a restart";

/// Who has the port of an address and what to do, as a part of a sentence; `None` if it cannot be
/// found out.
pub fn of(transport: Transport, address: SocketAddr) -> Option<String> {
    #[cfg(target_os = "linux")]
    let found = linux::process(transport, address);
    #[cfg(target_os = "freebsd")]
    let found = ports::holder(transport == Transport::Tcp, address);
    let Some((name, process)) = found else {
        return by_hand(transport, address);
    };
    if process == std::process::id() {
        return Some(OURSELVES.to_owned());
    }
    Some(format!(
        "{name}, process {process}, has it; {}",
        remedy(&name)
    ))
}

/// What shows it to somebody who may see it.
fn by_hand(transport: Transport, address: SocketAddr) -> Option<String> {
    cfg!(target_os = "freebsd").then(|| {
        format!(
            "`sockstat -l -P {} -p {}` shows who has it: stop that program",
            transport.name(),
            address.port()
        )
    })
}

impl Transport {
    fn name(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        }
    }
}

/// What a person does about a program that is in the way.
fn remedy(program: &str) -> &'static str {
    match program {
        "in.tftpd" | "tftpd" if cfg!(target_os = "freebsd") => {
            "stop this TFTP server for good (on OPNsense: Services: TFTP, take out the tick at Enable, and \
             save)"
        }
        "in.tftpd" | "tftpd" => {
            "stop this TFTP server for good (on Debian: systemctl disable --now tftpd-hpa)"
        }
        "atftpd" => "stop this TFTP server for good (on Debian: systemctl disable --now atftpd)",
        "dnsmasq" => "take `enable-tftp` out of its configuration",
        "inetd" | "xinetd" => "take the line `tftp` out of its configuration, and reload it",
        "systemd" => "it waits for another program: systemctl list-sockets names it",
        "hearth" => "stop the other hearth first",
        _ => "stop that program",
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::net::{IpAddr, SocketAddr};
    use std::path::PathBuf;

    use super::Transport;

    /// Name and number of the process that listens where `address` would.
    pub fn process(transport: Transport, address: SocketAddr) -> Option<(String, u32)> {
        let tables = match transport {
            Transport::Udp => ["/proc/net/udp", "/proc/net/udp6"],
            Transport::Tcp => ["/proc/net/tcp", "/proc/net/tcp6"],
        };
        let links: Vec<PathBuf> = tables
            .iter()
            .filter_map(|table| fs::read_to_string(table).ok())
            .flat_map(|table| inodes(&table, transport, address))
            .map(|inode| PathBuf::from(format!("socket:[{inode}]")))
            .collect();
        let processes = fs::read_dir("/proc").ok()?.flatten();
        processes.into_iter().find_map(|process| {
            let number: u32 = process.file_name().to_str()?.parse().ok()?;
            let open = fs::read_dir(process.path().join("fd")).ok()?.flatten();
            let mut targets = open.filter_map(|one| fs::read_link(one.path()).ok());
            if !targets.any(|target| links.contains(&target)) {
                return None;
            }
            let name = fs::read_to_string(process.path().join("comm")).ok()?;
            Some((name.trim().to_owned(), number))
        })
    }

    /// The inodes of the sockets in the kernel's table (proc(5)) that are in the way of an address:
    /// at its port, with the same address or a wildcard, or any if it is a wildcard itself. Fields:
    /// second `ADDRESS:PORT` in hexadecimal, fourth the state (0A: listens), tenth the inode.
    fn inodes(table: &str, transport: Transport, address: SocketAddr) -> Vec<String> {
        let in_the_way = |line: &str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (host, port) = fields.get(1)?.rsplit_once(':')?;
            let same_port = u16::from_str_radix(port, 16) == Ok(address.port());
            let listens = transport == Transport::Udp || fields.get(3) == Some(&"0A");
            let wildcard = host.bytes().all(|digit| digit == b'0') || address.ip().is_unspecified();
            let same_host = host.eq_ignore_ascii_case(&hexadecimal(address.ip()));
            (same_port && listens && (wildcard || same_host))
                .then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
        };
        table.lines().skip(1).filter_map(in_the_way).collect()
    }

    /// An address as the tables write it: its 32-bit words as this machine's numbers.
    fn hexadecimal(address: IpAddr) -> String {
        let octets = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let words = octets.chunks_exact(4);
        words
            .map(|word| {
                let word = u32::from_ne_bytes([word[0], word[1], word[2], word[3]]);
                format!("{word:08X}")
            })
            .collect()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
 101: 0100007F:0045 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 111 2 0 0
 102: 00000000:0045 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 222 2 0 0
 103: 0100007F:0046 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 333 2 0 0
";

        #[cfg(target_endian = "little")]
        #[test]
        fn only_what_is_in_the_way_counts() {
            let of = |address: &str| inodes(TABLE, Transport::Udp, address.parse().unwrap());
            assert_eq!(of("127.0.0.1:69"), ["111", "222"]);
            assert_eq!(of("192.168.1.1:69"), ["222"]);
            assert_eq!(of("192.168.1.1:70"), [""; 0]);
            assert_eq!(of("0.0.0.0:70"), ["333"]);
            assert!(
                inodes(TABLE, Transport::Tcp, "127.0.0.1:69".parse().unwrap()).is_empty(),
                "state 07 does not listen"
            );
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_port_is_found() {
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        for (transport, address) in [
            (Transport::Udp, udp.local_addr().unwrap()),
            (Transport::Tcp, tcp.local_addr().unwrap()),
        ] {
            let (name, process) = linux::process(transport, address).unwrap();
            assert_eq!(process, std::process::id());
            assert!(!name.is_empty());
            assert_eq!(of(transport, address).as_deref(), Some(OURSELVES));
        }
    }
}
