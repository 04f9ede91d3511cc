//! Who has a port that Hearth wants.

use std::net::SocketAddr;

/// The process that has a UDP port, as `name, process 123`; `None` if it cannot be found out.
#[cfg(target_os = "linux")]
pub fn udp_holder(address: SocketAddr) -> Option<String> {
    let table = if address.is_ipv6() {
        "/proc/net/udp6"
    } else {
        "/proc/net/udp"
    };
    // A wildcard socket is in another family's table as well, if it is IPv6.
    let inodes: Vec<String> = [table, "/proc/net/udp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|text| inodes(&text, address.port()))
        .collect();
    let links: Vec<String> = inodes
        .iter()
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    for process in std::fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let Ok(descriptors) = std::fs::read_dir(process.path().join("fd")) else {
            continue;
        };
        let has = descriptors.flatten().any(|descriptor| {
            std::fs::read_link(descriptor.path()).is_ok_and(|link| {
                links
                    .iter()
                    .any(|wanted| link.as_os_str() == wanted.as_str())
            })
        });
        if has {
            let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{}, process {pid}", name.trim()));
        }
    }
    None
}

/// Not found out here; `sockstat -l` shows it.
#[cfg(not(target_os = "linux"))]
pub fn udp_holder(address: SocketAddr) -> Option<String> {
    Some(format!(
        "shown by: sockstat -l -P udp -p {}",
        address.port()
    ))
}

/// The inodes of the sockets at a port in the kernel's table (proc(5)): second field
/// `ADDRESS:PORT` in hexadecimal, tenth field the inode.
#[cfg(target_os = "linux")]
fn inodes(table: &str, port: u16) -> Vec<String> {
    let at = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            fields
                .get(1)?
                .ends_with(&at)
                .then(|| (*fields.get(9)?).to_owned().into())?
        })
        .collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_port_is_named() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let holder = udp_holder(socket.local_addr().unwrap()).unwrap();
        assert!(
            holder.ends_with(&format!("process {}", std::process::id())),
            "{holder}"
        );
    }
}
