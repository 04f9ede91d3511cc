"""Configurations as config.xml has them: what people declare, and what they should not have."""

TALOS = "22222222-0000-4000-8000-000000000001"
DEBIAN = "22222222-0000-4000-8000-000000000002"
RESCUE = "22222222-0000-4000-8000-000000000003"
MEMTEST = "22222222-0000-4000-8000-000000000004"
NETBOOT = "22222222-0000-4000-8000-000000000005"
OMNI = "11111111-0000-4000-8000-000000000001"
AUTO = "11111111-0000-4000-8000-000000000002"
ODEN = "33333333-0000-4000-8000-000000000001"
THOR = "33333333-0000-4000-8000-000000000002"
SECRET = "44444444-0000-4000-8000-000000000001"
GONE = "99999999-0000-4000-8000-000000000009"

GENERAL = {
    "enabled": "1",
    "interfaces": "lan",
    "addresses": "interface",
    "ipv6": "0",
    "serve": "always",
    "firewall": "1",
    "unknown": "menu",
    "unknown_profile": "",
    "http_port": "",
    "tftp_port": "",
    "own_files": "1",
    "log_level": "info",
}
TALOS_IMAGE = {"@uuid": TALOS, "name": "talos", "recipe": "talos", "version": "v1.11.2", "architectures": ""}
OMNI_PROFILE = {
    "@uuid": OMNI,
    "name": "talos-omni",
    "label": "",
    "image": TALOS,
    "installed": "never",
    "omni_api": "https://example.omni.siderolabs.io",
    "omni_token": "w7uVuW3zbVKIYQuzEcyetAHeYMeo5q2L9RvkAVfCfSCD",
    "omni_fallback": "0",
    "omni_events": "[fdae:41e4:649b:9303::1]:8090",
    "omni_logs": "tcp://[fdae:41e4:649b:9303::1]:8092",
}
DEBIAN_IMAGE = {"@uuid": DEBIAN, "name": "debian", "recipe": "debian", "version": "bookworm"}
AUTO_PROFILE = {
    "@uuid": AUTO,
    "name": "debian-auto",
    "image": DEBIAN,
    "installed": "callback",
    "arguments": "auto=true priority=critical\npreseed/url=${answer:preseed.cfg}",
    "tries": "2",
    "timeout": "90m",
}
PRESEED = {
    "@uuid": "55555555-0000-4000-8000-000000000001",
    "profile": AUTO,
    "name": "preseed.cfg",
    "text": "d-i netcfg/get_hostname string {{ machine.name }}\r\n"
    "d-i passwd/root-password password {{ variables.root_password }}\r\n"
    "d-i partman-auto/disk string {{ variables.disk }}",
}
VARIABLES = [
    {
        "@uuid": SECRET,
        "profile": AUTO,
        "machine": "",
        "name": "root_password",
        "type": "secret",
        "secret": 'a "quoted" \\ secret',
    },
    {"@uuid": SECRET[:-1] + "2", "profile": AUTO, "name": "disk", "type": "string", "value": "/dev/sda"},
    {"@uuid": SECRET[:-1] + "3", "profile": AUTO, "name": "size", "type": "integer", "value": "-12"},
    {"@uuid": SECRET[:-1] + "4", "profile": AUTO, "name": "swap", "type": "boolean", "value": "false"},
    {"@uuid": SECRET[:-1] + "5", "profile": AUTO, "name": "packages", "type": "list", "value": "ssh\n\n curl"},
    {"@uuid": SECRET[:-1] + "6", "machine": ODEN, "name": "disk", "type": "string", "value": "/dev/nvme0n1"},
]
ODEN_MACHINE = {
    "@uuid": ODEN,
    "enabled": "1",
    "name": "oden",
    "mac": "5C-F3-FC-01-02-03,5c:f3:fc:01:02:04",
    "smbios_uuid": "4c4c4544-0042-3510-8056-b4c04f4a3332",
    "profile": AUTO,
    "arguments": "console=ttyS1",
    "address": "192.168.1.171/24",
    "gateway": "192.168.1.1",
    "interface": "eth0",
    "dns": "192.168.1.1,9.9.9.9",
    "loader": "undionly.kpxe",
    "local_boot": "sanboot",
    "description": "rack 7, <b>top</b>",
}
POLICIES = [
    {"enabled": "1", "sequence": "10", "name": "all others", "profile": AUTO},
    {
        "enabled": "1",
        "sequence": "9",
        "name": "old IBM servers",
        "profile": OMNI,
        "limit": "3",
        "manufacturer": "IBM*",
        "product": "*x3550*\n*x3650*\n\n!*M4*",
        "platform": "pcbios",
        "memory": ">= 16 GiB",
        "secure_boot": "0",
        "machine_name": "node-*",
        "asset": "\\!old",
    },
    {"enabled": "0", "sequence": "1", "name": "off", "profile": GONE},
]


