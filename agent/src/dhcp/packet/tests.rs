//! Messages put together by the RFCs, messages that were recorded, and any bytes at all.

use proptest::prelude::*;

use super::*;

/// A message, field by field.
#[derive(Clone)]
struct Message {
    operation: u8,
    ports: (u16, u16),
    tags: Vec<[u8; 4]>,
    client: [u8; 4],
    yours: [u8; 4],
    next: [u8; 4],
    hardware: [u8; 3],
    mac: [u8; 6],
    sname: Vec<u8>,
    file: Vec<u8>,
    options: Vec<u8>,
}

const MAC: [u8; 6] = [0x5c, 0xf3, 0xfc, 1, 2, 3];

fn option(code: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![code, u8::try_from(value.len()).unwrap()];
    bytes.extend(value);
    bytes
}

fn of_client(options: &[Vec<u8>]) -> Message {
    Message {
        operation: 1,
        ports: (68, 67),
        tags: Vec::new(),
        client: [0; 4],
        yours: [0; 4],
        next: [0; 4],
        hardware: [1, 6, 0],
        mac: MAC,
        sname: Vec::new(),
        file: Vec::new(),
        options: options.concat(),
    }
}

fn of_server(options: &[Vec<u8>]) -> Message {
    Message {
        operation: 2,
        ports: (67, 68),
        yours: [192, 168, 1, 171],
        ..of_client(options)
    }
}

impl Message {
    fn frame(&self) -> Vec<u8> {
        let mut bootp = vec![self.operation];
        bootp.extend(self.hardware);
        bootp.extend([0xde, 0xad, 0xbe, 0xef, 0, 4, 0x80, 0]);
        bootp.extend([self.client, self.yours, self.next, [0; 4]].concat());
        bootp.extend(self.mac);
        bootp.extend([0; 10]);
        for (field, size) in [(&self.sname, 64), (&self.file, 128)] {
            let mut field = field.clone();
            field.resize(size, 0);
            bootp.extend(field);
        }
        bootp.extend(COOKIE);
        bootp.extend(&self.options);
        bootp.push(255);
        let mut frame = vec![0xff; 6];
        frame.extend(self.mac);
        frame.extend(self.tags.concat());
        let sized = |size: usize| u16::try_from(size).unwrap().to_be_bytes();
        frame.extend([8, 0, 0x45, 0x10]);
        frame.extend(sized(bootp.len() + 28));
        frame.extend([0, 0, 0, 0, 64, 17, 0, 0]);
        frame.extend([192, 168, 1, 1, 255, 255, 255, 255]);
        frame.extend(self.ports.0.to_be_bytes());
        frame.extend(self.ports.1.to_be_bytes());
        frame.extend(sized(bootp.len() + 8));
        frame.extend([0, 0]);
        frame.extend(bootp);
        frame
    }

    #[track_caller]
    fn heard(&self) -> Heard {
        read(&self.frame()).expect("a DHCP message")
    }
}

fn kind(number: u8) -> Vec<u8> {
    option(53, &[number])
}

#[test]
fn what_firmware_says_of_itself_is_read() {
    let uuid: Vec<u8> = (0..=16).collect();
    let heard = of_client(&[
        kind(1),
        option(93, &[0, 7]),
        option(60, b"PXEClient:Arch:00007:UNDI:003016"),
        option(97, &uuid),
        option(50, &[192, 168, 1, 171]),
    ])
    .heard();
    assert!(heard.boots && !heard.renews);
    let dhcp = heard.dhcp;
    assert_eq!(dhcp.message, DhcpMessage::Discover);
    assert_eq!(dhcp.mac.to_string(), "5c:f3:fc:01:02:03");
    assert_eq!(dhcp.xid, 0xdead_beef);
    assert_eq!(dhcp.architectures, [7]);
    assert_eq!(dhcp.vendor_class, "PXEClient:Arch:00007:UNDI:003016");
    let uuid = "04030201-0605-0807-090a-0b0c0d0e0f10";
    assert_eq!(dhcp.uuid, uuid.parse().ok());
    assert_eq!(dhcp.address, "192.168.1.171".parse().ok());
    assert_eq!((dhcp.server, dhcp.is_ipxe), (None, false));
}

#[test]
fn several_architectures_come_in_their_order_and_an_odd_byte_is_left_out() {
    let heard = |value: &[u8]| of_client(&[kind(1), option(93, value)]).heard().dhcp;
    assert_eq!(heard(&[0, 9, 0, 7]).architectures, [9, 7]);
    assert_eq!(heard(&[0, 9, 0]).architectures, [9]);
    assert_eq!(
        heard(&[1; 100]).architectures.len(),
        limits::DHCP_ARCHITECTURES
    );
}

#[test]
fn ipxe_is_known_by_its_bare_class_by_a_class_of_rfc_3004_and_by_option_175() {
    let is = |code, value: &[u8]| {
        let heard = of_client(&[kind(1), option(code, value)]).heard();
        assert_eq!(heard.boots, heard.dhcp.is_ipxe);
        heard.dhcp.is_ipxe
    };
    assert!(is(77, b"iPXE"));
    assert!(is(77, b"\x04iPXE"));
    assert!(is(77, b"\x03lab\x04iPXE"));
    assert!(is(175, &[0xb1, 1, 1]));
    assert!(!is(77, b"\x03lab"));
    assert!(!is(77, b"\x09iPXE"), "longer than it is");
    assert!(!is(77, b"iPXE2"));
}

