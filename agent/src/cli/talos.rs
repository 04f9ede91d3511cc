//! `hearth talos`.

use super::exit::{Failed, USAGE};
use super::table::table;
use super::{args, print};
use crate::config::{Config, Recipe, Talos, Url, defaults};
use crate::fetch::talos;

pub fn talos(config: &Config, command: &args::Talos) -> Result<u8, Failed> {
    match command {
        args::Talos::Versions { factory } => {
            let versions = talos::versions(&config.fetch, &factory_of(config, factory)?)?;
            print(
                &versions
                    .iter()
                    .map(|one| format!("{one}\n"))
                    .collect::<String>(),
            )?;
        }
        args::Talos::Extensions { of, factory } => {
            let factory = factory_of(config, factory)?;
            let own = || first(config).map(|image| image.version.clone());
            let version = of.clone().or_else(own).ok_or_else(|| {
                Failed::new(
                    USAGE,
                    "the configuration has no Talos image: name a version",
                )
            })?;
            let extensions = talos::extensions(&config.fetch, &factory, &version)?;
            let rows = extensions.into_iter();
            let rows: Vec<_> = rows.map(|one| vec![one.name, one.description]).collect();
            print(&table(&["NAME", "DESCRIPTION"], &rows))?;
        }
    }
    Ok(0)
}

fn first(config: &Config) -> Option<&Talos> {
    let mut images = config.images.values();
    images.find_map(|image| match &image.recipe {
        Recipe::Talos(talos) => Some(talos),
        _ => None,
    })
}

fn factory_of(config: &Config, given: &args::Factory) -> Result<Url, Failed> {
    let own = || first(config).map(|image| image.factory.clone());
    match given.factory.clone().or_else(own) {
        Some(factory) => Ok(factory),
        None => Url::new(defaults::TALOS_FACTORY).map_err(|error| Failed::new(USAGE, error)),
    }
}
