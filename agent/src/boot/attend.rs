//! A machine asks what to do: who it is, what it gets, and what that makes of its phase.

use std::net::IpAddr;

use crate::boot::Request;
use crate::boot::claim::Claim;
use crate::boot::command_line::Wanted;
use crate::boot::decide::{self, Decided, Decision};
use crate::boot::gate::Keeper;
use crate::boot::learn;
use crate::boot::policy::{self, Count};
use crate::boot::site::Site;
use crate::boot::token::Token;
use crate::clock::now_ms;
use crate::config::{Installed, Name};
use crate::event::Event;
use crate::id::MachineId;
use crate::machine::phase::{self, Input, Installing};
use crate::machine::registry::Registry;
use crate::machine::{Facts, Phase, Record};
use crate::store::Pending;

/// A decision about a machine, with what goes with it.
pub(super) struct Attended {
    pub(super) decided: Decided,
    pub(super) record: Record,
    pub(super) token: Option<Token>,
    /// Why what was decided cannot be started now.
    pub(super) unready: Option<String>,
    events: Vec<Event>,
}

impl Keeper {
    /// Answers `/script`. What the answer rests on is on the disk before it leaves; if the disk does
    /// not take it, the machine boots all the same and the reason says so.
    pub(super) fn attend(&self, query: &str, request: &Request) -> String {
        let mut facts = Facts::parse(query);
        facts.ip = Some(request.peer.ip().to_canonical());
        let mut site = self.site();
        if site.incomplete {
            site = self.perhaps_rescanned();
        }
        let now = now_ms();
        let declared = site
            .identify(&facts)
            .map(|identity| identity.machine.name.clone());
        // Before the request changes anything: an impostor must not touch the record of whom it claims
        // to be, nor fill the registry with machines that are not there.
        let claim = {
            let registry = self.census.look();
            let record = registry.find(&facts, declared.as_ref(), facts.ip, now);
            Claim::new(&site.config, record, declared.as_ref())
        };
        if let Some(refusal) = claim.refused(self.trust(&facts, &claim.cards, request)) {
            let event = Event::Impostor {
                claimed: refusal.claimed,
                found: Some(refusal.found),
                peer: request.peer.ip().to_canonical(),
            };
            match claim.id {
                Some(id) => self.sink.event_of(id, event),
                None => self.sink.event(event),
            }
            return self.attend_stranger(&site, &facts, None, request, now, &refusal.why);
        }
        let (met, _) = self.census.meet(&facts, declared.as_ref(), facts.ip, now);
        for (machine, event) in met.events {
            self.sink.event_of(machine, event);
        }
        let attended = met.id.and_then(|id| {
            let attend = |registry: &Registry, record: &mut Record| {
                attend(&site, registry, record, &facts, request.local, now_ms())
            };
            self.census.transact(id, attend)
        });
        let Some((mut attended, pending)) = attended else {
            let why = match facts.macs.is_empty() && facts.uuid.is_none() {
                true => "",
                false => "there are too many machines already",
            };
            return self.attend_stranger(&site, &facts, declared.as_ref(), request, now, why);
        };
        if let Some(why) = pending.and_then(|pending| self.unkept(pending)) {
            attended
                .decided
                .reason
                .push_str(&format!("; this is not on the disk: {why}"));
        }
        let id = attended.record.id;
        for event in attended.events.drain(..) {
            self.sink.event_of(id, event);
        }
        self.sink
            .event_of(id, asked(&attended, declared.as_ref(), &facts, request));
        site.script(
            &attended.decided,
            &attended.record,
            &facts,
            request.local,
            attended.token.as_ref(),
        )
    }

    /// Waits until a change is on the disk. While the database is in trouble nobody waits: the
    /// machine boots from what is in memory.
    fn unkept(&self, pending: Pending) -> Option<String> {
        let trouble = self.census.store().trouble();
        trouble.or_else(|| pending.wait().err().map(|error| error.to_string()))
    }