#[test]
fn a_system_that_asks_for_an_address_does_not_boot_and_a_renewal_is_one() {
    let system = of_client(&[kind(3), option(60, b"udhcp 1.35.0")]);
    assert!(!system.heard().boots && !system.heard().renews);
    let renewal = Message {
        client: [192, 168, 1, 171],
        ..system
    };
    let heard = renewal.heard();
    assert!(heard.renews);
    assert_eq!(heard.dhcp.address, "192.168.1.171".parse().ok());
}

#[test]
fn an_answer_tells_who_gives_what() {
    let message = Message {
        next: [192, 168, 1, 1],
        file: b"snponly.efi\0rubbish".to_vec(),
        ..of_server(&[kind(5), option(54, &[192, 168, 1, 2])])
    };
    let dhcp = message.heard().dhcp;
    assert_eq!(dhcp.message, DhcpMessage::Ack);
    assert_eq!(dhcp.server, "192.168.1.2".parse().ok());
    assert_eq!(dhcp.address, "192.168.1.171".parse().ok());
    assert_eq!(dhcp.next_server.as_deref(), Some("192.168.1.1"));
    assert_eq!(dhcp.file.as_deref(), Some("snponly.efi"));
    assert!(!dhcp.has_options_66_67);
    let unnamed = of_server(&[kind(2)]).heard().dhcp;
    assert_eq!(unnamed.server, "192.168.1.1".parse().ok(), "its sender");
}

#[test]
fn options_66_and_67_count_where_the_fields_are_empty_and_are_told_where_they_differ() {
    let options = [
        kind(5),
        option(66, b"tftp.example\0"),
        option(67, b"undionly.kpxe\0"),
    ];
    let alone = of_server(&options).heard().dhcp;
    assert_eq!(alone.next_server.as_deref(), Some("tftp.example"));
    assert_eq!(alone.file.as_deref(), Some("undionly.kpxe"));
    assert!(!alone.has_options_66_67);
    let beside = |file: &[u8]| {
        let file = file.to_vec();
        let message = Message {
            file,
            ..of_server(&options)
        };
        message.heard().dhcp
    };
    assert!(!beside(b"undionly.kpxe").has_options_66_67, "they agree");
    let differ = beside(b"default.ipxe");
    assert!(differ.has_options_66_67);
    assert_eq!(differ.file.as_deref(), Some("default.ipxe"));
}

#[test]
fn options_that_overflow_into_the_fields_are_read_there() {
    let message = |overload, file: &[u8], sname: &[u8]| Message {
        file: file.to_vec(),
        sname: sname.to_vec(),
        ..of_server(&[kind(5), option(52, &[overload])])
    };
    let name = option(67, b"snponly.efi");
    let server = option(66, b"192.168.1.9");
    let dhcp = message(3, &name, &server).heard().dhcp;
    assert_eq!(dhcp.file.as_deref(), Some("snponly.efi"));
    assert_eq!(dhcp.next_server.as_deref(), Some("192.168.1.9"));
    let dhcp = message(2, b"ipxe.efi", &server).heard().dhcp;
    assert_eq!(dhcp.file.as_deref(), Some("ipxe.efi"));
    assert_eq!(dhcp.next_server.as_deref(), Some("192.168.1.9"));
    assert_eq!(read(&message(1, &[67, 200, b'x'], b"").frame()), None);
}

#[test]
fn a_long_option_comes_in_pieces() {
    let url = format!("http://192.168.1.1:8069/files/{}.efi", "x".repeat(190));
    let (one, two) = url.as_bytes().split_at(100);
    let dhcp = of_server(&[
        kind(5),
        option(67, one),
        option(60, b"HTTPClient"),
        option(67, two),
    ]);
    assert_eq!(dhcp.heard().dhcp.file, Some(url));
    assert!(dhcp.heard().boots);
}

#[test]
fn a_proxy_offers_a_file_and_no_address() {
    let message = Message {
        yours: [0; 4],
        next: [192, 168, 1, 1],
        file: b"snponly.efi".to_vec(),
        ..of_server(&[
            kind(2),
            option(60, b"PXEClient"),
            option(54, &[192, 168, 1, 1]),
        ])
    };
    let heard = message.heard();
    assert!(heard.boots && heard.dhcp.is_proxy_offer());
    let on_4011 = Message {
        ports: (4011, 4011),
        ..message
    };
    assert_eq!(on_4011.heard(), heard);
    assert!(!of_server(&[kind(2)]).heard().dhcp.is_proxy_offer());
}

