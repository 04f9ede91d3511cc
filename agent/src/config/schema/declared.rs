//! What may be declared as often as wanted: images, profiles, policies, machines.

use super::{Keys, key};

pub(in super::super) const IMAGE: Keys = Keys {
    table: "image",
    repeated: true,
    keys: &[
        key("name", r#""talos""#, "no profile could boot this image"),
        key(
            "recipe",
            r#""talos""#,
            "nobody would know which files this image has",
        ),
        key(
            "architectures",
            r#"["amd64"]"#,
            "it would be open which files are kept",
        ),
        key(
            "version",
            r#""v1.11.2""#,
            "nobody would know which files to fetch",
        ),
        key(
            "factory",
            r#""https://factory.talos.dev""#,
            "Talos could not be fetched",
        ),
        key(
            "extensions",
            r#"["siderolabs/bnx2-bnx2x"]"#,
            "Talos would miss a driver or firmware",
        ),
        key(
            "extra_kernel_arguments",
            r#"["net.ifnames=0"]"#,
            "Talos would start without it",
        ),
        key(
            "overlay",
            r#"{ image = "siderolabs/sbc-raspberrypi", name = "rpi_generic" }"#,
            "the board would not start",
        ),
        key(
            "meta",
            r#"[{ key = 10, value = "..." }]"#,
            "Talos would start without it",
        ),
        key(
            "mirror",
            r#""https://deb.debian.org/debian""#,
            "Debian could not be fetched",
        ),
        key(
            "url",
            r#""http://boot.netboot.xyz""#,
            "machines that choose it would get nothing",
        ),
        key(
            "sha256",
            r#""(64 hexadecimal digits)""#,
            "what was fetched could not be checked",
        ),
        key(
            "kernel",
            r#""https://files.example/vmlinuz""#,
            "there would be nothing to start",
        ),
        key(
            "initrds",
            r#"["https://files.example/initrd.gz"]"#,
            "the kernel would start without it",
        ),
        key(
            "arguments",
            r#"["console=ttyS0"]"#,
            "the kernel would start without it",
        ),
    ],
};

pub(in super::super) const OVERLAY: Keys = Keys {
    table: "image.overlay",
    repeated: false,
    keys: &[
        key(
            "image",
            r#""siderolabs/sbc-raspberrypi""#,
            "the board would not start",
        ),
        key("name", r#""rpi_generic""#, "the board would not start"),
        key(
            "options",
            r#"{ configTxt = "..." }"#,
            "the board would start without it",
        ),
    ],
};

pub(in super::super) const META: Keys = Keys {
    table: "image.meta",
    repeated: true,
    keys: &[
        key("key", "10", "Talos would start without the value"),
        key("value", r#""...""#, "Talos would start without the value"),
    ],
};

pub(in super::super) const KERNEL: Keys = Keys {
    table: "image.kernel",
    repeated: false,
    keys: &[
        key(
            "url",
            r#""https://files.example/vmlinuz""#,
            "there would be nothing to fetch",
        ),
        key(
            "sha256",
            r#""(64 hexadecimal digits)""#,
            "what was fetched could not be checked",
        ),
    ],
};

pub(in super::super) const INITRD: Keys = Keys {
    table: "image.initrds",
    repeated: true,
    keys: &[
        key(
            "url",
            r#""https://files.example/initrd.gz""#,
            "there would be nothing to fetch",
        ),
        key(
            "sha256",
            r#""(64 hexadecimal digits)""#,
            "what was fetched could not be checked",
        ),
    ],
};

pub(in super::super) const PROFILE: Keys = Keys {
    table: "profile",
    repeated: true,
    keys: &[
        key(
            "name",
            r#""talos-omni""#,
            "no machine could get this profile",
        ),
        key(
            "label",
            r#""Talos through Omni""#,
            "people would not find it in the menu",
        ),
        key(
            "image",
            r#""talos""#,
            "machines with this profile would have nothing to start",
        ),
        key(
            "arguments",
            r#"["console=ttyS0"]"#,
            "machines would start without it",
        ),
        key(
            "answers",
            r#"{ "config.yaml" = "answers/talos.yaml" }"#,
            "installers would get no answer",
        ),
        key(
            "variables",
            r#"{ role = "worker" }"#,
            "answers would lack it",
        ),
        key(
            "omni",
            r#"{ api = "https://example.omni.siderolabs.io" }"#,
            "machines would not join Omni",
        ),
        key(
            "installed",
            r#""never""#,
            "machines would be offered the installation again",
        ),
        key(
            "tries",
            "3",
            "an installation that fails would be tried another number of times",
        ),
        key(
            "timeout",
            r#""2h""#,
            "an installation would count as failed after another time",
        ),
    ],
};

pub(in super::super) const OMNI: Keys = Keys {
    table: "profile.omni",
    repeated: false,
    keys: &[
        key(
            "api",
            r#""https://example.omni.siderolabs.io""#,
            "machines would not join Omni",
        ),
        key(
            "token",
            r#"{ file = "omni.token" }"#,
            "Omni would refuse the machines",
        ),
        key(
            "fallback",
            "false",
            "it would be open whether `default.ipxe` holds the token",
        ),
        key(
            "events",
            r#""[fdae:41e4:649b:9303::1]:8090""#,
            "Omni would not see the machines' events",
        ),
        key(
            "logs",
            r#""tcp://[fdae:41e4:649b:9303::1]:8092""#,
            "Omni would not see the machines' logs",
        ),
    ],
};

pub(in super::super) const SECRET: Keys = Keys {
    table: "profile.omni.token",
    repeated: false,
    keys: &[key(
        "file",
        r#""omni.token""#,
        "Omni would refuse the machines",
    )],
};

pub(in super::super) const WEBHOOK: Keys = Keys {
    table: "webhook",
    repeated: true,
    keys: &[
        key("name", r#""chat""#, "nobody could tell which one was meant"),
        key(
            "url",
            r#""https://chat.example/hooks/hearth""#,
            "nobody would be told",
        ),
        key(
            "secret",
            r#"{ file = "chat.secret" }"#,
            "whoever is told could not know that it was Hearth",
        ),
        key("events", r#"["phase"]"#, "the wrong things would be told"),
    ],
};

pub(in super::super) const ANSWER: Keys = Keys {
    table: "profile.answers",
    repeated: false,
    keys: &[
        key(
            "file",
            r#""answers/talos.yaml""#,
            "installers would get no answer",
        ),
        key(
            "text",
            r#""instance-id: {{ machine.name }}""#,
            "installers would get no answer",
        ),
    ],
};

pub(in super::super) const VARIABLE: Keys = Keys {
    table: "profile.variables",
    repeated: false,
    keys: &[key("file", r#""root.password""#, "answers would lack it")],
};

pub(in super::super) const POLICY: Keys = Keys {
    table: "policy",
    repeated: true,
    keys: &[
        key(
            "name",
            r#""old IBM servers""#,
            "nobody could tell which rule was meant",
        ),
        key(
            "match",
            r#"{ manufacturer = "IBM*" }"#,
            "the wrong machines would get the profile",
        ),
        key(
            "profile",
            r#""talos-omni""#,
            "machines that match would get nothing",
        ),
        key("limit", "3", "any number of machines would get the profile"),
        key(
            "approval",
            "true",
            "machines would get the profile without a word of a person",
        ),
    ],
};

pub(in super::super) const MATCH: Keys = Keys {
    table: "policy.match",
    repeated: false,
    keys: &[
        key("manufacturer", r#""IBM*""#, WRONG_MACHINES),
        key("product", r#"["*x3550*", "!*M4*"]"#, WRONG_MACHINES),
        key("serial", r#""KQ12*""#, WRONG_MACHINES),
        key("asset", r#""rack-7-*""#, WRONG_MACHINES),
        key("uuid", r#""4c4c4544-*""#, WRONG_MACHINES),
        key("firmware", r#""!1.0*""#, WRONG_MACHINES),
        key("platform", r#""efi""#, WRONG_MACHINES),
        key("architecture", r#"["amd64", "arm64"]"#, WRONG_MACHINES),
        key("buildarch", r#""i386""#, WRONG_MACHINES),
        key("cpu_vendor", r#""GenuineIntel""#, WRONG_MACHINES),
        key("cpu_model", r#""*Xeon*""#, WRONG_MACHINES),
        key("memory", r#"">= 16 GiB""#, WRONG_MACHINES),
        key("secure_boot", r#"true"#, WRONG_MACHINES),
        key("mac", r#""5c:f3:fc:*""#, WRONG_MACHINES),
        key("nic", r#""14e4:*""#, WRONG_MACHINES),
        key("busid", r#""01:14:e4:16:39""#, WRONG_MACHINES),
        key("chip", r#""bnx2*""#, WRONG_MACHINES),
        key("ip", r#""192.168.1.10..192.168.1.50""#, WRONG_MACHINES),
        key("subnet", r#""192.168.1.0/24""#, WRONG_MACHINES),
        key("hostname", r#""node-*""#, WRONG_MACHINES),
        key("switch", r#""sw-rack7""#, WRONG_MACHINES),
        key("port", r#""Gi0/*""#, WRONG_MACHINES),
        key("version", r#""1.21*""#, WRONG_MACHINES),
        key("name", r#""node-*""#, WRONG_MACHINES),
        key("tag", r#"["lab", "!keep"]"#, WRONG_MACHINES),
    ],
};

const WRONG_MACHINES: &str = "the wrong machines would get the profile";

pub(in super::super) const MACHINE: Keys = Keys {
    table: "machine",
    repeated: true,
    keys: &[
        key(
            "name",
            r#""oden""#,
            "nobody could tell which machine was meant",
        ),
        key(
            "mac",
            r#""5c:f3:fc:01:02:03""#,
            "the machine would not be recognised",
        ),
        key(
            "uuid",
            r#""4c4c4544-0042-3510-8056-b4c04f4a3332""#,
            "the machine would not be recognised",
        ),
        key(
            "profile",
            r#""talos-omni""#,
            "the machine would get what unknown ones get",
        ),
        key(
            "arguments",
            r#"["talos.hostname=oden"]"#,
            "the machine would start without it",
        ),
        key(
            "variables",
            r#"{ role = "controlplane" }"#,
            "answers would lack it",
        ),
        key(
            "address",
            r#""192.168.1.171/24""#,
            "the machine would start without its address",
        ),
        key(
            "gateway",
            r#""192.168.1.1""#,
            "the machine would reach only its own network",
        ),
        key(
            "interface",
            r#""eth0""#,
            "another interface could get the address",
        ),
        key(
            "dns",
            r#"["192.168.1.1"]"#,
            "the machine would resolve no names",
        ),
        key(
            "loader",
            r#""undionly.kpxe""#,
            "the machine would get the loader that its firmware asks for",
        ),
        key(
            "local_boot",
            r#""sanboot""#,
            "the machine's disk might not start",
        ),
    ],
};
