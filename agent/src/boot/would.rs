//! What a known machine would get now: all of a decision, and nothing of what follows from one.

use std::net::{IpAddr, Ipv4Addr};

use crate::boot::attend::attend;
use crate::boot::decide::profile_of;
use crate::boot::gate::Keeper;
use crate::boot::policy;
use crate::boot::token::Token;
use crate::clock::now_ms;
use crate::config::Name;
use crate::machine::{Facts, Phase, Record};

/// What a machine would get that is switched on now and asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Would {
    /// The profile that is meant for it.
    pub profile: Option<Name>,
    /// The decision in a word, with its profile or image.
    pub decision: String,
    /// Why.
    pub reason: String,
    /// Why what was decided cannot be started now.
    pub unready: Option<String>,
    /// Where it would be then.
    pub becomes: Phase,
    /// Its script. The token of an installation that would begin is that of nobody.
    pub script: String,
}

impl Keeper {
    /// What the machine of a record would get, with what people did and what was learnt of it.
    /// `asked` is the address of ours that it would ask; without it the first. Nothing changes.
    pub fn would_get(&self, record: &Record, asked: Option<IpAddr>) -> Would {
        let site = self.site();
        let first = site.config.server.addresses.first().copied();
        let asked = asked.or(first).unwrap_or(Ipv4Addr::LOCALHOST.into());
        let facts = Facts {
            ip: record.address,
            ..record.facts.lasting()
        };
        let now = now_ms();
        let mut after = record.clone();
        let registry = self.census.look();
        let profile = {
            let counts = policy::counts(&registry, record);
            profile_of(&site.asking(record, &facts, &counts, now))
        };
        let attended = attend(&site, &registry, &mut after, &facts, asked, now);
        drop(registry);
        let token = attended.token.and_then(|_| Token::shown(&"0".repeat(32)));
        let decided = &attended.decided;
        Would {
            profile,
            decision: decided.decision.word(),
            reason: decided.reason.clone(),
            unready: attended.unready,
            script: site.script(decided, &attended.record, &facts, asked, token.as_ref()),
            becomes: after.phase,
        }
    }
}
