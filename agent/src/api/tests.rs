use super::*;
use crate::boot::testing;
use crate::config::Config;
use crate::event::Event;
use crate::image::lock::Lock;
use crate::machine::Facts;
use crate::store::TokenRow;

pub(super) const NOW: u64 = 5_000_000;

/// An API over a configuration, whose machines said these things of themselves.
pub(super) fn over(declared: &str, queries: &[&str]) -> Api {
    let folder = tempfile::tempdir().unwrap();
    let config = testing::config_in(folder.path(), "", declared);
    let census = Census::empty();
    let read_lock = Box::new(|_: &Config| Ok(Lock::default()));
    let keeper = Arc::new(Keeper::new(
        testing::site(config),
        census.clone(),
        Arc::new(testing::Seen::default()),
        read_lock,
    ));
    for query in queries {
        census.meet(&Facts::parse(query), None, None, NOW);
    }
    Api {
        census: census.clone(),
        keeper,
        restore: Box::new(move |path| census.restore(path)),
        status: Box::new(|| json!({ "fine": true })),
        tokens: Tokens::default(),
        wake: Box::new(|macs| match macs {
            [] => Err("no card".to_owned()),
            macs => Ok(format!("woken by {}", macs[0])),
        }),
        fragments: Arc::new(()),
        fetches: Box::new(()),
        under_way: Box::new(Vec::new),
        looking: Box::new(Look::default),
        found: Found::default(),
        now: || NOW,
        happened: Box::new(|_, at| at),
        writes: Vec::new(),
    }
}

fn api() -> Api {
    let declared = r#"
        [[image]]
        name = "net"
        recipe = "netboot.xyz"
        [[profile]]
        name = "rescue"
        image = "net"
        "#;
    over(
        declared,
        &[
            "mac=52:54:00:00:00:01&manufacturer=IBM",
            "mac=52:54:00:00:00:02&manufacturer=IBM",
        ],
    )
}

fn asked<'a>(method: &'a str, path: &'a str, body: &'a str) -> Asked<'a> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Asked {
        method,
        path,
        query,
        body: body.as_bytes(),
        who: "tester",
        role: Some(Role::Admin),
        if_match: None,
        if_none_match: None,
    }
}

fn body(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or(Value::Null)
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let mut headers = answer.headers.iter();
    headers
        .find(|(one, _)| *one == name)
        .map(|(_, value)| value.as_str())
}

