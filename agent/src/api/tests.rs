use super::*;
use crate::boot::testing;
use crate::event::{Event, Sink};
use crate::image::lock::Lock;
use crate::machine::Facts;

const NOW: u64 = 5_000_000;

struct Nothing;

impl Sink for Nothing {
    fn event(&self, _: Event) {}
}

fn api() -> Api {
    let folder = tempfile::tempdir().unwrap();
    let config = testing::config_in(
        folder.path(),
        "",
        r#"
        [[image]]
        name = "net"
        recipe = "netboot.xyz"
        [[profile]]
        name = "rescue"
        image = "net"
        "#,
    );
    let census = Census::empty();
    let read_lock = Box::new(|_: &Config| Ok(Lock::default()));
    let site = testing::site(config);
    let keeper = Arc::new(Keeper::new(
        site,
        census.clone(),
        Arc::new(Nothing),
        read_lock,
    ));
    for mac in ["52:54:00:00:00:01", "52:54:00:00:00:02"] {
        let facts = Facts::parse(&format!("mac={mac}&manufacturer=IBM"));
        census.meet(&facts, None, None, NOW);
    }
    Api {
        census,
        keeper,
        status: Box::new(|| json!({ "fine": true })),
        hears_dhcp: Box::new(|| true),
        wake: Box::new(|macs| match macs {
            [] => Err("no card".to_owned()),
            macs => Ok(format!("woken by {}", macs[0])),
        }),
        now: || NOW,
    }
}

fn ask(api: &Api, method: &str, path: &str, body: &str) -> (u16, Value) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let path = format!("/api/v1/{path}");
    let answer = api.answer(&Asked {
        method,
        path: &path,
        query,
        body: body.as_bytes(),
        who: "tester",
    });
    (answer.status, answer.body)
}

#[test]
fn machines_are_listed_chosen_and_paged() {
    let api = api();
    let labels = |path: &str| {
        let (status, body) = ask(&api, "GET", path, "");
        assert_eq!(status, 200, "{body}");
        let machines = body["machines"].as_array().unwrap();
        let labels = machines
            .iter()
            .map(|machine| machine["label"].as_str().unwrap().to_owned());
        (labels.collect::<Vec<_>>(), body["next"].clone())
    };
    let (one, two) = ("52:54:00:00:00:01", "52:54:00:00:00:02");
    assert_eq!(labels("machines").0, [one, two]);
    assert_eq!(labels("machines?limit=1"), (vec![one.to_owned()], json!(1)));
    assert_eq!(
        labels("machines?limit=1&after=1"),
        (vec![two.to_owned()], Value::Null)
    );
    assert_eq!(labels("machines?q=00:02").0, [two]);
    assert_eq!(labels("machines?phase=discovered&q=ibm").0.len(), 2);
    assert!(labels("machines?phase=installed").0.is_empty());
    let (status, body) = ask(&api, "GET", "machines?phase=nonsense", "");
    assert_eq!(status, 422);
    assert!(
        body["detail"]
            .as_str()
            .unwrap()
            .contains("discovered, held"),
        "{body}"
    );
}

#[test]
fn an_action_changes_the_machine_and_is_in_the_audit_log() {
    let api = api();
    let path = "machines/52:54:00:00:00:01";
    let act = |body: &str| ask(&api, "POST", &format!("{path}/actions"), body);
    let (status, body) = act("{\"action\":\"assign\",\"profile\":\"rescue\"}");
    assert_eq!(
        (status, body["phase"].as_str()),
        (200, Some("ready")),
        "{body}"
    );
    assert_eq!(act("{\"action\":\"assign\",\"profile\":\"gone\"}").0, 422);
    assert_eq!(act("{\"action\":\"fly\"}").0, 422);
    assert_eq!(act("nothing").0, 422);
    assert_eq!(
        ask(
            &api,
            "POST",
            "machines/oden/actions",
            "{\"action\":\"hold\"}"
        )
        .0,
        404
    );
    assert_eq!(ask(&api, "GET", path, "").1["wishes"]["profile"], "rescue");
    let (_, body) = ask(&api, "GET", "audit", "");
    let audit = body["audit"].as_array().unwrap();
    assert_eq!(audit.len(), 1, "what was refused is not there");
    assert_eq!(
        (
            audit[0]["who"].as_str(),
            audit[0]["what"]["action"].as_str()
        ),
        (Some("tester"), Some("assign"))
    );
    assert_eq!(act("{\"action\":\"forget\"}").0, 200);
    assert_eq!(ask(&api, "GET", path, "").0, 404);
}

