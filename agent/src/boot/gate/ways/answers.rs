//! Who gets an answer file, and who does not.

use super::*;
use crate::boot::Given;

impl Place {
    /// Oden begins the installation with answers; its token.
    fn installs(&self) -> String {
        self.asks("");
        self.assign("answered");
        token_of(&self.asks(""))
    }

    fn answer(&self, token: &str, name: &str, from: [u8; 4]) -> Given {
        self.keeper.answer(token, name, &request(Via::Http, from))
    }
}

/// The token in the arguments of an installation with answers.
fn token_of(script: &str) -> String {
    let before = "preseed/url=http://192.168.1.1:8069/answer/";
    let (_, after) = script.split_once(before).expect(script);
    after.split_once("/preseed.cfg ").unwrap().0.to_owned()
}

fn is_text(given: &Given) -> bool {
    matches!(given, Given::Text(_))
}

#[test]
fn an_installation_gets_its_answers_filled_in_for_it() {
    let place = Place::new();
    let token = place.installs();
    let expected = format!("5c:f3:fc:01:02:03 hunter2 {token}\n");
    match place.answer(&token, "preseed.cfg", ODEN) {
        Given::Text(text) => assert_eq!(text, expected),
        _ => panic!("no answer"),
    }
    let script = place.asks("attempt=1");
    let token = token_of(&script);
    let line = script
        .lines()
        .find(|line| line.starts_with("kernel "))
        .unwrap();
    let folder = format!("http://192.168.1.1:8069/answer/{token}");
    let arguments = format!(" auto=true preseed/url={folder}/preseed.cfg s={folder}/ --- quiet ");
    assert!(line.contains(&arguments), "{line}");
    assert!(!line.contains("hearth.event"), "nothing is to call back");
    let told = format!("{:?}", held(&place.seen.0));
    assert!(!told.contains(&token) && !told.contains("hunter2"));
    let bytes = expected.len() as u64;
    let is_it = |event: &Event| matches!(event, Event::Answer { name, bytes: given, error: None, .. } if name == "preseed.cfg" && *given == bytes);
    assert!(place.saw(is_it));
}

#[test]
fn nobody_else_and_nothing_else_gets_an_answer() {
    let place = Place::new();
    let token = place.installs();
    let another = "0123456789abcdef0123456789abcdef";
    for (token, name, from) in [
        (token.as_str(), "preseed.cfg", TOR),
        (token.as_str(), "preseed.cfg", FAR),
        (token.as_str(), "user-data", ODEN),
        (another, "preseed.cfg", ODEN),
        ("", "preseed.cfg", ODEN),
        (&token[..31], "preseed.cfg", ODEN),
    ] {
        let given = place.answer(token, name, from);
        assert!(matches!(given, Given::Nothing), "{name} {from:?}");
    }
    assert!(place.saw(|event| matches!(event, Event::Impostor { .. })));
    assert!(is_text(&place.answer(&token, "preseed.cfg", ODEN)));
}

#[test]
fn an_answer_is_given_while_its_installation_is_under_way_and_not_after_it() {
    type End = fn(&Place);
    let ends: [(&str, End); 6] = [
        ("done", |place| {
            place.loaded(INITRD);
            place.asks("");
        }),
        ("said to be done", |place| {
            place.act(Action::Local { profile: None })
        }),
        ("another script", |place| {
            place.asks("attempt=1");
        }),
        ("begun anew", |place| place.act(Action::Reinstall)),
        ("held", |place| place.act(Action::Hold)),
        ("forgotten", |place| place.act(Action::Forget)),
    ];
    for (how, end) in ends {
        let place = Place::new();
        let token = place.installs();
        assert!(is_text(&place.answer(&token, "preseed.cfg", ODEN)), "{how}");
        end(&place);
        assert!(
            matches!(place.answer(&token, "preseed.cfg", ODEN), Given::Nothing),
            "{how}"
        );
    }
}

