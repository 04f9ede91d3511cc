use super::*;
use crate::api::Role;
use crate::api::tests::{self, NOW};
use crate::machine::Facts;
use crate::machine::registry::Registry;

const DECLARED: &str = r#"
    [[image]]
    name = "talos"
    recipe = "talos"
    version = "v1.11.2"
    [[profile]]
    name = "cluster"
    image = "talos"
    omni = { api = "https://o.example", token = "hunter2" }
    [[profile]]
    name = "spare"
    image = "talos"
    [[policy]]
    name = "old servers"
    match = { manufacturer = "IBM*", memory = ">= 16 GiB" }
    profile = "cluster"
    limit = 1
    [[policy]]
    name = "others"
    match = { manufacturer = ["*", "!Dell*"] }
    profile = "spare"
    [[machine]]
    name = "oden"
    mac = "5c:f3:fc:01:02:03"
    profile = "cluster"
    [[machine]]
    name = "tor"
    uuid = "4c4c4544-0042-3510-8052-b4c04f4d3132"
"#;

fn api() -> Api {
    let machines = [
        (1, "IBM", 32768),
        (2, "IBM", 32768),
        (3, "HP", 1024),
        (4, "Dell", 1024),
    ]
    .map(|(number, made_by, memory)| {
        format!("mac=52:54:00:00:00:0{number}&manufacturer={made_by}&memsize={memory}")
    });
    let api = tests::over(DECLARED, &machines.each_ref().map(String::as_str));
    let change = |_: &Registry, record: &mut Record| record.policy = Some("old servers".to_owned());
    api.census.transact(MachineId(1), change).unwrap();
    api
}

