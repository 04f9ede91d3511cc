//! What is to be done for one wanted file: pure, from what the lock, the disk and the publisher say.

use crate::digest::Sha256;
use crate::fetch::{Failure, FailureKind};
use crate::image;
use crate::image::lock::Locked;
use crate::recipe::wanted::{Expect, Keep, Source, Tie, Wanted, file_url};

/// What lies at a wanted name.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum There {
    /// Nothing (or the text is kept in the lock).
    Nothing,
    /// A regular file.
    File {
        /// Its bytes.
        size: u64,
        /// Its digest.
        sha256: Sha256,
    },
    /// What Hearth does not touch, in words.
    Other(String),
}

/// A digest that somebody says, and who.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    /// What the file must be.
    pub sha256: Sha256,
    /// Who says so: "the configuration", "the lock (pinned 2026-...)", a URL.
    pub by: String,
    /// It is the lock: the publisher may have changed the file, and that can be accepted.
    pub pinned: bool,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Plan {
    /// It is there and true.
    Keep,
    /// A person put exactly this there: from now on it is Hearth's.
    Adopt,
    /// A person's own file has the name.
    KeepYours(String),
    /// It must be fetched.
    Fetch(Order),
    /// Somebody has to look at it first.
    Refuse(Failure),
}

/// How it must be fetched.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Order {
    /// What must come; without it the first fetch pins it.
    pub must: Option<Said>,
    /// The digest of the file of Hearth's that is there and goes.
    pub replaces: Option<Sha256>,
    /// What is there is shorter than it must be: it goes if it is the beginning of what comes.
    pub half: bool,
}

/// Decides. `said` is what the configuration or the publisher says of the file itself (not of its
/// archive); `repin`: what the lock says does not count.
pub(super) fn decide(
    wanted: &Wanted,
    pin: Option<&Locked>,
    there: &There,
    said: Option<Said>,
    repin: bool,
) -> Plan {
    let fetch = |must, replaces| {
        Plan::Fetch(Order {
            must,
            replaces,
            half: false,
        })
    };
    let Some(pin) = pin else {
        return match (there, &said) {
            (There::Nothing, _) => fetch(said, None),
            (There::Other(what), _) => Plan::KeepYours(what.clone()),
            (There::File { sha256, .. }, Some(said)) if said.sha256 == *sha256 => Plan::Adopt,
            (There::File { .. }, _) => Plan::KeepYours("it was not fetched by Hearth".to_owned()),
        };
    };
    let holds = holds(wanted, pin, said.as_ref());
    let must = if holds && !repin {
        Some(Said {
            sha256: pin.sha256,
            by: format!("the lock (pinned {})", image::date(pin.when)),
            pinned: true,
        })
    } else {
        said
    };
    if wanted.keep == Keep::Text {
        return if holds && !repin && pin.text.is_some() {
            Plan::Keep
        } else {
            fetch(must, None)
        };
    }
    match there {
        There::Nothing => fetch(must, None),
        There::Other(what) => Plan::KeepYours(what.clone()),
        There::File { sha256, .. } if *sha256 == pin.sha256 => match &must {
            Some(must) if must.sha256 == *sha256 => Plan::Keep,
            _ => fetch(must, Some(*sha256)),
        },
        // A kill came between the new pin and the new file.
        There::File { sha256, .. } if Some(*sha256) == pin.replaces => fetch(must, Some(*sha256)),
        There::File { size, sha256 } if *size < pin.size && holds && !repin => Plan::Fetch(Order {
            must,
            replaces: Some(*sha256),
            half: true,
        }),
        There::File { sha256, .. } => Plan::Refuse(changed(&wanted.name, *sha256, pin.sha256)),
    }
}

/// The failure of a file that is no longer what Hearth fetched.
pub(super) fn changed(name: &str, found: Sha256, pinned: Sha256) -> Failure {
    Failure::new(
        FailureKind::Data,
        format!(
            "{name} is no longer what Hearth fetched: its sha256 is {found}, the lock says \
             {pinned}; it is left as it is: remove it and fetch again, or give it another name if \
             the change is yours (`loaders.files` takes loaders of your own)"
        ),
    )
}

