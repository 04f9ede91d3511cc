//! From what was written to what is true: every name points at something, nothing is there twice,
//! nothing contradicts another thing.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use super::load::Environment;
use super::raw::{self, Raw};
use super::report::Report;
use super::source::{Place, Placed};
use super::suggest::nearest;
use super::{
    Api, Config, Image, Name, Profile, Recipe, Server, Unknown, Webhook, answers, command_line,
    machines, menu, policies,
};

/// Everything of one kind that is declared, with where.
pub(super) struct Declared {
    kind: &'static str,
    places: HashMap<String, Place>,
}

impl Declared {
    /// Takes up the names, and reports those that are there twice.
    pub fn new<'a>(
        kind: &'static str,
        names: impl Iterator<Item = (&'a str, Place)>,
        report: &mut Report,
    ) -> Declared {
        let mut places = HashMap::new();
        for (name, place) in names {
            match places.get(name) {
                Some(first) => {
                    report
                        .twice(&format!("{kind} `{name}`"), *first, place)
                        .note("it would be open which of them counts: rename or remove one");
                }
                None => {
                    places.insert(name.to_owned(), place);
                }
            }
        }
        Declared { kind, places }
    }

    pub fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// Every name, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// Reports a name that points at nothing.
    pub fn expect(&self, name: &Placed<Name>, loss: &str, report: &mut Report) -> bool {
        let found = self.has(name.value.as_str());
        if !found {
            let message = format!("there is no {} `{}`", self.kind, name.value);
            self.missing(message, name, &[], loss, report);
        }
        found
    }

    /// Reports that `name` points at nothing; `others` are further words that it may be meant for.
    pub fn missing(
        &self,
        message: String,
        name: &Placed<Name>,
        others: &[&str],
        loss: &str,
        report: &mut Report,
    ) {
        if report.is_full() {
            report.error(name.place, message);
            return;
        }
        let incomplete = report.is_incomplete();
        let draft = report.error(name.place, message);
        // Sorted, so that the same mistake always has the same words.
        let mut known: Vec<&str> = self.names().chain(others.iter().copied()).collect();
        known.sort_unstable();
        if let Some(meant) = nearest(name.value.as_str(), known) {
            draft.note(format!("did you mean `{meant}`?"));
        }
        if incomplete {
            draft.note("it may be declared in a part of the files that is not TOML");
        }
        draft.note(loss);
    }
}

fn names<'a>(
    list: impl Iterator<Item = &'a Option<Placed<Name>>>,
) -> impl Iterator<Item = (&'a str, Place)> {
    list.flatten().map(|name| (name.value.as_str(), name.place))
}

/// The configuration, or `None` where a mistake leaves a hole in it.
pub(super) fn check(raw: Raw, environment: &Environment, report: &mut Report) -> Option<Config> {
    let images = Declared::new("image", names(raw.images.iter().map(|i| &i.name)), report);
    let declared_profiles = raw.profiles.iter().map(|profile| &profile.name);
    let profiles = Declared::new("profile", names(declared_profiles), report);
    let policy_names = raw
        .policies
        .iter()
        .filter_map(|policy| policy.name.as_ref());
    let policy_names = policy_names.map(|name| (name.value.as_str(), name.place));
    Declared::new("policy", policy_names, report);
    let machine_names = raw.machines.iter().map(|machine| &machine.name);
    Declared::new("machine", names(machine_names), report);

    let webhooks = raw.webhooks.iter().map(|webhook| &webhook.name);
    Declared::new("webhook", names(webhooks), report);

    let server = server(raw.server, &profiles, environment, report);
    let api = api(raw.api, &server, environment, report);
    report.refuse_private_files_offered(&server.state);
    if server.own_files {
        report.refuse_private_files_below(&server.root);
    }
    let mut kept = kept_images(raw.images);
    for profile in &raw.profiles {
        check_profile(profile, &images, &kept, report);
    }
    answers::check(&raw.profiles, &raw.machines, report);
    command_line::check(&raw.profiles, &raw.machines, &kept, report);
    let known = menu::Known {
        profiles: &profiles,
        images: &images,
        kept: &mut kept,
    };
    let menu = menu::check(raw.menu, &raw.profiles, known, report);
    let machines = machines::check(raw.machines, &server, &raw.loaders, &profiles, report);
    let policies = policies::check(raw.policies, &profiles, report);
    Some(Config {
        server,
        tftp: raw.tftp,
        http: raw.http,
        api,
        observe: raw.observe,
        events: raw.events,
        fetch: raw.fetch,
        log: raw.log,
        menu: menu?,
        loaders: raw.loaders,
        images: kept,
        profiles: kept_profiles(raw.profiles),
        policies,
        webhooks: kept_webhooks(raw.webhooks),
        machines,
    })
}

fn server(
    raw: raw::Server,
    profiles: &Declared,
    environment: &Environment,
    report: &mut Report,
) -> Server {
    let everywhere = "machines on every network that reaches this host, the Internet side \
                      included, could fetch the boot files; name the boot network's own address";
    let loss = "nothing could listen there: machines that ask would get no answer";
    addresses(&raw.addresses, environment, everywhere, loss, report);
    let unknown = match raw.unknown {
        raw::Unknown::Known(unknown) => unknown,
        raw::Unknown::Profile(name) => {
            let loss = "machines that are not declared would get nothing";
            profiles.expect(&name, loss, report);
            Unknown::Profile(name.value)
        }
    };
    Server {
        addresses: raw.addresses.into_iter().map(|one| one.value).collect(),
        unknown,
        ..raw.rest
    }
}

