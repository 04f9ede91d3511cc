//! The image factory's API (image-factory `docs/api.md`): schematics, versions, extensions.

use serde::Deserialize;

use crate::config::{Fetch, Url};
use crate::fetch::client::{Client, again};
use crate::fetch::trouble::{Trouble, host};
use crate::fetch::{Failure, FailureKind};
use crate::form::one_line;
use crate::recipe::Registration;

/// An official system extension.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Extension {
    /// What a configuration calls it: `siderolabs/bnx2-bnx2x`.
    pub name: String,
    /// Its container image for this version of Talos.
    #[serde(default, rename = "ref")]
    pub image: String,
    /// Who made it.
    #[serde(default)]
    pub author: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
}

#[derive(Deserialize)]
struct Registered {
    id: String,
}

/// Makes a schematic known to its factory and compares the id that it answers with ours.
pub(super) fn register(client: &Client, wanted: &Registration) -> Result<(), Trouble> {
    let url = join(&wanted.factory, "schematics");
    // JSON is YAML too, so the factory's id owes nothing to how we write YAML.
    let said = client.post(&url, "application/yaml", &wanted.json)?;
    let answered: Registered = parse(&url, &said)?;
    if answered.id == wanted.id {
        return Ok(());
    }
    let answered: String = answered.id.chars().take(64).collect();
    Err(Trouble::lasting(
        FailureKind::Data,
        format!(
            "the factory {} answers another schematic id than Hearth computed: {} instead of {}; \
             nothing is fetched, because it would make other images than were asked for",
            host(&wanted.factory),
            answered.escape_default(),
            wanted.id
        ),
    ))
}

/// The versions of Talos that a factory makes images of, as it lists them.
pub fn versions(fetch: &Fetch, factory: &Url) -> Result<Vec<String>, Failure> {
    let versions: Vec<String> = list(fetch, &factory.join("versions"))?;
    Ok(versions.iter().map(|version| printable(version)).collect())
}

/// The official extensions that a factory has for a version.
pub fn extensions(fetch: &Fetch, factory: &Url, version: &str) -> Result<Vec<Extension>, Failure> {
    let safe = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+');
    if version.is_empty() || !version.bytes().all(safe) {
        let reason = format!("`{}` is no version of Talos", version.escape_default());
        return Err(Failure::new(FailureKind::Usage, reason));
    }
    let url = factory.join(&format!("version/{version}/extensions/official"));
    let extensions: Vec<Extension> = list(fetch, &url)?;
    Ok(extensions
        .into_iter()
        .map(|extension| Extension {
            name: printable(&extension.name),
            image: printable(&extension.image),
            author: printable(&extension.author),
            description: printable(&extension.description),
        })
        .collect())
}

fn list<T: for<'a> Deserialize<'a>>(fetch: &Fetch, url: &str) -> Result<T, Failure> {
    let client = Client::new(fetch)?;
    let text = again(fetch.tries, &|line| log::info!("{line}"), || {
        client.text(url)
    });
    text.and_then(|text| parse(url, &text))
        .map_err(|trouble| trouble.failure)
}

fn parse<T: for<'a> Deserialize<'a>>(url: &str, text: &str) -> Result<T, Trouble> {
    serde_json::from_str(text).map_err(|error| {
        let reason = format!("{url} does not answer what an image factory answers: {error}");
        Trouble::lasting(FailureKind::Data, reason)
    })
}

/// Text of a stranger for a terminal: one line.
fn printable(text: &str) -> String {
    one_line(text, ' ', 1_000)
}

fn join(base: &str, path: &str) -> String {
    format!("{}/{path}", base.trim_end_matches('/'))
}