def everything():
    """Each thing that can be declared."""
    return {
        "general": GENERAL | {"unknown": "profile", "unknown_profile": AUTO, "http_port": "18069", "tftp_port": "1069"},
        "tftp": {"single_port": "1", "block_size": "1428", "window": "8", "transfers": "10", "timeout": "2s"},
        "http": {"connections": "100", "retry_after": "3s", "header_timeout": "5s", "idle_timeout": "20s"},
        "api": {"interfaces": "", "port": "18070"},
        "observe": {"enabled": "1", "interfaces": "lan"},
        "events": {"keep": "30d", "per_machine": "100", "in_all": "5000"},
        "fetch": {"proxy": "http://proxy.example:3128", "tries": "2", "size_limit": "1 GiB", "keep_free": "1 GB"},
        "loaders": {
            "source": "origin",
            "origin": "https://boot.ipxe.org",
            "architectures": "amd64,arm64",
        },
        "menu": {"title": "Boot", "timeout": "0s", "default": OMNI, "items": f"{OMNI},{RESCUE},netboot.xyz,local"},
        "images": {
            "image": [
                TALOS_IMAGE
                | {
                    "architectures": "amd64,arm64",
                    "extensions": "siderolabs/bnx2-bnx2x,siderolabs/intel-ucode",
                    "extra_kernel_arguments": "net.ifnames=0  console=ttyS0",
                    "overlay_image": "siderolabs/sbc-raspberrypi",
                    "overlay_name": "rpi_generic",
                    "overlay_options": "configTxt = dtoverlay=vc4-kms-v3d\nspi=true",
                    "meta": "10=machine: {}\n12 = second",
                },
                DEBIAN_IMAGE | {"mirror": "https://deb.debian.org/debian"},
                {
                    "@uuid": RESCUE,
                    "name": "rescue",
                    "recipe": "custom",
                    "kernel": "https://files.example/vmlinuz",
                    "sha256": "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
                    "initrds": "https://files.example/a.gz\n"
                    "https://files.example/b.gz e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                    "arguments": "quiet",
                    "version": "left over from another recipe",
                },
                {"@uuid": MEMTEST, "name": "memtest", "recipe": "memtest"},
                {"@uuid": NETBOOT, "name": "netboot.xyz", "recipe": "netboot.xyz", "url": "http://boot.netboot.xyz"},
            ]
        },
        "profiles": {"profile": [OMNI_PROFILE, AUTO_PROFILE]},
        "answers": {"answer": PRESEED},
        "variables": {"variable": VARIABLES},
        "policies": {"policy": POLICIES},
        "machines": {
            "machine": [
                ODEN_MACHINE,
                {"@uuid": THOR, "enabled": "1", "name": "thor", "mac": "52:54:00:77:00:01", "profile": ""},
                {"@uuid": GONE, "enabled": "0", "name": "off", "mac": "not a MAC"},
            ]
        },
        "webhooks": {
            "webhook": [
                {"enabled": "1", "name": "chat", "url": "https://chat.example/x", "secret": "s3cret", "events": "phase,*"},
                {"enabled": "0", "name": "off", "url": "nowhere", "secret": ""},
            ]
        },
    }


def omni(**profile):
    """The first use: Talos that joins Omni."""
    return {
        "general": GENERAL,
        "images": {"image": TALOS_IMAGE | {"extensions": "siderolabs/bnx2-bnx2x"}},
        "profiles": {"profile": OMNI_PROFILE | profile},
        "menu": {"items": f"{OMNI},local", "default": "local"},
    }


def debian(**profile):
    return {
        "general": GENERAL,
        "images": {"image": DEBIAN_IMAGE},
        "profiles": {"profile": AUTO_PROFILE | profile},
        "answers": {"answer": PRESEED},
        "variables": {"variable": VARIABLES[:-1]},
    }


def many(number):
    machines = [
        {"@uuid": f"33333333-0000-4000-8000-{n:012x}", "enabled": "1", "name": f"node-{n}", "mac": f"52:54:00:00:{n >> 8:02x}:{n & 255:02x}"}
        for n in range(number)
    ]
    return {"general": GENERAL, "machines": {"machine": machines}}


def general(**values):
    return {"general": GENERAL | values}


