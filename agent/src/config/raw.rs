//! What was written: each value is right by itself, but what it points at may not exist, and two of
//! them may contradict each other. Places are kept for whatever `check` compares. A field that is
//! wrong or missing is `None`, and the mistake is in the report.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use super::answers::Asks;
use super::source::{Place, Placed};
use super::{
    AnswerFile, Argument, Condition, Events, Fetch, Http, Installed, Label, Loaders, LocalBoot,
    Log, Name, Observe, Omni, OpenArgument, Recipe, Secret, Tftp, Url, Variable,
};
use crate::arch::Cpu;
use crate::mac::Mac;
use crate::uuid::Uuid;

/// All tables.
#[derive(Debug)]
pub(super) struct Raw {
    pub server: Server,
    pub tftp: Tftp,
    pub http: Http,
    pub api: Api,
    pub observe: Observe,
    pub events: Events,
    pub fetch: Fetch,
    pub log: Log,
    pub menu: Menu,
    pub loaders: Loaders,
    pub images: Vec<Image>,
    pub profiles: Vec<Profile>,
    pub policies: Vec<Policy>,
    pub webhooks: Vec<Webhook>,
    pub machines: Vec<Machine>,
}

/// `[server]`.
#[derive(Debug)]
pub(super) struct Server {
    pub addresses: Vec<Placed<IpAddr>>,
    pub unknown: Unknown,
    /// The rest; its `addresses` and `unknown` are not filled in.
    pub rest: super::Server,
}

/// `[api]`.
#[derive(Debug)]
pub(super) struct Api {
    pub addresses: Vec<Placed<IpAddr>>,
    pub port: u16,
    pub certificate: Option<Placed<PathBuf>>,
    pub key: Option<Placed<PathBuf>>,
}

/// `server.unknown`.
#[derive(Debug)]
pub(super) enum Unknown {
    Known(super::Unknown),
    Profile(Placed<Name>),
}

/// `[menu]`.
#[derive(Debug)]
pub(super) struct Menu {
    pub title: Option<Label>,
    pub timeout: Duration,
    pub default: Option<Placed<Name>>,
    pub items: Option<Placed<Vec<Placed<Name>>>>,
}

/// `[[image]]`.
#[derive(Debug)]
pub(super) struct Image {
    pub name: Option<Placed<Name>>,
    pub recipe: Option<Recipe>,
    pub architectures: Vec<Cpu>,
}

/// `[[profile]]`.
#[derive(Debug)]
pub(super) struct Profile {
    pub name: Option<Placed<Name>>,
    pub label: Option<Label>,
    pub image: Option<Placed<Name>>,
    pub arguments: Vec<OpenArgument>,
    pub answers: BTreeMap<String, AnswerFile>,
    /// What the templates of the answers ask for.
    pub asks: Vec<Asks>,
    pub variables: BTreeMap<String, Variable>,
    pub omni: Option<Placed<Omni>>,
    pub installed: Installed,
    pub tries: u32,
    pub timeout: Duration,
}

/// `[[webhook]]`.
#[derive(Debug)]
pub(super) struct Webhook {
    pub name: Option<Placed<Name>>,
    pub url: Option<Url>,
    pub secret: Option<Secret>,
    pub events: Vec<String>,
}

/// `[[policy]]`.
#[derive(Debug)]
pub(super) struct Policy {
    pub name: Option<Placed<Label>>,
    pub conditions: Option<Vec<Condition>>,
    pub profile: Option<Placed<Name>>,
    pub limit: Option<u32>,
    pub approval: bool,
}

/// `[[machine]]`.
#[derive(Debug)]
pub(super) struct Machine {
    pub name: Option<Placed<Name>>,
    /// Its table's head.
    pub place: Place,
    pub macs: Vec<Placed<Mac>>,
    pub uuid: Option<Placed<Uuid>>,
    pub profile: Option<Placed<Name>>,
    pub arguments: Vec<Argument>,
    pub variables: BTreeMap<String, Variable>,
    pub address: Option<Placed<(Ipv4Addr, u8)>>,
    pub gateway: Option<Placed<Ipv4Addr>>,
    pub interface: Option<String>,
    pub dns: Vec<Ipv4Addr>,
    pub loader: Option<Placed<String>>,
    pub local_boot: Option<LocalBoot>,
}
