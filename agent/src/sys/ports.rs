//! Which process has a port of FreeBSD, from the tables that sockstat(1) reads. Reading them is apart from
//! asking for them, so that tests run everywhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Name and number of the process that listens where `address` would; `None` if none is seen.
#[cfg(target_os = "freebsd")]
pub fn holder(tcp: bool, address: SocketAddr) -> Option<(String, u32)> {
    use super::sysctl;

    let name = if tcp { "tcp" } else { "udp" };
    let sockets = sysctl::by_name(&format!("net.inet.{name}.pcblist"))?;
    let sockets = in_the_way(&sockets, tcp, address);
    if sockets.is_empty() {
        return None;
    }
    let process = owner(&sysctl::by_name("kern.file")?, &sockets)?;
    let number = libc::c_int::try_from(process).ok()?;
    let told = [libc::CTL_KERN, libc::KERN_PROC, libc::KERN_PROC_PID, number];
    let told = sysctl::by_number(&told)?;
    let name = told.get(std::mem::offset_of!(libc::kinfo_proc, ki_comm)..)?;
    let name = name.split(|byte| *byte == 0).next()?;
    Some((String::from_utf8_lossy(name).into_owned(), process))
}

/// Where `struct xinpcb` (netinet/in_pcb.h) has what counts here, in FreeBSD 12 to 15. `struct xtcpcb`
/// (netinet/tcp_var.h) has one behind its own length.
mod at {
    /// `xi_socket.xso_so`
    pub const SOCKET: usize = 16;
    /// `xi_socket.so_options`
    pub const OPTIONS: usize = 166;
    /// `inp_inc.inc_ie.ie_lport`, in the order of the network.
    pub const PORT: usize = 254;
    /// `inp_inc.inc_ie.ie_dependladdr`: 16 bytes, of which IPv4 has the last four.
    pub const ADDRESS: usize = 272;
    /// `inp_vflag`
    pub const VERSIONS: usize = 392;
    /// Bytes of it all.
    pub const ALL: usize = 400;

    /// Where `struct xfile` (sys/file.h) has its process, and `xf_data`, which is the socket.
    pub const FILE_PROCESS: usize = 8;
    pub const FILE_DATA: usize = 56;
}

/// `SO_ACCEPTCONN` (sys/socket.h): it listens.
const LISTENS: u16 = 0x2;
/// `INP_IPV4` (netinet/in_pcb.h).
const IPV4: u8 = 0x1;

/// The kernel's numbers of the sockets in the way of an address: at its port, with the same address or a
/// wildcard, or any if it is a wildcard itself.
fn in_the_way(table: &[u8], tcp: bool, address: SocketAddr) -> Vec<u64> {
    let mut sockets = Vec::new();
    let mut records = Records(table);
    // `struct xinpgen` is the first and the last of them.
    records.next();
    for record in records {
        let record = if tcp { &record[8..] } else { record };
        if record.len() < at::ALL {
            break;
        }
        let port = u16::from_be_bytes([record[at::PORT], record[at::PORT + 1]]);
        let options = u16::from_ne_bytes([record[at::OPTIONS], record[at::OPTIONS + 1]]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&record[at::ADDRESS..at::ADDRESS + 16]);
        let [.., a, b, c, d] = bytes;
        let is_ipv4 = record[at::VERSIONS] & IPV4 != 0;
        let (here, is_other_version) = if is_ipv4 {
            (Ipv4Addr::new(a, b, c, d).into(), address.is_ipv6())
        } else {
            (IpAddr::V6(Ipv6Addr::from(bytes)), address.is_ipv4())
        };
        let is_same = here == address.ip();
        let is_any = here.is_unspecified() || address.ip().is_unspecified();
        if port == address.port()
            && !is_other_version
            && (is_same || is_any)
            && (!tcp || options & LISTENS != 0)
        {
            sockets.extend(word(record, at::SOCKET));
        }
    }
    sockets
}

/// The process that has one of these sockets open.
fn owner(files: &[u8], sockets: &[u64]) -> Option<u32> {
    Records(files).find_map(|file| {
        let data = word(file, at::FILE_DATA)?;
        let process = file.get(at::FILE_PROCESS..at::FILE_PROCESS + 4)?;
        let process = u32::from_ne_bytes(process.try_into().ok()?);
        (data != 0 && sockets.contains(&data)).then_some(process)
    })
}

