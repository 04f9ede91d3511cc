//! The menu's items: each is a profile, an image, or one of the menu's own.

use std::collections::{BTreeMap, BTreeSet};

use super::check::Declared;
use super::raw;
use super::report::Report;
use super::source::{Place, Placed};
use super::{Image, Menu, MenuItem, Name, defaults, sections};

/// What a menu's items may name.
pub(super) struct Known<'k> {
    pub profiles: &'k Declared,
    pub images: &'k Declared,
    /// Every image; those that an item implies are put to them.
    pub kept: &'k mut BTreeMap<Name, Image>,
}

/// One of the menu's own items.
pub(super) fn builtin(name: &str) -> Option<MenuItem> {
    let all = [MenuItem::Local, MenuItem::Shell, MenuItem::Reboot];
    all.into_iter().find(|item| item.name() == name)
}

impl Known<'_> {
    fn item(&mut self, name: &Name) -> Option<MenuItem> {
        let text = name.as_str();
        if self.profiles.has(text) {
            return Some(MenuItem::Profile(name.clone()));
        }
        if self.images.has(text) {
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
        self.kept.insert(name.clone(), image);
        Some(MenuItem::Image(name.clone()))
    }

    /// Every profile in the order of the files, then what every network can use.
    fn default_items(&mut self, in_order: &[raw::Profile]) -> Vec<MenuItem> {
        let own = in_order.iter().filter_map(|profile| profile.name.as_ref());
        let own = own.map(|name| name.value.clone());
        let fixed = defaults::MENU_ITEMS.iter();
        let fixed = fixed.filter_map(|name| Name::new(name).ok());
        // A name says which item it is, so that two items differ if their names do.
        let mut seen = BTreeSet::new();
        own.chain(fixed)
            .filter(|name| seen.insert(name.clone()))
            .filter_map(|name| self.item(&name))
            .collect()
    }

    fn written_items(&mut self, names: &[Placed<Name>], report: &mut Report) -> Vec<MenuItem> {
        let mut items = Vec::new();
        let mut seen: BTreeMap<&Name, Place> = BTreeMap::new();
        for name in names {
            let item = self.item(&name.value).unwrap_or_else(|| {
                self.missing(name, report);
                // Its place in the list stays, so that a default that names it is no second mistake.
                MenuItem::Profile(name.value.clone())
            });
            match seen.get(&name.value) {
                Some(first) => {
                    report
                        .twice(
                            &format!("the menu's item `{}`", item.name()),
                            *first,
                            name.place,
                        )
                        .note("people would see it twice: once is enough");
                }
                None => {
                    seen.insert(&name.value, name.place);
                    items.push(item);
                }
            }
        }
        items
    }

    fn missing(&self, name: &Placed<Name>, report: &mut Report) {
        let message = format!("there is no profile, image or menu item `{}`", name.value);
        let others: Vec<&str> = self.images.names().chain(defaults::MENU_ITEMS).collect();
        let loss = "the menu could not offer it";
        self.profiles.missing(message, name, &others, loss, report);
    }
}

/// The menu, or `None` where it has a mistake.
pub(super) fn check(
    raw: raw::Menu,
    in_order: &[raw::Profile],
    mut known: Known,
    report: &mut Report,
) -> Option<Menu> {
    let items = match &raw.items {
        Some(written) => known.written_items(&written.value, report),
        None => known.default_items(in_order),
    };
    let named = |wanted: &str| items.iter().find(|item| item.name() == wanted).cloned();
    let default = match raw.default {
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
        title: raw.title?,
        timeout: raw.timeout,
        default: default?,
        items,
    })
}
