//! An installation asks for an answer file.

use crate::answer::{self, Filling, Places};
use crate::boot::gate::Keeper;
use crate::boot::text::Base;
use crate::boot::token::Token;
use crate::boot::{Given, Request};
use crate::event::Event;
use crate::machine::Phase;

impl Keeper {
    /// What an installation gets for the name of an answer. Whoever may not have it is not told why:
    /// that there is such a token, machine or name is nobody's business.
    pub(super) fn answer_to(&self, shown: &str, name: &str, request: &Request) -> Given {
        let Ok(record) = self.installation(shown, Keeper::neighbour_now, request) else {
            return Given::Nothing;
        };
        let (Some(token), Phase::Installing(installing)) = (Token::shown(shown), &record.phase)
        else {
            return Given::Nothing;
        };
        let site = self.site();
        let profile = site.config.profiles.get(&installing.profile);
        let file = profile.and_then(|profile| Some((profile, profile.answers.get(name)?)));
        let Some((profile, file)) = file else {
            log::info!(
                "{} asks for the answer {name}, which its profile does not have",
                record.label()
            );
            return Given::Nothing;
        };
        let base = Base::new(request.local, site.config.server.http_port);
        let places = Places {
            address: base.address().to_string(),
            server: base.to_string(),
            answers: token.answers(base),
            events: token.url(base),
            token: token.text().to_owned(),
        };
        let declared = record.declared.as_ref();
        let filled = answer::fill(
            file,
            &Filling {
                profile,
                machine: declared.and_then(|name| site.config.machines.get(name)),
                record: &record,
                places: &places,
            },
        );
        let where_it_is = match &file.path {
            Some(path) => path.display().to_string(),
            None => format!("the answer {name} of profile {}", profile.name),
        };
        self.sink.event_of(
            record.id,
            Event::Answer {
                peer: request.peer,
                name: name.to_owned(),
                bytes: filled.as_ref().map_or(0, |text| text.len() as u64),
                error: filled
                    .as_ref()
                    .err()
                    .map(|mistake| format!("{where_it_is}, {mistake}")),
            },
        );
        match filled {
            Ok(text) => Given::Text(text),
            Err(_) => Given::Broken,
        }
    }
}