/// What is wrong with addresses to listen on: `everywhere` says what a wildcard causes, `loss` what an
/// address causes that this host does not have.
fn addresses(
    addresses: &[Placed<IpAddr>],
    environment: &Environment,
    everywhere: &str,
    loss: &str,
    report: &mut Report,
) {
    let mut seen: Vec<&Placed<IpAddr>> = Vec::new();
    for address in addresses {
        match seen.iter().find(|one| one.value == address.value) {
            Some(first) => {
                let what = format!("address {}", address.value);
                report
                    .twice(&what, first.place, address.place)
                    .note("the second could not listen: once is enough");
            }
            None => seen.push(address),
        }
        if address.value.is_unspecified() {
            report
                .warning(address.place, "this listens on every interface")
                .note(everywhere);
        } else if let Some(local) = &environment.local_addresses
            && !local.contains(&address.value)
        {
            let have: Vec<_> = local.iter().map(IpAddr::to_string).collect();
            let what = format!(
                "no interface of this host has the address {}",
                address.value
            );
            let have = format!("this host has {}", have.join(", "));
            if environment.later {
                let later = "nothing reaches hearth there until one has; it is waited for";
                report.warning(address.place, what).note(have).note(later);
            } else {
                report.error(address.place, what).note(have).note(loss);
            }
        }
    }
}

fn api(raw: raw::Api, server: &Server, environment: &Environment, report: &mut Report) -> Api {
    let everywhere = "every network that reaches this host, the Internet side included, could try \
                      tokens; name the address of the network that programs are on";
    let loss = "nothing could listen there: programs that ask would get no answer";
    addresses(&raw.addresses, environment, everywhere, loss, report);
    let shared = raw
        .addresses
        .iter()
        .find(|one| raw.port == server.http_port && server.addresses.contains(&one.value));
    if let Some(address) = shared {
        report
            .error(
                address.place,
                format!("the boot side has port {} of this address", raw.port),
            )
            .note("only one of them could listen: give `[api]` another `port`");
    }
    let files = match (raw.certificate, raw.key) {
        (Some(certificate), Some(key)) => {
            report.keep_private(key.place, key.value.clone());
            Some((certificate.value, key.value))
        }
        (Some(one), None) => {
            let note = "the agent could not prove who it is: add `key`";
            report
                .error(one.place, "a certificate without its key")
                .note(note);
            None
        }
        (None, Some(one)) => {
            let note = "programs could not know whom they talk to: add `certificate`";
            report
                .error(one.place, "a key without its certificate")
                .note(note);
            None
        }
        (None, None) => None,
    };
    Api {
        addresses: raw.addresses.into_iter().map(|one| one.value).collect(),
        port: raw.port,
        files,
    }
}

fn kept_images(raw: Vec<raw::Image>) -> BTreeMap<Name, Image> {
    let whole = raw.into_iter().filter_map(|image| {
        let name = image.name?.value;
        let image = Image {
            name: name.clone(),
            recipe: image.recipe?,
            architectures: image.architectures,
        };
        Some((name, image))
    });
    whole.collect()
}

fn check_profile(
    profile: &raw::Profile,
    images: &Declared,
    kept: &BTreeMap<Name, Image>,
    report: &mut Report,
) {
    let Some(image) = &profile.image else {
        return;
    };
    let loss = "machines with this profile would have nothing to start";
    if !images.expect(image, loss, report) {
        return;
    }
    let kept = kept.get(&image.value);
    let other = kept.is_some_and(|image| !matches!(image.recipe, Recipe::Talos(_)));
    if let (true, Some(omni)) = (other, &profile.omni) {
        report
            .error(
                omni.place,
                format!(
                    "`omni` in a profile whose image `{}` is not Talos",
                    image.value
                ),
            )
            .note("only Talos joins Omni: take `omni` out, or name a Talos image");
    }
    let chains = kept.is_some_and(|image| matches!(image.recipe, Recipe::NetbootXyz { .. }));
    if let (true, Some(name), false) = (chains, &profile.name, profile.arguments.is_empty()) {
        report
            .warning(name.place, "the arguments of this profile are not used")
            .note("netboot.xyz is another boot menu, which takes none");
    }
    if let Some(name) = &profile.name
        && let Some(builtin) = menu::builtin(name.value.as_str())
    {
        report
            .warning(
                name.place,
                format!(
                    "this profile hides the menu's own item `{}`",
                    builtin.name()
                ),
            )
            .note("the menu could not offer that any more: give the profile another name");
    }
}

fn kept_profiles(raw: Vec<raw::Profile>) -> BTreeMap<Name, Profile> {
    let whole = raw.into_iter().filter_map(|profile| {
        let name = profile.name?.value;
        let profile = Profile {
            name: name.clone(),
            label: profile.label?,
            image: profile.image?.value,
            arguments: profile.arguments,
            answers: profile.answers,
            variables: profile.variables,
            omni: profile.omni.map(|omni| omni.value),
            installed: profile.installed,
            tries: profile.tries,
            timeout: profile.timeout,
        };
        Some((name, profile))
    });
    whole.collect()
}

fn kept_webhooks(raw: Vec<raw::Webhook>) -> Vec<Webhook> {
    let whole = raw.into_iter().filter_map(|webhook| {
        Some(Webhook {
            name: webhook.name?.value,
            url: webhook.url?,
            secret: webhook.secret?,
            events: webhook.events,
        })
    });
    whole.collect()
}