/// Whether a pin is of what is wanted: a pin of another source, or of another digest than the
/// configuration says, is of something else.
fn holds(wanted: &Wanted, pin: &Locked, said: Option<&Said>) -> bool {
    let same_source = wanted.tie == Tie::Name
        || match &wanted.source {
            Source::Urls(urls) => urls.contains(&pin.url) && pin.member.is_none(),
            Source::Member { archive, .. } => archive.url() == pin.url && pin.member.is_some(),
            Source::Copy(path) => file_url(path) == pin.url,
        };
    let same_digest = match (&wanted.expect, &wanted.source) {
        (Expect::Digest(digest), Source::Member { .. }) => pin
            .member
            .as_ref()
            .is_some_and(|member| member.archive == *digest),
        (Expect::Digest(digest), _) => pin.sha256 == *digest,
        (_, Source::Copy(_)) => said.is_none_or(|said| said.sha256 == pin.sha256),
        _ => true,
    };
    same_source && same_digest && pin.text.is_some() == (wanted.keep == Keep::Text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::lock::{Owner, Pinned};

    const A: Sha256 = Sha256([1; 32]);
    const B: Sha256 = Sha256([2; 32]);
    const C: Sha256 = Sha256([3; 32]);

    fn wanted(tie: Tie) -> Wanted {
        Wanted {
            name: "a/b".to_owned(),
            owner: Owner::Loaders,
            source: Source::Urls(vec!["http://x/b".to_owned(), "http://x/c".to_owned()]),
            expect: Expect::FirstUse,
            tie,
            keep: Keep::File,
            optional: false,
            registration: None,
        }
    }

    fn pin() -> Locked {
        Locked {
            size: 10,
            sha256: A,
            url: "http://x/c".to_owned(),
            member: None,
            owner: Owner::Loaders,
            pinned: Pinned::FirstUse,
            when: 0,
            text: None,
            replaces: None,
        }
    }

    fn there(sha256: Sha256, size: u64) -> There {
        There::File { size, sha256 }
    }

    fn said(sha256: Sha256) -> Option<Said> {
        Some(Said {
            sha256,
            by: "x".to_owned(),
            pinned: false,
        })
    }

    fn order(plan: Plan) -> (Option<Sha256>, Option<Sha256>, bool) {
        match plan {
            Plan::Fetch(order) => (
                order.must.map(|must| must.sha256),
                order.replaces,
                order.half,
            ),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_a_pin_what_lies_there_is_a_persons_unless_it_is_exactly_what_is_wanted() {
        let wanted = wanted(Tie::Name);
        let decided = |there, said| decide(&wanted, None, &there, said, false);
        assert_eq!(order(decided(There::Nothing, None)), (None, None, false));
        assert_eq!(
            order(decided(There::Nothing, said(A))),
            (Some(A), None, false)
        );
        assert_eq!(decided(there(A, 10), said(A)), Plan::Adopt);
        assert!(matches!(decided(there(A, 10), said(B)), Plan::KeepYours(_)));
        assert!(matches!(decided(there(A, 10), None), Plan::KeepYours(_)));
        assert!(matches!(
            decided(There::Other("a link".to_owned()), said(A)),
            Plan::KeepYours(_)
        ));
    }

    #[test]
    fn what_is_pinned_is_kept_brought_back_or_shown() {
        let wanted = wanted(Tie::Name);
        let decided = |there| decide(&wanted, Some(&pin()), &there, None, false);
        assert_eq!(decided(there(A, 10)), Plan::Keep);
        assert_eq!(order(decided(There::Nothing)), (Some(A), None, false));
        assert_eq!(order(decided(there(B, 9))), (Some(A), Some(B), true));
        let Plan::Refuse(failure) = decided(there(B, 10)) else {
            panic!("a changed file was taken");
        };
        assert!(failure.reason.contains(&A.to_string()) && failure.reason.contains(&B.to_string()));
    }

    #[test]
    fn a_replacement_that_a_kill_cut_short_goes_on() {
        let pin = Locked {
            replaces: Some(B),
            ..pin()
        };
        let decided = decide(&wanted(Tie::Name), Some(&pin), &there(B, 4), None, false);
        assert_eq!(order(decided), (Some(A), Some(B), false));
    }

    #[test]
    fn another_source_means_another_file_where_the_pin_is_tied_to_it() {
        let elsewhere = Locked {
            url: "http://y/b".to_owned(),
            ..pin()
        };
        let decided = |tie| decide(&wanted(tie), Some(&elsewhere), &there(A, 10), None, false);
        assert_eq!(decided(Tie::Name), Plan::Keep);
        assert_eq!(order(decided(Tie::Source)), (None, Some(A), false));
        let same = decide(
            &wanted(Tie::Source),
            Some(&pin()),
            &there(A, 10),
            None,
            false,
        );
        assert_eq!(same, Plan::Keep);
    }

    #[test]
    fn a_new_digest_in_the_configuration_outweighs_the_pin() {
        let wanted = Wanted {
            expect: Expect::Digest(C),
            ..wanted(Tie::Name)
        };
        let decided = |there| decide(&wanted, Some(&pin()), &there, said(C), false);
        assert_eq!(order(decided(there(A, 10))), (Some(C), Some(A), false));
        assert!(
            matches!(decided(there(B, 5)), Plan::Refuse(_)),
            "a person's change was lost"
        );
    }

    #[test]
    fn pinning_anew_asks_the_publisher_and_replaces_only_what_is_hearths() {
        let wanted = wanted(Tie::Name);
        let decided = |there, said| decide(&wanted, Some(&pin()), &there, said, true);
        assert_eq!(order(decided(there(A, 10), None)), (None, Some(A), false));
        assert_eq!(decided(there(A, 10), said(A)), Plan::Keep);
        assert_eq!(
            order(decided(there(A, 10), said(B))),
            (Some(B), Some(A), false)
        );
        assert!(matches!(decided(there(C, 10), None), Plan::Refuse(_)));
    }

    #[test]
    fn a_text_is_kept_in_the_lock_alone() {
        let wanted = Wanted {
            keep: Keep::Text,
            ..wanted(Tie::Name)
        };
        let text = Locked {
            text: Some("a b".to_owned()),
            ..pin()
        };
        assert_eq!(
            decide(&wanted, Some(&text), &There::Nothing, None, false),
            Plan::Keep
        );
        let anew = decide(&wanted, Some(&text), &There::Nothing, None, true);
        assert_eq!(order(anew), (None, None, false));
    }
}
