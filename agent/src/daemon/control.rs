//! The control socket's handler: what is asked there goes to the [`Api`].

use std::sync::Arc;

use super::status::Status;
use crate::api::{self, Api};
use crate::boot::gate::Keeper;
use crate::http::{Asked, Handler, Reply};
use crate::machine::Census;
use crate::power::wol;
use crate::stamp::now_ms;

/// Makes it.
pub fn handler(census: Arc<Census>, keeper: Arc<Keeper>, status: Arc<Status>) -> Handler {
    let (shown, hears, here) = (keeper.clone(), keeper.clone(), keeper.clone());
    let api = Api {
        census,
        keeper,
        status: Box::new(move || status.value(&shown.site())),
        hears_dhcp: Box::new(move || hears.site().config.observe.enabled),
        wake: Box::new(move |macs| {
            let networks = wol::networks(&here.site().config.server.addresses);
            match wol::wake(macs, &networks) {
                Ok(packets) => Ok(format!("{packets} packets were sent")),
                Err(error) => Err(error.to_string()),
            }
        }),
        now: now_ms,
    };
    Arc::new(move |asked: Asked| {
        let answer = api.answer(&api::Asked {
            method: &asked.method,
            path: &asked.path,
            query: &asked.query,
            body: &asked.body,
            who: &asked.who,
        });
        let (kind, body) = match (answer.status, &answer.body) {
            (200, serde_json::Value::String(text)) => ("text/plain; version=0.0.4", text.clone()),
            (200, body) => ("application/json", format!("{body}\n")),
            (_, body) => ("application/problem+json", format!("{body}\n")),
        };
        Reply {
            status: answer.status,
            kind,
            body: body.into_bytes(),
            allow: answer.allow,
        }
    })
}
