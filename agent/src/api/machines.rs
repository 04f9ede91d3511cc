//! One machine, what is done with it, and what happened to it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Api, Asked, Problem, view};
use crate::config::Config;
use crate::event::{Event, Word};
use crate::machine::{Action, Record};
use crate::timeline::{findings, render};

/// What a query chooses of all machines.
pub(super) struct Chosen<'a> {
    phase: Option<Word>,
    profile: Option<&'a String>,
    tag: Option<&'a String>,
    text: Option<String>,
}

impl<'a> Chosen<'a> {
    pub(super) fn of(pairs: &'a BTreeMap<String, String>) -> Result<Chosen<'a>, Problem> {
        Ok(Chosen {
            phase: pairs.get("phase").map(|text| phase(text)).transpose()?,
            profile: pairs.get("profile"),
            tag: pairs.get("tag"),
            text: pairs.get("q").map(|text| text.to_lowercase()),
        })
    }

    pub(super) fn has(&self, record: &Record) -> bool {
        let tag = |tag: &String| record.wishes.tags.iter().any(|one| one.as_str() == tag);
        let own = || {
            let phase = record.phase.profile();
            phase.or(record.wishes.profile.as_ref())
        };
        let profile = |wanted: &String| own().is_some_and(|name| name.as_str() == wanted);
        self.phase.is_none_or(|phase| record.phase.word() == phase)
            && self.tag.is_none_or(tag)
            && self.profile.is_none_or(profile)
            && self.text.as_ref().is_none_or(|text| mentions(record, text))
    }
}

impl Api {
    pub(super) fn machine(&self, name: &str, config: &Config) -> Result<Value, Problem> {
        let record = self.named(name)?;
        let moment = self.moment();
        let events = self.story(&record)?;
        let context = self.context(&record, &events, config, &moment);
        let mut value = view::machine(&record);
        value["findings"] = json!(findings(&events, &context));
        Ok(value)
    }

    pub(super) fn named(&self, name: &str) -> Result<Record, Problem> {
        self.census
            .named(name)
            .ok_or_else(|| Problem::no_machine(name))
    }

    pub(super) fn act(&self, name: &str, asked: &Asked, config: &Config) -> Result<Value, Problem> {
        let record = self.named(name)?;
        let action: Action = asked.json("action")?;
        let mut what = serde_json::to_value(&action).unwrap_or_default();
        // serde lets anything pass beside the word of an action that takes nothing.
        let body: serde_json::Map<String, Value> = asked.json("action")?;
        if let Some(unknown) = body.keys().find(|key| what.get(key).is_none()) {
            let why = format!("the body is no action: this one takes no {unknown:?}");
            return Err(Problem::wrong(&why));
        }
        // Its tag is that of what `GET` shows, with findings.
        let shown = match asked.if_match {
            Some(_) => asked.has_seen(&self.machine(name, config)?).is_ok(),
            None => true,
        };
        let has_seen = |now: &Record| asked.if_match.is_none() || shown && *now == record;
        let choose = |_: &Record| vec![action.clone()];
        let (after, _) = self
            .keeper
            .act_all(record.id, asked.who, has_seen, choose)?;
        what["machine"] = record.id.0.into();
        what["label"] = record.label().into();
        self.audited(asked.who, what)?;
        Ok(view::machine(&after))
    }

    pub(super) fn wake(&self, name: &str, asked: &Asked) -> Result<Value, Problem> {
        let record = self.named(name)?;
        let done = (self.wake)(&record.macs);
        let event = Event::Power {
            driver: "wake-on-lan".to_owned(),
            what: done.clone().unwrap_or_else(|_| "wake".to_owned()),
            error: done.as_ref().err().cloned(),
        };
        self.keeper.tell(record.id, event);
        let what = json!({ "action": "wake", "machine": record.id, "label": record.label() });
        self.audited(asked.who, what)?;
        match done {
            Ok(what) => Ok(json!({ "label": record.label(), "what": what })),
            Err(why) => Err(Problem::conflict(&why)),
        }
    }

    pub(super) fn events_of(&self, name: &str, query: &str) -> Result<Value, Problem> {
        let record = self.named(name)?;
        let mut filter = view::filter(query)?;
        filter.machine = Some(record.id);
        self.events(filter)
    }

    pub(super) fn timeline(&self, name: &str, config: &Config) -> Result<Value, Problem> {
        let record = self.named(name)?;
        let moment = self.moment();
        let events = self.story(&record)?;
        let found = findings(&events, &self.context(&record, &events, config, &moment));
        let mut value = render::programs(&events, &found);
        value["label"] = record.label().into();
        value["text"] = render::people(&record.label(), &events, &found, 1).into();
        value["all"] = render::people(&record.label(), &events, &found, usize::MAX).into();
        Ok(value)
    }
}

fn phase(text: &str) -> Result<Word, Problem> {
    let found = Word::ALL.into_iter().find(|word| word.as_str() == text);
    found.ok_or_else(|| {
        let words: Vec<_> = Word::ALL.iter().map(|word| word.as_str()).collect();
        Problem::wrong(&format!(
            "there is no phase {text:?}; there are {}",
            words.join(", ")
        ))
    })
}

/// Whether a text in small letters stands in what a machine is called or says of itself.
fn mentions(record: &Record, text: &str) -> bool {
    let facts = &record.facts;
    let texts = [&facts.manufacturer, &facts.product, &facts.serial];
    let mut names = record.name().into_iter();
    let is_number = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.' | '-');
    // Written out only for who looks for one.
    let numbers = || {
        let macs = record.macs.iter().map(ToString::to_string);
        let uuid = record.uuid.iter().map(ToString::to_string);
        macs.chain(uuid)
            .chain(record.address.map(|address| address.to_string()))
    };
    texts.into_iter().any(|one| has(one, text))
        || names.any(|name| has(name.as_str(), text))
        || text.chars().all(is_number) && numbers().any(|number| number.contains(text))
        || record.macs.is_empty() && has(&record.label(), text)
}

/// Whether a text stands in another, whose capitals do not count.
fn has(text: &str, part: &str) -> bool {
    match text.is_ascii() {
        true => {
            let mut places = text.as_bytes().windows(part.len().max(1));
            part.is_empty() || places.any(|place| place.eq_ignore_ascii_case(part.as_bytes()))
        }
        false => text.to_lowercase().contains(part),
    }
}