#[test]
fn every_route_answers_and_refuses_other_methods_with_a_problem() {
    let api = api();
    for (route, method) in ROUTES.iter().chain(&COPIES) {
        let path = route.replace('*', "1");
        let (status, body) = ask(&api, method, &path, "");
        let needs_a_body = *method == "POST" && !route.ends_with("wake");
        let expected = if needs_a_body { 422 } else { 200 };
        assert_eq!(status, expected, "{route}: {body}");
        let (status, body) = ask(&api, "DELETE", &path, "");
        assert_eq!((status, &body["status"]), (405, &json!(405)), "{route}");
    }
    for path in [
        "",
        "machine",
        "machines//events",
        "machines/1/2/3",
        "status/x",
    ] {
        let (status, body) = ask(&api, "GET", path, "");
        assert_eq!(status, 404, "{path}");
        assert!(
            body["detail"].is_string() && body["title"].is_string(),
            "{body}"
        );
    }
    assert_eq!(ask(&api, "GET", "events?limit=many", "").0, 422);
}

#[test]
fn names_are_decoded() {
    let api = api();
    assert_eq!(
        ask(&api, "GET", "machines/52%3A54%3a00:00:00:01", "").0,
        200
    );
    assert_eq!(view::decoded(b"a%2"), "a%2");
    assert_eq!(view::decoded(b"%zz%c3%a4"), "%zz\u{e4}");
}

#[test]
fn monitoring_finds_what_it_looks_for() {
    let api = api();
    let get = |method: &str, path: &str| {
        api.answer(&Asked {
            method,
            path,
            query: "",
            body: b"",
            who: "prometheus",
        })
    };
    assert_eq!(get("GET", "/healthz").status, 200);
    assert_eq!(get("GET", "/readyz").status, 200);
    assert_eq!(get("POST", "/metrics").status, 405);
    let answer = get("GET", "/metrics");
    let text = answer.body.as_str().unwrap();
    assert!(
        text.contains("hearth_machines{phase=\"discovered\"} 2\n"),
        "{text}"
    );
    assert!(text.contains("hearth_database_trouble 0\n"), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(
            value.parse::<f64>().is_ok() && name.starts_with("hearth_"),
            "{line}"
        );
    }
}

#[test]
fn a_story_begins_before_its_machine_was_met() {
    let api = api();
    let heard = |seq: u64, mac: &str| {
        let event = Event::Dhcp(crate::event::Dhcp {
            message: crate::event::DhcpMessage::Discover,
            mac: mac.parse().unwrap(),
            xid: 1,
            architectures: vec![7],
            vendor_class: String::new(),
            is_ipxe: false,
            uuid: None,
            server: None,
            address: None,
            next_server: None,
            file: None,
            has_options_66_67: false,
        });
        let stamped = Stamped {
            seq,
            at: NOW,
            machine: None,
            event,
        };
        Write::Event(EventRow {
            seq,
            at: NOW,
            machine: None,
            kind: "dhcp".to_owned(),
            data: serde_json::to_string(&stamped).unwrap(),
        })
    };
    let events = vec![heard(1, "52:54:00:00:00:01"), heard(2, "52:54:00:00:00:02")];
    api.census.store().write(events).wait().unwrap();
    let (_, body) = ask(&api, "GET", "machines/52:54:00:00:00:01/timeline", "");
    let events = body["boots"][0]["events"].as_array().unwrap();
    assert_eq!(events.len(), 1, "{body}");
    assert_eq!(events[0]["mac"], "52:54:00:00:00:01");
}
