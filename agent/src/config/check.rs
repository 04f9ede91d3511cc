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
    Config, Image, Menu, MenuItem, Name, Policy, Profile, Recipe, Server, Unknown, command_line,
    defaults, machines, sections,
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

    fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
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

    fn missing(
        &self,
        message: String,
        name: &Placed<Name>,
        others: &[&str],
        loss: &str,
        report: &mut Report,
    ) {
        let incomplete = report.is_incomplete();
        let draft = report.error(name.place, message);
        let known = self.places.keys().map(String::as_str);
        // Sorted, so that the same mistake always has the same words.
        let mut known: Vec<&str> = known.chain(others.iter().copied()).collect();
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

    let server = server(raw.server, &profiles, environment, report);
    let mut kept = kept_images(raw.images);
    for profile in &raw.profiles {
        check_profile(profile, &images, &kept, report);
    }
    command_line::check(&raw.profiles, &raw.machines, &kept, report);
    let menu = menu(
        raw.menu,
        &raw.profiles,
        &profiles,
        &images,
        &mut kept,
        report,
    );
    let machines = machines::check(raw.machines, &server, &raw.loaders, &profiles, report);
    let policies = policies(raw.policies, &profiles, report);
    Some(Config {
        server,
        tftp: raw.tftp,
        http: raw.http,
        fetch: raw.fetch,
        log: raw.log,
        menu: menu?,
        loaders: raw.loaders,
        images: kept,
        profiles: kept_profiles(raw.profiles),
        policies,
        machines,
    })
}

fn server(
    raw: raw::Server,
    profiles: &Declared,
    environment: &Environment,
    report: &mut Report,
) -> Server {
    let mut seen: Vec<&Placed<IpAddr>> = Vec::new();
    for address in &raw.addresses {
        match seen.iter().find(|one| one.value == address.value) {
            Some(first) => {
                let what = format!("address {}", address.value);
                report.twice(&what, first.place, address.place);
            }
            None => seen.push(address),
        }
        if address.value.is_unspecified() {
            report
                .warning(address.place, "this listens on every interface")
                .note(
                    "machines on every network that reaches this host, the Internet side \
                     included, could fetch the boot files; name the boot network's own address",
                );
        } else if let Some(local) = &environment.local_addresses
            && !local.contains(&address.value)
        {
            let have: Vec<_> = local.iter().map(IpAddr::to_string).collect();
            report
                .error(
                    address.place,
                    format!(
                        "no interface of this host has the address {}",
                        address.value
                    ),
                )
                .note(format!("this host has {}", have.join(", ")))
                .note("nothing could listen there: machines that ask would get no answer");
        }
    }
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
    let other = kept.filter(|image| !matches!(image.recipe, Recipe::Talos(_)));
    if let (Some(_), Some(omni)) = (other, &profile.omni) {
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
    let chains = kept.filter(|image| {
        matches!(
            image.recipe,
            Recipe::NetbootXyz { .. } | Recipe::Memtest { .. }
        )
    });
    if let (Some(kept), Some(name), false) = (chains, &profile.name, profile.arguments.is_empty())
        && matches!(kept.recipe, Recipe::NetbootXyz { .. })
    {
        report
            .warning(name.place, "the arguments of this profile are not used")
            .note("netboot.xyz is another boot menu, which takes none");
    }
    if let Some(name) = &profile.name
        && let Some(builtin) = builtin(name.value.as_str())
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
            omni: profile.omni.map(|omni| omni.value),
            installed: profile.installed,
        };
        Some((name, profile))
    });
    whole.collect()
}

fn builtin(name: &str) -> Option<MenuItem> {
    let all = [MenuItem::Local, MenuItem::Shell, MenuItem::Reboot];
    all.into_iter().find(|item| item.name() == name)
}

