//! Two records that are one machine become one record.

use crate::limits;
use crate::machine::phase::Phase;
use crate::machine::record::{Learnt, Record, Wishes};

/// One record of two. The older number stays. What can only be one way is taken from the record that
/// was heard of later, what a person said from the older one where both say something, and the phase
/// is that which is further on the machine's way.
pub fn merge(one: Record, other: Record) -> Record {
    let (old, young) = match one.id < other.id {
        true => (one, other),
        false => (other, one),
    };
    let (id, first_seen) = (old.id, old.first_seen.min(young.first_seen));
    let wishes = wishes(&old.wishes, &young.wishes);
    let given_name = old.given_name.clone().or_else(|| young.given_name.clone());
    let (further, behind) = match rank(&young) > rank(&old) {
        true => (&young, &old),
        false => (&old, &young),
    };
    let (phase, since) = (further.phase.clone(), further.since);
    let policy = further.policy.clone().or_else(|| behind.policy.clone());
    // Of two that were heard of at the same time the older one knows more.
    let (late, early) = match young.last_seen > old.last_seen {
        true => (young, old),
        false => (old, young),
    };
    let mut macs = late.macs;
    for mac in early.macs {
        if !macs.contains(&mac) && macs.len() < limits::MACHINE_MACS {
            macs.push(mac);
        }
    }
    Record {
        id,
        uuid: late.uuid.or(early.uuid),
        macs,
        declared: late.declared.or(early.declared),
        given_name,
        facts: late.facts.over(early.facts),
        phase,
        since,
        first_seen,
        last_seen: late.last_seen,
        address: late.address.or(early.address),
        wishes,
        learnt: learnt(late.learnt, early.learnt),
        policy,
    }
}

/// How far a machine is. `ignored` and `installed` are never lost, because without them a machine's
/// disk could be written over; `failed` waits for a person, who knows best what an installation that
/// is under way elsewhere means. One that a person holds is not let go by another record that nobody
/// held. Of the same phase the later one counts.
fn rank(record: &Record) -> (u8, u64) {
    let rank = match record.phase {
        Phase::Discovered => 0,
        Phase::Held if !record.wishes.held => 1,
        Phase::Ready => 2,
        Phase::Held => 3,
        Phase::Installing(_) => 4,
        Phase::Failed { .. } => 5,
        Phase::Installed { .. } => 6,
        Phase::Ignored => 7,
    };
    (rank, record.since)
}

fn wishes(old: &Wishes, young: &Wishes) -> Wishes {
    let mut tags = old.tags.clone();
    let room = limits::TAGS.saturating_sub(tags.len());
    tags.extend(young.tags.difference(&old.tags).take(room).cloned());
    let notes = match (&*old.notes, &*young.notes) {
        (same, other) if same == other || other.is_empty() => same.to_owned(),
        ("", other) => other.to_owned(),
        (one, other) => format!("{one}\n{other}"),
    };
    Wishes {
        profile: old.profile.clone().or_else(|| young.profile.clone()),
        once: old.once.clone().or_else(|| young.once.clone()),
        held: old.held || young.held,
        approved: old.approved || young.approved,
        loader: old.loader.clone().or_else(|| young.loader.clone()),
        local_boot: old.local_boot.or(young.local_boot),
        tags,
        notes,
    }
}

fn learnt(late: Learnt, early: Learnt) -> Learnt {
    let (sent_local, sent_local_card) = match early.sent_local > late.sent_local {
        true => (early.sent_local, early.sent_local_card),
        false => (late.sent_local, late.sent_local_card),
    };
    let once = [late.sent_once, early.sent_once].into_iter().flatten();
    Learnt {
        loader: late.loader.or(early.loader),
        local_boot: late.local_boot.or(early.local_boot),
        sent_local,
        sent_local_card,
        sent_once: once.max_by_key(|(_, at)| *at),
        stalls: late.stalls.or(early.stalls),
        on_disk: late.on_disk.or(early.on_disk),
    }
}