fn ask(api: &Api, method: &str, path: &str, body: &str) -> (u16, Value) {
    let answer = api.answer(&Asked {
        method,
        path: &format!("/api/v1/{path}"),
        query: "",
        body: body.as_bytes(),
        who: "tester",
        role: Some(Role::Read),
        if_match: None,
        if_none_match: None,
    });
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

#[track_caller]
fn test(api: &Api, body: &str) -> Value {
    let (status, answer) = ask(api, "POST", "policies/test", body);
    assert_eq!(status, 200, "{answer}");
    answer
}

#[test]
fn policies_are_listed_in_order_with_their_machines() {
    let (status, body) = ask(&api(), "GET", "policies", "");
    assert_eq!(status, 200);
    assert_eq!(
        body,
        json!({
            "otherwise": "menu",
            "policies": [
                {
                    "number": 1,
                    "name": "old servers",
                    "profile": "cluster",
                    "conditions": ["manufacturer = \"IBM*\"", "memory = \">= 16 GiB\""],
                    "limit": 1,
                    "approval": false,
                    "machines": 1,
                },
                {
                    "number": 2,
                    "name": "others",
                    "profile": "spare",
                    "conditions": ["manufacturer = [\"*\", \"!Dell*\"]"],
                    "limit": null,
                    "approval": false,
                    // The second IBM, for which the first has no place, and the HP.
                    "machines": 2,
                },
            ],
        })
    );
}

#[test]
fn more_machines_than_are_looked_at_in_one_go_are_counted() {
    let api = api();
    let many = limits::LOOK_AT_ONCE + 7;
    for number in 0..many {
        let query = format!(
            "mac=52:54:01:00:{:02x}:{:02x}&manufacturer=HP",
            number >> 8,
            number & 0xff
        );
        api.census.meet(&Facts::parse(&query), None, None, NOW);
    }
    let (_, body) = ask(&api, "GET", "policies", "");
    assert_eq!(body["policies"][1]["machines"], json!(2 + many));
}

#[test]
fn profiles_are_listed_without_their_secrets() {
    let (status, body) = ask(&api(), "GET", "profiles", "");
    assert_eq!(status, 200);
    let cluster = &body["profiles"][0];
    assert_eq!(cluster["name"], "cluster");
    assert_eq!(cluster["omni"]["has_token"], true);
    assert_eq!(cluster["policies"], json!(["old servers"]));
    assert_eq!(cluster["machines"], json!(["oden"]));
    assert_eq!(body["profiles"][1]["omni"], Value::Null);
    assert!(!body.to_string().contains("hunter2"));
}

#[test]
fn a_known_machine_is_tested_as_it_would_be_decided() {
    let api = api();
    let first = test(&api, r#"{"machine": "52:54:00:00:00:01"}"#);
    assert_eq!(first["taken"], "old servers", "{first}");
    let second = test(&api, r#"{"machine": 2}"#);
    assert_eq!(second["taken"], "others");
    assert_eq!(second["decision"], "install spare");
    assert_eq!(
        second["policies"][0]["why"],
        "every condition holds, but its limit is used up (1 of 1)"
    );
    assert_eq!(second["has"]["memory"], json!(["32 GiB"]));
    let fourth = test(&api, r#"{"machine": "4"}"#);
    assert_eq!(
        (&fourth["taken"], &fourth["decision"]),
        (&Value::Null, &json!("menu"))
    );
    assert_eq!(
        fourth["policies"][0]["unmet"],
        json!([
            {
                "fact": "manufacturer",
                "condition": "manufacturer = \"IBM*\"",
                "has": ["Dell"],
                "why": "manufacturer is `Dell`, wanted is `IBM*`",
            },
            {
                "fact": "memory",
                "condition": "memory = \">= 16 GiB\"",
                "has": ["1 GiB"],
                "why": "memory is `1 GiB`, wanted is `>= 16 GiB`",
            },
        ])
    );
}

#[test]
fn a_test_changes_nothing() {
    let api = api();
    let before: Vec<_> = api.census.look().iter().cloned().collect();
    test(
        &api,
        r#"{"machine": "2", "facts": {"manufacturer": "HP", "tag": ["a"]}}"#,
    );
    test(
        &api,
        r#"{"facts": {"manufacturer": "IBM", "memory": "64 GiB"}}"#,
    );
    let after: Vec<_> = api.census.look().iter().cloned().collect();
    assert_eq!(before, after);
}

#[test]
fn a_made_up_machine_and_one_with_other_facts_are_tested() {
    let api = api();
    let made = test(
        &api,
        r#"{"facts": {"manufacturer": "HP", "secure_boot": true}}"#,
    );
    assert_eq!(
        (&made["taken"], &made["known"]),
        (&json!("others"), &json!(false))
    );
    assert_eq!(made["machine"], Value::Null);
    let other = test(
        &api,
        r#"{"machine": "3", "facts": {"manufacturer": "Dell"}}"#,
    );
    assert_eq!(
        (&other["taken"], &other["known"]),
        (&Value::Null, &json!(true))
    );
    let own = test(&api, r#"{"machine": "1", "facts": {"memory": "8 GiB"}}"#);
    assert_eq!(own["taken"], "others");
}

#[test]
fn a_declared_machine_is_known_before_it_was_met() {
    let api = api();
    for body in [r#"{"machine": "oden"}"#, r#"{"facts": {"name": "oden"}}"#] {
        let answer = test(&api, body);
        assert_eq!(answer["decision"], "install cluster", "{answer}");
        assert_eq!(
            answer["reason"],
            "machine oden is declared with profile cluster"
        );
        assert_eq!(answer["machine"], "oden");
    }
    let facts = r#"{"manufacturer": "HP", "memory": "64 GiB"}"#;
    let oden = test(&api, &format!(r#"{{"machine": "oden", "facts": {facts}}}"#));
    assert_eq!(oden["decision"], "install cluster");
    assert_eq!(
        (&oden["taken"], &oden["applies"]),
        (&json!("others"), &json!(false))
    );
    let tor = test(
        &api,
        r#"{"machine": "tor", "facts": {"manufacturer": "HP"}}"#,
    );
    assert_eq!(tor["applies"], true);
    assert_eq!(
        (&tor["taken"], &tor["machine"]),
        (&json!("others"), &json!("tor"))
    );
}

#[test]
fn what_cannot_be_tested_is_refused_with_the_remedy() {
    let api = api();
    for (body, status, said) in [
        ("", 422, "the body is no {\"machine\": \"oden\"}"),
        ("{}", 422, "name a machine, or say what a made-up one has"),
        (
            r#"{"machine": [1]}"#,
            422,
            "a machine is a text or a number",
        ),
        (r#"{"fact": {}}"#, 422, "unknown field `fact`"),
        (r#"{"machine": "nobody"}"#, 404, "nobody"),
        (
            r#"{"facts": {"color": "red"}}"#,
            422,
            "there is no fact `color`",
        ),
        (
            r#"{"facts": {"memory": 16}}"#,
            422,
            "memory: a size is a whole number and a unit",
        ),
        (r#"{"facts": {"tag": {"a": 1}}}"#, 422, "tag must be a text"),
        (r#"{"facts": {"tag": [null]}}"#, 422, "tag must be a text"),
        (
            r#"{"facts": {"serial": []}}"#,
            422,
            "a machine has one, and there are 0",
        ),
    ] {
        let (got, answer) = ask(&api, "POST", "policies/test", body);
        let detail = answer["detail"].as_str().unwrap();
        assert_eq!(got, status, "{body}");
        assert!(detail.contains(said), "{body}: {detail}");
    }
    assert_eq!(ask(&api, "GET", "policies/test", "").0, 405);
    assert_eq!(ask(&api, "POST", "policies", "{}").0, 405);
}
