//! What may be written: every table and key, with an example of its form and what is lost where it
//! is wrong. The reader refuses every other key; `hearth.example.toml` and the reference for people
//! are held against this list.

mod declared;

pub(super) use declared::{
    ANSWER, IMAGE, INITRD, KERNEL, MACHINE, MATCH, META, OMNI, OVERLAY, POLICY, PROFILE, SECRET,
    VARIABLE, WEBHOOK,
};

/// A table and its keys.
#[derive(Debug)]
pub(super) struct Keys {
    /// Its name, with the table's that it stands in: `server`, `profile.omni`.
    pub table: &'static str,
    /// It is written `[[name]]`, as often as wanted.
    pub repeated: bool,
    /// What it may hold.
    pub keys: &'static [Key],
}

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name.
    pub name: &'static str,
    /// A value of the right form.
    pub example: &'static str,
    /// What a mistake in it causes, as the end of "while this is wrong, ...".
    pub loss: &'static str,
}

const fn key(name: &'static str, example: &'static str, loss: &'static str) -> Key {
    Key {
        name,
        example,
        loss,
    }
}

impl Keys {
    /// The key of this name.
    pub fn find(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// How the table's head is written.
    pub fn head(&self) -> String {
        if self.repeated {
            format!("[[{}]]", self.table)
        } else {
            format!("[{}]", self.table)
        }
    }
}

pub(super) const SERVER: Keys = Keys {
    table: "server",
    repeated: false,
    keys: &[
        key(
            "addresses",
            r#"["192.168.1.1"]"#,
            "no machine would get an answer",
        ),
        key(
            "http_port",
            "8069",
            "machines that ask for their script would get no answer",
        ),
        key(
            "tftp_port",
            "69",
            "machines that ask for their loader would get no answer",
        ),
        key(
            "root",
            r#""/usr/local/tftp""#,
            "there would be no file to serve",
        ),
        key(
            "state",
            r#""/var/db/hearth""#,
            "fetched files could not be told from a person's own",
        ),
        key(
            "run",
            r#""/var/run/hearth""#,
            "`hearth status` would not find the server",
        ),
        key(
            "unknown",
            r#""menu""#,
            "machines that are not declared would get no script",
        ),
        key(
            "own_files",
            "true",
            "it would be open whether a person's own files are served",
        ),
        key(
            "user",
            r#""hearth""#,
            "the server would keep all the power it was started with",
        ),
    ],
};

pub(super) const TFTP: Keys = Keys {
    table: "tftp",
    repeated: false,
    keys: &[
        key(
            "single_port",
            "false",
            "transfers could not pass a filter of ports",
        ),
        key(
            "block_size",
            r#""path""#,
            "loaders would come slowly, or in fragments that get lost",
        ),
        key(
            "window",
            "16",
            "loaders would come slowly, or overrun the machine's network card",
        ),
        key(
            "transfers",
            "1000",
            "the number of transfers at a time would have no bound",
        ),
        key(
            "transfers_per_address",
            "64",
            "one machine could take up all transfers",
        ),
        key(
            "timeout",
            r#""1s""#,
            "a lost packet would stall a machine's boot",
        ),
    ],
};

pub(super) const HTTP: Keys = Keys {
    table: "http",
    repeated: false,
    keys: &[
        key(
            "connections",
            "1000",
            "the number of connections would have no bound",
        ),
        key(
            "retry_after",
            r#""5s""#,
            "machines over the limit would not know when to come again",
        ),
        key(
            "header_timeout",
            r#""10s""#,
            "half requests would hold connections",
        ),
        key(
            "idle_timeout",
            r#""30s""#,
            "idle clients would hold connections",
        ),
        key(
            "stall_timeout",
            r#""60s""#,
            "clients that stopped reading would hold connections",
        ),
    ],
};

pub(super) const API: Keys = Keys {
    table: "api",
    repeated: false,
    keys: &[
        key(
            "addresses",
            r#"["192.168.1.1"]"#,
            "programs on other hosts could not ask",
        ),
        key("port", "8070", "programs on other hosts could not ask"),
        key(
            "certificate",
            r#""/usr/local/etc/hearth/api.pem""#,
            "programs on other hosts could not tell this one from another",
        ),
        key(
            "key",
            r#""/usr/local/etc/hearth/api.key""#,
            "programs on other hosts could not tell this one from another",
        ),
    ],
};

pub(super) const OBSERVE: Keys = Keys {
    table: "observe",
    repeated: false,
    keys: &[
        key(
            "enabled",
            "true",
            "it would be open whether DHCP is listened to",
        ),
        key(
            "interfaces",
            r#"["igb1"]"#,
            "timelines would begin with the loader, without what DHCP said",
        ),
    ],
};

pub(super) const EVENTS: Keys = Keys {
    table: "events",
    repeated: false,
    keys: &[
        key(
            "keep",
            r#""90d""#,
            "what happened to machines would be kept for another time",
        ),
        key(
            "per_machine",
            "2000",
            "a machine that boots in a loop could fill the disk",
        ),
        key("in_all", "1000000", "events could fill the disk"),
    ],
};

pub(super) const FETCH: Keys = Keys {
    table: "fetch",
    repeated: false,
    keys: &[
        key(
            "proxy",
            r#""http://proxy.example:3128""#,
            "no file could be fetched through it",
        ),
        key("tries", "5", "a short outage would fail a fetch"),
        key(
            "size_limit",
            r#""8 GiB""#,
            "a wrong URL could fill the disk",
        ),
        key("keep_free", r#""512 MiB""#, "a fetch could fill the disk"),
        key(
            "timeout",
            r#""60s""#,
            "a dead origin would hold a fetch for ever",
        ),
    ],
};

pub(super) const LOG: Keys = Keys {
    table: "log",
    repeated: false,
    keys: &[
        key("level", r#""info""#, "it would be open what is logged"),
        key("target", r#""stderr""#, "it would be open where lines go"),
    ],
};

pub(super) const MENU: Keys = Keys {
    table: "menu",
    repeated: false,
    keys: &[
        key(
            "title",
            r#""Network boot""#,
            "the menu would have no heading",
        ),
        key(
            "timeout",
            r#""10s""#,
            "machines that nobody watches would stay in the menu",
        ),
        key(
            "default",
            r#""local""#,
            "machines that nobody watches would stay in the menu",
        ),
        key(
            "items",
            r#"["talos", "local", "shell"]"#,
            "the menu would have nothing to choose",
        ),
    ],
};

pub(super) const LOADERS: Keys = Keys {
    table: "loaders",
    repeated: false,
    keys: &[
        key(
            "origin",
            r#""https://boot.ipxe.org""#,
            "machines would get no loader",
        ),
        key(
            "archive",
            r#""ipxeboot.tar.gz""#,
            "machines would get no loader",
        ),
        key("source", r#""none""#, "machines would get no loader"),
        key(
            "architectures",
            r#"["amd64", "arm64"]"#,
            "machines would get no loader",
        ),
        key(
            "files",
            r#"{ "snponly.efi" = "my.efi" }"#,
            "machines would get another loader",
        ),
    ],
};

/// The tables of a file.
pub(super) const TABLES: [&Keys; 15] = [
    &SERVER, &TFTP, &HTTP, &API, &OBSERVE, &EVENTS, &FETCH, &LOG, &MENU, &LOADERS, &IMAGE,
    &PROFILE, &POLICY, &WEBHOOK, &MACHINE,
];

/// The tables inside these.
#[cfg(test)]
pub(super) const INNER: [&Keys; 9] = [
    &OVERLAY, &META, &KERNEL, &INITRD, &OMNI, &SECRET, &ANSWER, &VARIABLE, &MATCH,
];
