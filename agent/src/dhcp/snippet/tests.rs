use std::io::Write;
use std::process::Command;

use super::super::fields::is_kept;
use super::*;
use crate::arch::{CLIENTS, Cpu};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

fn fields() -> Fields {
    let kept = [Cpu::I386, Cpu::Amd64, Cpu::Arm32, Cpu::Arm64];
    Fields::of(
        CLIENTS.iter().filter(|client| is_kept(client, &kept)),
        ADDRESS,
        8069,
        69,
    )
}

/// Compares with the file beside this one; `HEARTH_GOLDEN=write` writes it anew.
fn golden(server: Server, file: &str, expected: &str) {
    let text = fields().render(server);
    if std::env::var("HEARTH_GOLDEN").is_ok_and(|what| what == "write") {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/dhcp/golden/");
        std::fs::write(format!("{folder}{file}"), &text).unwrap();
        return;
    }
    assert_eq!(text, expected, "golden/{file} differs");
}

#[test]
fn every_servers_text_is_as_reviewed() {
    golden(Server::Isc, "isc.conf", include_str!("../golden/isc.conf"));
    golden(Server::Kea, "kea.json", include_str!("../golden/kea.json"));
    golden(
        Server::Dnsmasq,
        "dnsmasq.conf",
        include_str!("../golden/dnsmasq.conf"),
    );
    golden(
        Server::Mikrotik,
        "mikrotik.rsc",
        include_str!("../golden/mikrotik.rsc"),
    );
    golden(
        Server::Windows,
        "windows.ps1",
        include_str!("../golden/windows.ps1"),
    );
}

#[test]
fn both_numbers_of_x86_64_share_a_row() {
    let fields = fields();
    let row = fields.rows.iter().find(|row| row.tag == "x86_64").unwrap();
    assert_eq!(row.option_93, [7, 9]);
}

#[test]
fn only_kept_loaders_have_a_row() {
    let kept = [Cpu::Amd64];
    let clients = CLIENTS.iter().filter(|client| is_kept(client, &kept));
    let fields = Fields::of(clients, ADDRESS, 8069, 69);
    let tags: Vec<_> = fields.rows.iter().map(|row| row.tag.as_str()).collect();
    assert_eq!(tags, ["bios", "x86_64", "x86_64-http"]);
}

#[test]
fn ipxe_comes_last_where_the_last_match_wins_and_first_where_the_first_does() {
    let boots = |server| -> Vec<bool> {
        let text = fields().render(server);
        text.lines()
            .filter(|line| line.contains(".efi") || line.contains(SCRIPT))
            .map(|line| line.contains(SCRIPT))
            .collect()
    };
    assert_eq!(boots(Server::Dnsmasq).last(), Some(&true));
    for server in [Server::Isc, Server::Kea, Server::Mikrotik, Server::Windows] {
        assert_eq!(boots(server).first(), Some(&true), "{server}");
    }
}

#[test]
fn every_http_client_gets_its_vendor_class_back_and_a_url_that_fits_the_file_field() {
    let fields = fields();
    let urls: Vec<_> = fields
        .rows
        .iter()
        .filter_map(|row| match &row.boot {
            Boot::Url(url) => Some(url),
            Boot::File(_) => None,
        })
        .collect();
    assert_eq!(urls.len(), 4);
    assert!(urls.iter().all(|url| url.len() < 128), "{urls:?}");
    for server in Server::ALL {
        let text = fields.render(server);
        let echoes = text
            .lines()
            .filter(|line| !line.contains(":Arch:") && line.contains("HTTPClient"))
            .count();
        assert_eq!(echoes, urls.len(), "{server}");
    }
}

#[test]
fn another_tftp_port_is_pointed_out() {
    let fields = Fields::of(CLIENTS.iter(), ADDRESS, 8069, 6969);
    for server in Server::ALL {
        let text = fields.render(server);
        assert!(text.contains("listens on port 6969"), "{server}: {text}");
    }
}

#[test]
fn no_line_of_comment_is_wider_than_a_terminal() {
    for server in Server::ALL {
        for line in fields().render(server).lines() {
            let comment = line.trim_start().starts_with(['#', '/']) && !line.starts_with("/ip");
            assert!(!comment || line.len() <= 100, "{server}: {line}");
        }
    }
}

/// Runs a real server's own check over a file; a server that is not installed is left out, since
/// the lab runs all of them for good.
fn checked_by(program: &str, arguments: &[&str], text: &str) {
    let mut file = tempfile::Builder::new()
        .suffix(".conf")
        .tempfile_in("/tmp")
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.flush().unwrap();
    let path = file.path().to_str().unwrap();
    let arguments: Vec<_> = arguments
        .iter()
        .map(|argument| argument.replace("FILE", path))
        .collect();
    match Command::new(program).args(&arguments).output() {
        Ok(done) => assert!(
            done.status.success(),
            "{program}: {}{}\n{text}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        ),
        Err(error) => eprintln!("{program} is not here ({error}): not checked"),
    }
}

#[test]
fn isc_dhcpd_takes_its_text() {
    let text = fields().render(Server::Isc)
        + "subnet 192.168.1.0 netmask 255.255.255.0 { range 192.168.1.100 192.168.1.200; }\n";
    checked_by("dhcpd", &["-4", "-t", "-cf", "FILE"], &text);
}

#[test]
fn kea_takes_its_text() {
    let text = format!(
        r#"{{ "Dhcp4": {{
"subnet4": [ {{ "subnet": "192.168.1.0/24",
                "pools": [ {{ "pool": "192.168.1.100 - 192.168.1.200" }} ] }} ],
{}}} }}"#,
        fields().render(Server::Kea)
    );
    checked_by("kea-dhcp4", &["-t", "FILE"], &text);
}

#[test]
fn dnsmasq_takes_its_text() {
    let text = fields().render(Server::Dnsmasq) + "dhcp-range=192.168.1.100,192.168.1.200\n";
    checked_by("dnsmasq", &["--test", "--conf-file=FILE"], &text);
}
