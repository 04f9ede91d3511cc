//! The control socket's handler: what is asked there goes to the [`Api`].

use std::sync::Arc;

use super::journal::now_ms;
use super::status::Status;
use crate::api::{self, Api};
use crate::boot::gate::Keeper;
use crate::http::{Asked, Handler, Reply};
use crate::machine::Census;

/// Makes it.
pub fn handler(census: Arc<Census>, keeper: Arc<Keeper>, status: Arc<Status>) -> Handler {
    let (shown, hears) = (keeper.clone(), keeper.clone());
    let api = Api {
        census,
        keeper,
        status: Box::new(move || status.value(&shown.site())),
        hears_dhcp: Box::new(move || hears.site().config.observe.enabled),
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
        Reply {
            status: answer.status,
            kind: match answer.status {
                200 => "application/json",
                _ => "application/problem+json",
            },
            body: format!("{}\n", answer.body).into_bytes(),
            allow: answer.allow,
        }
    })
}