# What `hearth check` takes.
TAKEN = {
    "nothing declared": {},
    "settings only": {"general": GENERAL},
    "one line breaks between rows": {"general": GENERAL, "machines": "\n  ", "images": "\n"},
    "omni": omni(),
    "omni with a token of 1.5 kB": omni(omni_token="x" * 1500),
    "omni with the fallback": omni(omni_fallback="1"),
    "an emoji in a label": omni(label='Talos \U0001f600 "quoted" \\ <b>\u00e9</b> \'x\' {{ no }} {% no %}'),
    "a preseed": debian(),
    "answers with every kind of character": debian()
    | {"answers": {"answer": PRESEED | {"text": "\ttab 'one' \"two\" \\ \U0001f600 \u00a0 # [x]\n\n'''\n\"\"\"\n$HOME `id`"}}},
    "everything": everything(),
    "unknown machines wait": general(unknown="hold"),
    "500 machines": many(500),
    "own loaders only": {"general": GENERAL, "loaders": {"source": "none", "origin": "https://left.example"}},
    "an archive of loaders": {"general": GENERAL, "loaders": {"source": "archive", "archive": "https://x.example/i.tgz"}},
    "a policy without conditions": omni() | {"policies": {"policy": POLICIES[1] | {"sequence": ""}}},
    "a webhook": {
        "general": GENERAL,
        "webhooks": {"webhook": {"enabled": "1", "name": "w", "url": "https://w.example", "secret": "a-b._~:/@!*+,=%"}},
    },
}

# What somebody wrote into config.xml by hand, and what the agent says of it. It is still TOML: the agent names the
# place, and nothing else of the file is lost.
REFUSED = {
    "a port that is no number": (general(http_port="80 90"), "`http_port` must be a whole number"),
    "a port out of range": (general(http_port="70000"), "70000"),
    "a switch that is none": (general(own_files="perhaps"), "`own_files`"),
    "an unknown choice": (general(unknown="explode"), "`unknown`"),
    "an unknown level": (general(log_level="loud"), "`level`"),
    "a profile that is gone": (general(unknown="profile", unknown_profile=GONE), f"profile {GONE}"),
    "no profile chosen": (general(unknown="profile", unknown_profile=""), "`unknown`"),
    "an image that is gone": (omni(image=GONE), GONE),
    "a menu item that is gone": (omni() | {"menu": {"items": f"{GONE},local"}}, GONE),
    "a default that is no item": (omni() | {"menu": {"items": OMNI, "default": "shell"}}, "shell"),
    "a token of 4 kB": (omni(omni_token="x" * 4096), "more than 2048 bytes"),
    "a token with quotes and line ends": (omni(omni_token='a"b\n\'c\\'), "`token` must be one word"),
    "a label with a control character": (omni(label="a\x7fb\tc"), "control characters"),
    "a label that iPXE would expand": (omni(label="${net0/mac}"), "label"),
    "answers without an end": (debian(installed="never"), "answers"),
    "an answer that is no template": (
        debian() | {"answers": {"answer": PRESEED | {"text": "{% if %}"}}},
        "preseed.cfg",
    ),
    "an answer of no profile is left out, its URL is not": (debian() | {"answers": "\n"}, "preseed.cfg"),
    "two machines with one MAC": (
        many(2) | {"machines": {"machine": [ODEN_MACHINE | {"profile": ""}, ODEN_MACHINE | {"profile": "", "name": "b", "smbios_uuid": "", "address": "", "gateway": "", "dns": "", "interface": ""}]}},
        "the MAC address 5c:f3:fc:01:02:03 is taken",
    ),
    "a machine without a name": (many(1) | {"machines": {"machine": {"@uuid": ODEN, "mac": "52:54:00:00:00:01"}}}, "name"),
    "a MAC that is none": (many(1) | {"machines": {"machine": {"@uuid": ODEN, "name": "a", "mac": "5c:f3"}}}, "5c:f3"),
    "a recipe that is none": (omni() | {"images": {"image": TALOS_IMAGE | {"recipe": "haiku"}}}, "haiku"),
    "a digest that is none": (
        {"images": {"image": {"@uuid": RESCUE, "name": "r", "recipe": "custom", "kernel": "https://x/k", "sha256": "12"}}},
        "sha256",
    ),
    "a duration that is none": ({"fetch": {"timeout": "soon"}}, "`timeout`"),
    "a loader's file that is no path": (
        {"loaders": {"source": "origin", "file": [{"name": 'a"]\n[server]', "path": "x"}]}},
        "files",
    ),
    "a policy for a profile that is gone": (omni() | {"policies": {"policy": POLICIES[1] | {"profile": GONE}}}, GONE),
    "a webhook without a secret": (
        {"webhooks": {"webhook": {"enabled": "1", "name": "w", "url": "https://w.example"}}},
        "secret",
    ),
}