fn ask(api: &Api, method: &str, path: &str, text: &str) -> (u16, Value) {
    let answer = api.answer(&asked(method, &format!("/api/v1/{path}"), text));
    (answer.status, body(&answer))
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
    for (sort, first, second) in [
        ("id", one, two),
        ("-label", two, one),
        ("last_seen", one, two),
    ] {
        let (page, next) = labels(&format!("machines?limit=1&sort={sort}"));
        assert_eq!(page, [first], "{sort}");
        let next = percent::encoded(next.as_str().unwrap());
        let last = labels(&format!("machines?limit=1&sort={sort}&after={next}"));
        assert_eq!(last, (vec![second.to_owned()], Value::Null), "{sort}");
    }
    for bad in [
        "sort=colour",
        "after=x",
        "limit=0",
        "limit=1001",
        "limit=+1",
    ] {
        assert_eq!(
            ask(&api, "GET", &format!("machines?{bad}"), "").0,
            422,
            "{bad}"
        );
    }
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
fn every_operation_answers_and_other_methods_are_refused_with_a_problem() {
    for operation in OPERATIONS {
        let api = api();
        api.tokens.replace(vec![token("1", "read")]);
        let path = operation.path.replace('*', "1");
        let (status, body) = ask(&api, operation.method, &path, "");
        let needs_a_body = operation.method == "PUT"
            || operation.method == "POST"
                && !operation.path.ends_with("wake")
                && !operation.path.ends_with("revert");
        let expected = match (operation.method, operation.path) {
            // It ends some time later.
            ("DELETE", "fetches/*") => 202,
            // It needs no words, and whoever fetches here begins nothing.
            ("POST", "lock/prune") => 409,
            _ if needs_a_body => 422,
            _ => 200,
        };
        assert_eq!(status, expected, "{operation:?}: {body}");
        let answer = api.answer(&asked("PATCH", &format!("/api/v1/{path}"), ""));
        assert_eq!(answer.status, 405, "{operation:?}");
        let allow = header(&answer, "allow").unwrap();
        assert!(
            allow.split(", ").any(|one| one == operation.method),
            "{allow}"
        );
    }
    let api = api();
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
}

#[test]
fn monitoring_finds_what_it_looks_for() {
    let api = api();
    let get = |method: &str, path: &str| api.answer(&asked(method, path, ""));
    assert_eq!(get("GET", "/healthz").status, 200);
    assert_eq!(get("GET", "/readyz").status, 200);
    assert_eq!(get("POST", "/metrics").status, 405);
    let answer = get("GET", "/metrics");
    let text = &answer.body;
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

fn token(name: &str, role: &str) -> TokenRow {
    TokenRow {
        name: name.to_owned(),
        hash: String::new(),
        role: role.to_owned(),
        created: 1,
        expires: None,
    }
}

#[test]
fn a_role_may_what_it_may_and_nothing_else() {
    for operation in OPERATIONS {
        let path = format!("/api/v1/{}", operation.path.replace('*', "1"));
        let roles = [
            None,
            Some(Role::Read),
            Some(Role::Operate),
            Some(Role::Admin),
        ];
        for role in roles {
            let asked = Asked {
                role,
                ..asked(operation.method, &path, "")
            };
            let status = api().answer(&asked).status;
            let is_refused = match (operation.role, role) {
                (None, _) => false,
                (Some(_), None) => {
                    assert_eq!(status, 401, "{operation:?} without a token");
                    continue;
                }
                (Some(needed), Some(role)) => role < needed,
            };
            assert_eq!(
                status == 403,
                is_refused,
                "{operation:?} as {role:?}: {status}"
            );
        }
    }
}

#[test]
fn whoever_has_no_token_learns_whether_the_agent_is_well_and_no_more() {
    let api = api();
    for (path, status) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/api/v1/openapi.json", 200),
        ("/metrics", 401),
        ("/api/v1/status", 401),
        ("/api/v1/nothing", 404),
    ] {
        let nobody = Asked {
            role: None,
            ..asked("GET", path, "")
        };
        assert_eq!(api.answer(&nobody).status, status, "{path}");
    }
}

#[test]
fn a_token_is_made_shown_once_used_and_revoked() {
    let api = api();
    let wanted = "{\"name\":\"monitor\",\"role\":\"read\"}";
    let (status, made) = ask(&api, "POST", "tokens", wanted);
    assert_eq!(status, 201, "{made}");
    let token = made["token"].as_str().unwrap();
    let bearer = |token: &str| api.bearer(Some(&format!("Bearer {token}")));
    assert_eq!(bearer(token), Ok(Some(("monitor".to_owned(), Role::Read))));
    assert_eq!(bearer("hearth_x").unwrap_err().status, 401);
    assert_eq!(api.bearer(Some("Basic eDp5")).unwrap_err().status, 401);
    assert_eq!(api.bearer(None), Ok(None));
    let (_, listed) = ask(&api, "GET", "tokens", "");
    assert_eq!(listed["tokens"][0]["name"], "monitor");
    let (_, audit) = ask(&api, "GET", "audit", "");
    assert!(
        !format!("{listed}{audit}").contains(token),
        "it is shown once"
    );
    assert_eq!(
        ask(&api, "POST", "tokens", wanted).0,
        409,
        "the name is taken"
    );
    for bad in [
        "{\"name\":\"m\",\"role\":\"root\"}",
        "{\"name\":\"a b\",\"role\":\"read\"}",
        "{\"name\":\"m\",\"role\":\"read\",\"expires\":5}",
    ] {
        assert_eq!(ask(&api, "POST", "tokens", bad).0, 422, "{bad}");
    }
    assert_eq!(ask(&api, "DELETE", "tokens/monitor", "").0, 200);
    assert_eq!(bearer(token).unwrap_err().status, 401);
    assert_eq!(ask(&api, "DELETE", "tokens/monitor", "").0, 404);
}

#[test]
fn overrides_are_put_again_without_a_trace_and_never_over_what_was_not_seen() {
    let api = api();
    let path = "/api/v1/machines/1/overrides";
    let read = api.answer(&asked("GET", path, ""));
    let tag = header(&read, "etag").unwrap().to_owned();
    let text = "{\"name\":\"oden\",\"profile\":\"rescue\",\"tags\":[\"rack-1\"],\"notes\":\"n\"}";
    let put = |tag: &str, text: &str| {
        api.answer(&Asked {
            if_match: Some(tag),
            ..asked("PUT", path, text)
        })
    };
    let first = put(&tag, text);
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!(put(&tag, "{}").status, 412, "somebody else was here");
    let audits = || body(&api.answer(&asked("GET", "/api/v1/audit", "")))["audit"].clone();
    let before = audits();
    assert_eq!(api.answer(&asked("PUT", path, text)).status, 200);
    assert_eq!(audits(), before, "nothing was done");
    let (_, machine) = ask(&api, "GET", "machines/oden", "");
    assert_eq!(
        (&machine["phase"], &machine["label"]),
        (&json!("ready"), &json!("oden"))
    );
    assert_eq!(
        api.answer(&asked("PUT", path, "{\"colour\":1}")).status,
        422
    );
    let gone = "{\"tags\":[\"rack-2\"],\"profile\":\"gone\"}";
    assert_eq!(api.answer(&asked("PUT", path, gone)).status, 422);
    let now = body(&api.answer(&asked("GET", path, "")));
    assert_eq!(now["tags"], json!(["rack-1"]), "all of it or nothing");
    assert_eq!(api.answer(&asked("PUT", path, "{}")).status, 200);
    let (_, machine) = ask(&api, "GET", "machines/1", "");
    assert_eq!(machine["wishes"]["profile"], Value::Null);
}

#[test]
fn an_action_on_a_machine_that_changed_since_is_refused() {
    let api = api();
    let read = api.answer(&asked("GET", "/api/v1/machines/1", ""));
    let tag = header(&read, "etag").unwrap().to_owned();
    let hold = || {
        api.answer(&Asked {
            if_match: Some(&tag),
            ..asked(
                "POST",
                "/api/v1/machines/1/actions",
                "{\"action\":\"hold\"}",
            )
        })
    };
    assert_eq!(hold().status, 200);
    assert_eq!(hold().status, 412);
}

#[test]
fn the_document_describes_every_operation_with_its_role_and_nothing_else() {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let mut described = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let parts = path.trim_start_matches('/').split('/');
        let parts = parts.map(|part| if part.starts_with('{') { "*" } else { part });
        let path = parts.collect::<Vec<_>>().join("/");
        for (method, operation) in methods.as_object().unwrap() {
            let role = operation["x-role"].as_str().unwrap_or_default().to_owned();
            described.push((path.clone(), method.to_uppercase(), role));
        }
    }
    let known = OPERATIONS.iter().map(|one| {
        let role = one.role.map_or("", Role::word).to_owned();
        (one.path.to_owned(), one.method.to_owned(), role)
    });
    let mut known: Vec<_> = known.collect();
    described.sort();
    known.sort();
    assert_eq!(described, known);
}
