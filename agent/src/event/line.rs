//! Events as the sentences of the log.

use std::time::Duration;

use super::{Dhcp, DhcpMessage, Event, Outcome, Report, Via};

/// How much an event matters.
pub fn level(event: &Event) -> log::Level {
    match event {
        Event::Transfer {
            outcome: Outcome::Failed(_) | Outcome::Refused(_),
            ..
        }
        | Event::Impostor { .. }
        | Event::Shared { .. }
        | Event::Report {
            report: Report::Failed,
            ..
        }
        | Event::Answer { error: Some(_), .. }
        | Event::Fetch { cause: Some(_), .. }
        | Event::Power { error: Some(_), .. } => log::Level::Warn,
        Event::Dhcp(_) => log::Level::Debug,
        _ => log::Level::Info,
    }
}

/// The event in one line.
pub fn line(event: &Event) -> String {
    match event {
        Event::Script {
            peer,
            machine,
            decision,
            reason,
        } => format!("{machine} at {} gets {decision}: {reason}", peer.ip()),
        Event::Transfer {
            via,
            peer,
            name,
            bytes,
            size,
            took,
            repeats,
            outcome,
        } => {
            let how = match outcome {
                Outcome::Done => format!("{bytes} bytes in {}", rate(*bytes, *took)),
                Outcome::Sent => format!(
                    "{} bytes in {}, the last of them not acknowledged",
                    size.unwrap_or(*bytes),
                    rate(*bytes, *took)
                ),
                Outcome::Probe => "asked for the size only".to_owned(),
                Outcome::NotFound => "not found".to_owned(),
                Outcome::Refused(why) => format!("refused: {why}"),
                Outcome::Failed(why) => {
                    let of = size.map_or_else(String::new, |size| format!(" of {size}"));
                    let time = seconds(*took);
                    format!("ended after {bytes}{of} bytes and {time}: {why}")
                }
            };
            let again = match repeats {
                0 => "",
                1 => ", 1 packet sent again",
                _ => &format!(", {repeats} packets sent again"),
            };
            format!("{} {name} to {}: {how}{again}", word(*via), peer.ip())
        }
        Event::Dhcp(dhcp) => heard(dhcp),
        Event::Phase { from, to, reason } => format!("{from} -> {to}: {reason}"),
        Event::Loader {
            asked,
            given,
            reason,
        } => format!("gets {given} where it asks for {asked}: {reason}"),
        Event::LocalBoot { method, reason } => {
            format!("its disk is started by {method} from now on: {reason}")
        }
        Event::Answer {
            peer,
            name,
            bytes,
            error,
        } => match error {
            None => format!("answer {name} to {}: {bytes} bytes", peer.ip()),
            Some(error) => format!("answer {name} to {} failed: {error}", peer.ip()),
        },
        Event::Report { report, text } => match report {
            Report::Done => format!("the installer is done: {text}"),
            Report::Failed => format!("the installer failed: {text}"),
            Report::Log => format!("the installer says: {text}"),
        },
        Event::Impostor {
            claimed,
            found,
            peer,
        } => match found {
            Some(found) => format!(
                "a request from {peer} claims to come from {claimed}, but {found} has that address"
            ),
            None => format!(
                "a request from {peer} claims to come from {claimed}, and nothing here knows which \
                 card has that address"
            ),
        },
        Event::Merged { other, reason } => {
            format!("is the same as what was machine {other}: {reason}")
        }
        Event::Moved { what, from } => format!("{what} went over to it from machine {from}"),
        Event::Shared {
            what,
            other,
            reason,
        } => format!("has the same {what} as machine {other}, which is another one: {reason}"),
        Event::Board { before, now } => {
            format!(
                "its cards are the same and its UUID is {now} where it was {before}: a new board"
            )
        }
        Event::Action { who, what } => format!("{who}: {what}"),
        Event::Fetch {
            name,
            bytes,
            took,
            error,
            ..
        } => {
            let what = match name.as_str() {
                "" => "what is declared",
                name => name,
            };
            match error {
                Some(error) => format!("fetch of {what}: {error}"),
                None if *bytes == 0 => format!("fetch of {what}: it is there and true"),
                None => format!("fetch of {what}: {bytes} bytes in {}", rate(*bytes, *took)),
            }
        }
        Event::Power {
            driver,
            what,
            error,
        } => match error {
            Some(error) => format!("{driver}: {what} failed: {error}"),
            None => format!("{driver}: {what}"),
        },
    }
}

fn heard(dhcp: &Dhcp) -> String {
    let message = match dhcp.message {
        DhcpMessage::Discover => "discover",
        DhcpMessage::Offer => "offer",
        DhcpMessage::Request => "request",
        DhcpMessage::Decline => "decline",
        DhcpMessage::Ack => "ack",
        DhcpMessage::Nak => "nak",
        DhcpMessage::Release => "release",
        DhcpMessage::Inform => "inform",
    };
    let mut line = format!("DHCP {message}");
    if let Some(server) = &dhcp.server {
        line.push_str(&format!(" by {server}"));
    }
    let kind = match (dhcp.is_ipxe, dhcp.server) {
        (true, None) => ", iPXE",
        _ => "",
    };
    line.push_str(kind);
    for architecture in &dhcp.architectures {
        line.push_str(&format!(", architecture {architecture}"));
    }
    let said = [
        ("address", dhcp.address.map(|address| address.to_string())),
        ("next server", dhcp.next_server.clone()),
        ("file", dhcp.file.clone()),
    ];
    for (what, value) in said {
        if let Some(value) = value {
            line.push_str(&format!(", {what} {value}"));
        }
    }
    line
}

/// The protocol's name.
pub fn word(via: Via) -> &'static str {
    match via {
        Via::Tftp => "TFTP",
        Via::Http => "HTTP",
    }
}

fn rate(bytes: u64, took: Duration) -> String {
    let rate = bytes as f64 / took.as_secs_f64().max(1e-6) / 1e6;
    format!("{}, {rate:.1} MB/s", seconds(took))
}

fn seconds(took: Duration) -> String {
    format!("{:.3} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(outcome: Outcome, repeats: u32) -> Event {
        Event::Transfer {
            via: Via::Tftp,
            peer: "192.168.1.171:2070".parse().unwrap(),
            name: "snponly.efi".to_owned(),
            bytes: 1_000_000,
            size: Some(2_000_000),
            took: Duration::from_millis(500),
            repeats,
            outcome,
        }
    }

    #[test]
    fn a_transfer_is_told_with_bytes_time_and_rate() {
        assert_eq!(
            line(&transfer(Outcome::Done, 0)),
            "TFTP snponly.efi to 192.168.1.171: 1000000 bytes in 0.500 s, 2.0 MB/s"
        );
        assert_eq!(
            line(&transfer(Outcome::Failed("it vanished".to_owned()), 6)),
            "TFTP snponly.efi to 192.168.1.171: ended after 1000000 of 2000000 bytes and 0.500 s: \
             it vanished, 6 packets sent again"
        );
    }

    #[test]
    fn only_what_went_wrong_is_a_warning() {
        let wrong = [
            Outcome::Failed("x".to_owned()),
            Outcome::Refused("x".to_owned()),
        ];
        for outcome in wrong {
            assert_eq!(level(&transfer(outcome, 0)), log::Level::Warn);
        }
        for outcome in [
            Outcome::Done,
            Outcome::Sent,
            Outcome::Probe,
            Outcome::NotFound,
        ] {
            assert_eq!(level(&transfer(outcome, 0)), log::Level::Info);
        }
    }
}