#[test]
fn an_installer_has_another_address_than_its_loader_and_behind_a_router_it_has_not() {
    let place = Place::new();
    place.asks_from(FAR, "");
    place.assign("answered");
    let token = token_of(&place.asks_from(FAR, ""));
    assert!(is_text(&place.answer(&token, "preseed.cfg", FAR)));
    assert!(matches!(
        place.answer(&token, "preseed.cfg", [10, 9, 9, 8]),
        Given::Nothing
    ));
    // Its card has this address, says the neighbour table.
    assert!(is_text(&place.answer(&token, "preseed.cfg", ODEN)));
}

#[test]
fn an_answer_that_cannot_be_filled_in_is_told_with_its_line() {
    let place = Place::new();
    let token = place.installs();
    assert!(matches!(
        place.answer(&token, "broken", ODEN),
        Given::Broken
    ));
    let told = |event: &Event| matches!(event, Event::Answer { name, bytes: 0, error: Some(why), .. } if name == "broken" && why.contains("broken of profile answered, line 2: "));
    assert!(place.saw(told), "{:?}", held(&place.seen.0));
}

#[test]
fn without_an_installation_a_profile_with_answers_is_not_started() {
    let place = Place::new();
    place.asks("");
    for action in ["boot", "rescue"] {
        let profile = name("answered");
        let action = match action {
            "boot" => Action::Boot { profile },
            _ => Action::Rescue { profile },
        };
        let refused = place.keeper.act(place.id(), &action, "a person");
        let Err(crate::machine::Refusal::Wrong(why)) = refused else {
            panic!("{refused:?}")
        };
        assert!(why.contains("answers"), "{why}");
    }
}

const UUID: &str = "uuid=4c4c4544-0042-3510-8052-b4c04f4d3132";

/// What the machine with card 52:54:00:00:00:09 gets that says it has oden's UUID, once oden is off.
fn claims_its_uuid(place: &Place, more: &str) -> String {
    // Two that are heard of within two minutes are two machines, whatever they say.
    place.change(|record| record.last_seen -= 600_000);
    let query = format!("{UUID}&mac=52:54:00:00:00:09&platform=efi&buildarch=x86_64&{more}");
    place.keeper.script(&query, &request(Via::Http, TOR))
}

#[test]
fn who_knows_a_uuid_gets_nothing_that_is_meant_for_its_machine_alone() {
    let place = Place::new();
    place.asks(UUID);
    place.assign("answered");
    let before = token_of(&place.asks(UUID));
    for more in ["", "mac1=5c:f3:fc:01:02:03", "attempt=1"] {
        let script = claims_its_uuid(&place, more);
        assert!(
            !script.contains("/answer/") && !script.contains(KERNEL),
            "{script}"
        );
        assert!(script.contains("never seen on this machine"), "{script}");
        assert_eq!(place.record().macs.len(), 1, "its card is not taken up");
    }
    assert!(place.saw(|event| matches!(event, Event::Impostor { .. })));
    assert!(
        is_text(&place.answer(&before, "preseed.cfg", ODEN)),
        "the installation goes on"
    );
}

#[test]
fn a_new_card_boots_where_nothing_is_secret() {
    let place = Place::new();
    place.asks(UUID);
    place.assign("always");
    assert!(claims_its_uuid(&place, "").contains(INITRD));
    assert_eq!(place.record().macs.len(), 2);
}

#[test]
fn a_token_that_is_nobodys_costs_no_neighbour_table() {
    let mut place = Place::new();
    place.keeper = place
        .keeper
        .with_neighbours(|_| panic!("the table is read for a stranger"));
    let token = "0".repeat(32);
    assert!(!is_text(&place.answer(&token, "preseed.cfg", ODEN)));
    let told = place
        .keeper
        .report(&token, Report::Done, "", &request(Via::Http, ODEN));
    assert_eq!(told, Told::Unknown);
}