fn word(bytes: &[u8], place: usize) -> Option<u64> {
    let word = bytes.get(place..place + 8)?;
    Some(u64::from_ne_bytes(word.try_into().ok()?))
}

/// Records, each of which begins with its length.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(word(self.0, 0)?).ok()?;
        if length < 16 {
            return None;
        }
        let (record, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        bytes[..8].copy_from_slice(&(length as u64).to_ne_bytes());
        bytes
    }

    fn pcb(socket: u64, at: &str, listens: bool) -> Vec<u8> {
        let at: SocketAddr = at.parse().unwrap();
        let mut bytes = record(at::ALL);
        bytes[at::SOCKET..][..8].copy_from_slice(&socket.to_ne_bytes());
        bytes[at::PORT..][..2].copy_from_slice(&at.port().to_be_bytes());
        match at.ip() {
            IpAddr::V4(ip) => {
                bytes[at::ADDRESS + 12..][..4].copy_from_slice(&ip.octets());
                bytes[at::VERSIONS] = IPV4;
            }
            IpAddr::V6(ip) => {
                bytes[at::ADDRESS..][..16].copy_from_slice(&ip.octets());
                bytes[at::VERSIONS] = 2;
            }
        }
        if listens {
            bytes[at::OPTIONS..][..2].copy_from_slice(&LISTENS.to_ne_bytes());
        }
        bytes
    }

    fn of_tcp(pcb: Vec<u8>) -> Vec<u8> {
        let mut bytes = record(8 + pcb.len() + 344);
        bytes[8..8 + pcb.len()].copy_from_slice(&pcb);
        bytes
    }

    fn file(process: u32, data: u64) -> Vec<u8> {
        let mut bytes = record(128);
        bytes[at::FILE_PROCESS..][..4].copy_from_slice(&process.to_ne_bytes());
        bytes[at::FILE_DATA..][..8].copy_from_slice(&data.to_ne_bytes());
        bytes
    }

    fn table(records: &[Vec<u8>]) -> Vec<u8> {
        let end = record(64);
        [end.clone(), records.concat(), end].concat()
    }

    fn found(table: &[u8], tcp: bool, address: &str) -> Vec<u64> {
        in_the_way(table, tcp, address.parse().unwrap())
    }

    #[test]
    fn only_what_is_in_the_way_counts() {
        let udp = table(&[
            pcb(1, "192.168.1.1:69", false),
            pcb(2, "0.0.0.0:69", false),
            pcb(3, "[2001:db8::1]:69", false),
            pcb(4, "10.0.0.1:70", false),
        ]);
        assert_eq!(found(&udp, false, "192.168.1.1:69"), [1, 2]);
        assert_eq!(found(&udp, false, "192.168.1.2:69"), [2]);
        assert_eq!(found(&udp, false, "0.0.0.0:69"), [1, 2]);
        assert_eq!(found(&udp, false, "[2001:db8::1]:69"), [3]);
        assert_eq!(found(&udp, false, "[::]:69"), [3]);
        assert_eq!(found(&udp, false, "10.0.0.2:70"), [0_u64; 0]);
        let tcp = table(&[
            of_tcp(pcb(5, "192.168.1.1:8069", false)),
            of_tcp(pcb(6, "192.168.1.1:8069", true)),
        ]);
        assert_eq!(
            found(&tcp, true, "192.168.1.1:8069"),
            [6],
            "a connection is not in the way"
        );
    }

    #[test]
    fn the_process_with_the_socket_is_the_one() {
        let files = [file(10, 0), file(11, 7), file(12, 8)].concat();
        assert_eq!(owner(&files, &[8, 9]), Some(12));
        assert_eq!(owner(&files, &[9]), None);
        assert_eq!(owner(&files, &[0]), None, "what is no socket of anybody's");
    }

    #[test]
    fn a_table_that_is_cut_or_of_another_layout_is_no_panic() {
        let whole = table(&[pcb(1, "192.168.1.1:69", false)]);
        for end in 0..whole.len() {
            found(&whole[..end], false, "192.168.1.1:69");
            found(&whole[..end], true, "192.168.1.1:69");
            owner(&whole[..end], &[1]);
        }
        assert_eq!(
            found(&table(&[record(200)]), false, "0.0.0.0:69"),
            [0_u64; 0]
        );
        owner(&record(16), &[1]);
    }
}
