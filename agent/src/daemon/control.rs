//! The control side's handler: what is asked there goes to the [`Api`].

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::mpsc;

use super::fetching::{Door, Fetching};
use super::follow::{Follower, Seat};
use super::live::Rates;
use super::status::Status;
use crate::api::{self, Answer, Api, Problem, Role};
use crate::boot::gate::Keeper;
use crate::clock::now_ms;
use crate::form::one_line;
use crate::http::{Asked, Body, Caller, Handler, Reply};
use crate::limits;
use crate::machine::Census;
use crate::power::wol;
use crate::store::TokenRow;

/// Makes the API.
pub fn api(
    census: Arc<Census>,
    keeper: Arc<Keeper>,
    status: Arc<Status>,
    tokens: Vec<TokenRow>,
) -> Api {
    let fetching = Fetching::new(keeper.clone(), status.clone(), census.clone());
    let (shown, here, told) = (keeper.clone(), keeper.clone(), status.clone());
    let kept = census.clone();
    Api {
        census,
        keeper,
        status: {
            let status = status.clone();
            let fetching = fetching.clone();
            Box::new(move || {
                let site = shown.site();
                let mut value = status.value(&site);
                value["fetches"] = fetching.counters();
                let wrong = api::of_fetches(&**kept.store(), &site);
                value["fetches"]["findings"] = json!(wrong);
                value
            })
        },
        tokens: api::Tokens::new(tokens),
        wake: Box::new(move |macs| {
            let networks = wol::networks(&here.site().config.server.addresses);
            match wol::wake(macs, &networks) {
                Ok(packets) => Ok(format!("{packets} packets were sent")),
                Err(error) => Err(error.to_string()),
            }
        }),
        restore: {
            let status = status.clone();
            Box::new(move |path| status.journal.restore(path))
        },
        fragments: status.fragments.clone(),
        writes: status.writes.clone(),
        fetches: Box::new(Door(fetching)),
        under_way: {
            let status = status.clone();
            Box::new(move || status.under_way())
        },
        looking: {
            let rates = Rates::default();
            Box::new(move || rates.look(&status))
        },
        found: api::Found::default(),
        now: now_ms,
        happened: Box::new(move |seq, at| told.journal.happened(seq, at)),
    }
}

/// The header in which a user of this host, who may do everything, says for whom: a GUI's user.
const BEHALF: &str = "hearth-for";

/// Who did it, for the log and the audit log.
fn acting(user: &str, behalf: Option<&str>) -> String {
    match behalf.map(|name| one_line(name, '?', limits::BEHALF_BYTES)) {
        Some(name) if !name.is_empty() && name != user => format!("{name} by {user}"),
        _ => user.to_owned(),
    }
}

/// Hands on what is asked.
pub fn handler(api: Arc<Api>, status: Arc<Status>) -> Handler {
    let followers = Arc::new(AtomicUsize::new(0));
    Arc::new(move |asked: Asked| {
        let header = |name: &str| {
            asked
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let known = match &asked.caller {
            // The socket's mode let this user in.
            Caller::Local(user) => Ok(Some((acting(user, header(BEHALF)), Role::Admin))),
            Caller::Remote(_) => api.bearer(header("authorization")),
        };
        let known = match known {
            Ok(known) => known,
            Err(problem) => {
                if let Caller::Remote(address) = &asked.caller {
                    log::warn!("the API was asked from {address} with a token that is not valid");
                }
                return reply(Answer::refused(problem));
            }
        };
        let asked_of_api = api::Asked {
            method: &asked.method,
            path: &asked.path,
            query: &asked.query,
            body: &asked.body,
            who: known.as_ref().map_or("nobody", |(who, _)| who),
            role: known.as_ref().map(|(_, role)| *role),
            if_match: header("if-match"),
            if_none_match: header("if-none-match"),
        };
        let streams = header("accept").is_some_and(|kinds| kinds.contains("text/event-stream"));
        if streams && asked.method == "GET" && asked.path == "/api/v1/events" {
            let follow = api.follow(&asked_of_api, header("last-event-id"));
            let seat = Seat::take(&followers);
            return match (follow, seat) {
                (Err(problem), _) => reply(Answer::refused(problem)),
                (_, None) => {
                    let why = format!("{} follow events already", limits::API_FOLLOWERS);
                    reply(Answer::refused(Problem::busy(&why)))
                }
                (Ok(follow), Some(seat)) => {
                    let (pieces, body) = mpsc::channel(limits::API_PIECES);
                    let follower = Follower {
                        api: api.clone(),
                        // Before it listens, so that what comes in between is read from the database.
                        follow: follow.within(status.journal.last()),
                        bearer: match &asked.caller {
                            Caller::Local(_) => None,
                            Caller::Remote(_) => header("authorization").map(str::to_owned),
                        },
                        events: status.journal.listen(),
                        pieces,
                        _seat: seat,
                    };
                    tokio::spawn(follower.run());
                    stream(body)
                }
            };
        }
        reply(api.answer(&asked_of_api))
    })
}

fn stream(pieces: mpsc::Receiver<Bytes>) -> Reply {
    let headers = [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store"),
    ];
    Reply {
        status: 200,
        headers: headers
            .map(|(name, value)| (name, value.to_owned()))
            .to_vec(),
        body: Body::Pieces(pieces),
    }
}

fn reply(mut answer: Answer) -> Reply {
    if answer.body.starts_with('{') {
        answer.body.push('\n');
    }
    Reply {
        status: answer.status,
        headers: answer.headers,
        body: Body::Whole(Bytes::from(answer.body)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_acts_for_another_is_named_with_them() {
        assert_eq!(acting("root", None), "root");
        assert_eq!(acting("root", Some(" ")), "root");
        assert_eq!(acting("root", Some("root")), "root");
        assert_eq!(acting("root", Some("alice")), "alice by root");
        assert_eq!(acting("root", Some("a\tb")), "a?b by root");
        let long = acting("root", Some(&"x".repeat(500)));
        assert_eq!(
            long,
            format!("{} by root", "x".repeat(limits::BEHALF_BYTES))
        );
    }
}