#[test]
fn vlan_tags_are_passed_by() {
    let plain = of_client(&[kind(1), option(93, &[0, 0])]);
    let tag = |outer: u8| [[outer, if outer == 0x81 { 0 } else { 0xa8 }], [0, 10]].concat();
    let tagged = |tags: &[u8]| Message {
        tags: tags
            .iter()
            .map(|outer| tag(*outer).try_into().unwrap())
            .collect(),
        ..plain.clone()
    };
    assert_eq!(tagged(&[0x81]).heard(), plain.heard());
    assert_eq!(tagged(&[0x88, 0x81]).heard(), plain.heard());
    assert_eq!(read(&tagged(&[0x81; 3]).frame()), None);
}

#[test]
fn what_is_padded_to_the_length_of_a_frame_is_read_and_what_is_cut_is_not() {
    let mut frame = of_client(&[kind(1)]).frame();
    let whole = read(&frame);
    frame.extend([0x55; 30]);
    assert_eq!(read(&frame), whole);
    let frame = of_client(&[kind(1)]).frame();
    for length in 0..frame.len() {
        assert_eq!(read(&frame[..length]), None, "{length} bytes");
    }
}

#[test]
fn what_is_no_dhcp_message_of_an_ethernet_client_is_none() {
    let good = of_client(&[kind(1)]);
    assert!(read(&good.frame()).is_some());
    let none = |message: Message| assert_eq!(read(&message.frame()), None);
    none(of_client(&[]));
    none(of_client(&[kind(9)]));
    none(of_client(&[kind(2)]));
    none(of_server(&[kind(1)]));
    none(of_client(&[kind(1), vec![60, 200, b'x']]));
    none(Message {
        operation: 3,
        ..good.clone()
    });
    none(Message {
        hardware: [32, 20, 0],
        ..good.clone()
    });
    none(Message {
        mac: [0; 6],
        ..good.clone()
    });
    none(Message {
        mac: [1, 0, 0, 0, 0, 1],
        ..good.clone()
    });
    none(Message {
        ports: (53, 1024),
        ..good
    });
}

#[test]
fn a_fragment_another_protocol_and_ipv6_are_none() {
    let frame = of_client(&[kind(1)]).frame();
    let with = |place: usize, value: u8| {
        let mut frame = frame.clone();
        frame[place] = value;
        read(&frame)
    };
    assert_eq!(with(20, 0x20), None, "more fragments");
    assert_eq!(with(21, 1), None, "a later fragment");
    assert!(with(20, 0x40).is_some(), "do not fragment");
    assert_eq!(with(23, 6), None, "TCP");
    assert_eq!(with(14, 0x65), None);
    assert_eq!(with(14, 0x44), None, "a header of 16 bytes");
    assert_eq!(with(12, 0x86), None);
}

#[test]
fn texts_are_escaped_and_bounded() {
    let class = |bytes: &[u8]| {
        of_client(&[kind(1), option(60, bytes)])
            .heard()
            .dhcp
            .vendor_class
    };
    assert_eq!(class(b"a\x1b[31m\xff\n\\b\0c"), "a\\x1b[31m\\xff\\x0a\\b");
    assert_eq!(class(&[b'x'; 255]).len(), limits::FACT_BYTES);
    assert_eq!(class(&[0xff; 255]), "\\xff".repeat(limits::FACT_BYTES / 4));
}

#[test]
fn a_uuid_that_names_no_machine_or_is_none_is_left_out() {
    let uuid = |value: &[u8]| of_client(&[kind(1), option(97, value)]).heard().dhcp.uuid;
    assert_eq!(uuid(&[0; 17]), None);
    assert_eq!(uuid(&[]), None);
    assert_eq!(uuid(&[0, 1, 2, 3]), None);
    let mut other_type = vec![1];
    other_type.extend(0..16);
    assert_eq!(uuid(&other_type), None);
}

proptest! {
    #[test]
    fn any_bytes_end(bytes: Vec<u8>) {
        read(&bytes);
    }

    #[test]
    fn any_options_end_and_every_text_is_harmless(
        options in prop::collection::vec(any::<u8>(), 0..1200),
        file in prop::collection::vec(any::<u8>(), 0..128),
        sname in prop::collection::vec(any::<u8>(), 0..64),
        answers: bool,
    ) {
        let first = [kind(if answers { 5 } else { 1 }), option(52, &[3])].concat();
        let base = if answers { of_server(&[]) } else { of_client(&[]) };
        let message = Message { file, sname, options: [first, options].concat(), ..base };
        if let Some(Heard { dhcp, .. }) = read(&message.frame()) {
            let texts = [Some(dhcp.vendor_class), dhcp.next_server, dhcp.file];
            for text in texts.into_iter().flatten() {
                prop_assert!(text.len() <= limits::NAME_BYTES);
                prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            }
            prop_assert!(dhcp.architectures.len() <= limits::DHCP_ARCHITECTURES);
        }
    }

    #[test]
    fn a_changed_byte_never_hurts(place: prop::sample::Index, value: u8, cut: prop::sample::Index) {
        let mut frame = of_server(&[
            kind(5),
            option(52, &[3]),
            option(67, b"snponly.efi"),
            option(97, &[0; 17]),
        ]).frame();
        let at = place.index(frame.len());
        frame[at] = value;
        let length = cut.index(frame.len() + 1);
        read(&frame);
        read(&frame[..length]);
    }
}