fn menu(
    raw: raw::Menu,
    in_order: &[raw::Profile],
    profiles: &Declared,
    images: &Declared,
    kept: &mut BTreeMap<Name, Image>,
    report: &mut Report,
) -> Option<Menu> {
    let mut item = |name: &Name| -> Option<MenuItem> {
        let text = name.as_str();
        if profiles.has(text) {
            return Some(MenuItem::Profile(name.clone()));
        }
        if images.has(text) {
            return Some(MenuItem::Image(name.clone()));
        }
        if let Some(item) = builtin(text) {
            return Some(item);
        }
        let (recipe, architectures) = sections::implied_image(text)?;
        let image = Image {
            name: name.clone(),
            recipe,
            architectures,
        };
        kept.insert(name.clone(), image);
        Some(MenuItem::Image(name.clone()))
    };
    let mut items: Vec<(MenuItem, Option<Place>)> = Vec::new();
    let Some(written) = raw.items else {
        let own = in_order.iter().filter_map(|profile| profile.name.as_ref());
        let own = own.map(|name| name.value.clone());
        let fixed = defaults::MENU_ITEMS
            .iter()
            .filter_map(|name| Name::new(name).ok());
        for name in own.chain(fixed) {
            let one = item(&name)?;
            if !items.iter().any(|(other, _)| other.name() == one.name()) {
                items.push((one, None));
            }
        }
        return finish_menu(raw.title, raw.timeout, raw.default, items, report);
    };
    for name in &written.value {
        let Some(one) = item(&name.value) else {
            let message = format!("there is no profile, image or menu item `{}`", name.value);
            let others: Vec<&str> = images
                .places
                .keys()
                .map(String::as_str)
                .chain(defaults::MENU_ITEMS)
                .collect();
            let loss = "the menu could not offer it";
            profiles.missing(message, name, &others, loss, report);
            // Its place in the list stays, so that a default that names it is no second mistake.
            items.push((MenuItem::Profile(name.value.clone()), Some(name.place)));
            continue;
        };
        match items.iter().find(|(other, _)| other.name() == one.name()) {
            Some((_, first)) => {
                let what = format!("the menu's item `{}`", one.name());
                report.twice(&what, first.unwrap_or(name.place), name.place);
            }
            None => items.push((one, Some(name.place))),
        }
    }
    finish_menu(raw.title, raw.timeout, raw.default, items, report)
}

fn finish_menu(
    title: Option<super::Label>,
    timeout: std::time::Duration,
    default: Option<Placed<Name>>,
    items: Vec<(MenuItem, Option<Place>)>,
    report: &mut Report,
) -> Option<Menu> {
    let items: Vec<MenuItem> = items.into_iter().map(|(item, _)| item).collect();
    let named = |wanted: &str| items.iter().find(|item| item.name() == wanted).cloned();
    let default = match default {
        None => named(defaults::MENU_DEFAULT).or_else(|| items.first().cloned()),
        Some(wanted) => {
            let found = named(wanted.value.as_str());
            if found.is_none() {
                let have: Vec<_> = items.iter().map(MenuItem::name).collect();
                report
                    .error(
                        wanted.place,
                        format!("the default `{}` is none of the menu's items", wanted.value),
                    )
                    .note(format!("its items are {}", have.join(", ")))
                    .note("machines that nobody watches would stay in the menu");
            }
            found
        }
    };
    Some(Menu {
        title: title?,
        timeout,
        default: default?,
        items,
    })
}

fn policies(raw: Vec<raw::Policy>, profiles: &Declared, report: &mut Report) -> Vec<Policy> {
    let last = raw.len().saturating_sub(1);
    let mut policies = Vec::new();
    for (number, policy) in raw.into_iter().enumerate() {
        if let Some(profile) = &policy.profile {
            let loss = "machines that match this policy would get nothing";
            profiles.expect(profile, loss, report);
        }
        let (Some(name), Some(profile), Some(conditions)) =
            (policy.name, policy.profile, policy.conditions)
        else {
            continue;
        };
        if conditions.is_empty() && policy.limit.is_none() && number < last {
            report
                .warning(name.place, "this policy matches every machine")
                .note("the policies behind it never count: put it last, or give it conditions");
        }
        policies.push(Policy {
            name: name.value,
            conditions,
            profile: profile.value,
            limit: policy.limit,
        });
    }
    policies
}