    /// A machine that is not remembered: it is not known by anything, there are too many, or it is
    /// not the one it says. Of what is meant for a certain machine it gets nothing then.
    fn attend_stranger(
        &self,
        site: &Site,
        facts: &Facts,
        declared: Option<&Name>,
        request: &Request,
        now: u64,
        why: &str,
    ) -> String {
        let record = Record::new(MachineId(0), now);
        let mut decided = site.decide(&record, facts, &|_| Count::NoPlace, now);
        if !why.is_empty() {
            decided
                .reason
                .push_str(&format!("; it is not remembered: {why}"));
        }
        let is_other = declared.is_none() && !why.is_empty();
        if let (true, Decision::Install { .. } | Decision::Image { .. }) =
            (is_other, &decided.decision)
        {
            decided.decision = Decision::Hold {
                why: why.to_owned(),
            };
        }
        let start = site.start_of(&decided, facts);
        let unready = start.and_then(|start| start.err().map(|why| why.sentence));
        let attended = Attended {
            decided,
            record,
            token: None,
            unready,
            events: Vec::new(),
        };
        self.sink.event(asked(&attended, declared, facts, request));
        site.script(
            &attended.decided,
            &attended.record,
            facts,
            request.local,
            None,
        )
    }
}

fn asked(attended: &Attended, declared: Option<&Name>, facts: &Facts, request: &Request) -> Event {
    let decided = &attended.decided;
    Event::Script {
        peer: request.peer,
        machine: declared.map_or_else(|| facts.label(), Name::to_string),
        decision: decided.decision.word(),
        reason: match &attended.unready {
            Some(why) => format!("{}; {why}", decided.reason),
            None => decided.reason.clone(),
        },
    }
}

/// What a machine gets among all others, whose places in policies and installations count. Changes
/// nothing.
pub fn decide_among(
    site: &Site,
    registry: &Registry,
    record: &Record,
    facts: &Facts,
    now: u64,
) -> Decided {
    let counts = policy::counts(registry, record);
    let mut decided = site.decide(record, facts, &counts, now);
    let same = facts
        .uuid
        .into_iter()
        .flat_map(|uuid| registry.with_uuid(uuid));
    let mut others = same
        .filter(|id| *id != record.id)
        .filter_map(|id| registry.get(id));
    let twin = others.find(|other| matches!(other.phase, Phase::Installed { .. }));
    decide::spare(&mut decided, record, twin);
    decided
}

/// Decides, with every other machine kept out: the limits of policies count.
pub(super) fn attend(
    site: &Site,
    registry: &Registry,
    record: &mut Record,
    facts: &Facts,
    asked_at: IpAddr,
    now: u64,
) -> Attended {
    let mut events = Vec::new();
    let is_boot = decide::is_boot(facts);
    let card = facts.macs.first().copied();
    let declared = site
        .identify(facts)
        .and_then(|identity| identity.machine.local_boot);
    if is_boot {
        events.extend(learn::came_back(
            record,
            declared,
            card,
            facts.platform(),
            now,
        ));
    }
    let decided = decide_among(site, registry, record, facts, now);
    events.extend(record.enter(decided.step.phase.clone(), decided.step.reason.clone(), now));
    let start = site.start_of(&decided, facts);
    let unready = start.as_ref().and_then(|start| start.as_ref().err());
    let unready = unready.map(|why| why.sentence.clone());
    if decided.counted.is_some() {
        record.policy.clone_from(&decided.counted);
    } else if let (Some(Ok(_)), Decision::Install { profile }) = (&start, &decided.decision)
        && !decided.once
        && (decided.begins.is_some() || !decided.chosen)
    {
        record.leaves_place(profile, &site.config);
    }
    if matches!(decided.decision, Decision::Local { .. }) {
        record.learnt.sent_local = Some(now);
        record.learnt.sent_local_card = card;
    }
    let mut token = None;
    if let Some(Ok(start)) = &start {
        if decided.once
            && let Some(profile) = record.wishes.once.take()
        {
            record.learnt.sent_once = Some((profile, now));
        }
        if let (Some(terms), Decision::Install { profile }) = (decided.begins, &decided.decision) {
            let has_answers = Wanted::profile(&site.config, profile)
                .is_some_and(|wanted| wanted.asks_for_answers());
            // Without random bytes nothing could call back: the installation then ends by its time.
            token = (terms.installed == Installed::Callback || has_answers)
                .then(|| Token::new().ok())
                .flatten();
            let sent = Installing {
                profile: profile.clone(),
                began: now,
                counted: None,
                tries: u32::from(is_boot),
                token: token.as_ref().map(Token::hash),
                address: facts.ip.unwrap_or(asked_at),
                chosen: decided.chosen,
                last_file: start.last_file().map(str::to_owned),
                loaded: false,
            };
            let step = phase::step(&record.phase, &Input::Sent(sent));
            events.extend(record.enter(step.phase, step.reason, now));
        }
    }
    Attended {
        decided,
        record: record.clone(),
        token,
        unready,
        events,
    }
}
