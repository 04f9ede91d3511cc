"""Compiles the agent for other systems, so that the same source gives the same bytes in every folder."""

import json
import os
import pathlib
import subprocess
import tempfile

from . import elf, source
from .source import Refused

CROSS = pathlib.Path(__file__).resolve().parents[1] / "cross"
# The oldest C library of Linux: Debian 11, Ubuntu 20.04.
GLIBC = (2, 31)
# Rust's name of a system to zig's. FreeBSD 14.0's libraries serve 14 and 15.
TARGETS = {
    "x86_64-unknown-freebsd": "x86_64-freebsd.14.0-none",
    "aarch64-unknown-freebsd": "aarch64-freebsd.14.0-none",
    "x86_64-unknown-linux-gnu": "x86_64-linux-gnu." + ".".join(map(str, GLIBC)),
    "aarch64-unknown-linux-gnu": "aarch64-linux-gnu." + ".".join(map(str, GLIBC)),
}
LINUX_CONFIG = "/etc/hearth/hearth.toml"


def machine(target):
    """`x86_64` of `x86_64-unknown-freebsd`."""
    return target.split("-")[0]


def environment(target, tree, folder, tools=os.environ):
    """What cargo needs to know for a target; `folder` is its target folder.

    `tools` has HEARTH_RUST and HEARTH_ZIG (scripts/lib/cross.sh).
    """
    rust = pathlib.Path(tools["HEARTH_RUST"])
    home = pathlib.Path(tools.get("CARGO_HOME") or pathlib.Path(tools.get("HOME") or "/root") / ".cargo")
    # A path in the program would differ from machine to machine: each becomes a name. The last that
    # fits counts, and each may lie in one before it.
    names = {str(home): "/cargo", str(tree): "/hearth", str(folder): "/target", str(rust): "/rust"}
    remap = [f"--remap-path-prefix={path}={name}" for path, name in names.items()]
    flags = " ".join(f"-ffile-prefix-map={path}={name}" for path, name in names.items())
    under = target.replace("-", "_")
    made = {
        "PATH": f"{rust}/bin:/usr/bin:/bin",
        "HOME": tools.get("HOME", "/root"),
        "LANG": "C.UTF-8",
        "CARGO_HOME": str(home),
        "CARGO_TARGET_DIR": str(folder),
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(remap),
        "CARGO_TERM_COLOR": "never",
        "RUSTC": str(rust / "bin/rustc"),
        # The standard library is compiled along, which only a nightly Rust would do by itself.
        "RUSTC_BOOTSTRAP": "1",
        "LD_LIBRARY_PATH": ":".join(str(path.parent) for path in rust.glob("lib/*/librustc_driver-*.so")),
        f"CARGO_TARGET_{under.upper()}_LINKER": str(CROSS / "cc"),
        f"CC_{under}": str(CROSS / "cc"),
        f"AR_{under}": str(CROSS / "ar"),
        # Where nothing is optimised, zig adds checks that name files of the source.
        f"CFLAGS_{under}": f"-g0 -fno-sanitize=all {flags}",
        "HEARTH_ZIG": tools["HEARTH_ZIG"],
        "HEARTH_ZIG_TARGET": TARGETS[target],
        "ZIG_GLOBAL_CACHE_DIR": str(pathlib.Path(tools["HEARTH_ZIG"]).parent.parent / "cache"),
    }
    if "linux" in target:
        made["HEARTH_CONFIG"] = LINUX_CONFIG
    for kept in ("https_proxy", "http_proxy", "no_proxy", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY",
                 "SSL_CERT_FILE", "CARGO_NET_OFFLINE", "CARGO_HTTP_CAINFO"):
        if kept in tools:
            made[kept] = tools[kept]
    return made


def cargo(target, tree, folder, *arguments, tools=os.environ, standard="-Zbuild-std=std,panic_abort",
          profile="release"):
    """Runs cargo for a target, and shows what it says. `standard` has the standard library compiled along, which
    Debian's Rust has for its own host alone. `profile` is one of Cargo.toml's."""
    setting = environment(target, tree, folder, tools)
    done = subprocess.run(
        [f"{tools['HEARTH_RUST']}/bin/cargo", "build", "--locked", "--profile", profile,
         *([standard] if standard else []), "--target", target, *arguments],
        cwd=tree, env=setting, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Refused(f"cargo could not build for {target}, see above")
    return pathlib.Path(folder) / target / profile


def agent(target, folder, tree=source.TREE, tools=os.environ, profile="release"):
    """The agent's bytes for a target, held to what a package promises."""
    made = cargo(target, tree, folder, "-p", "hearth", "--bin", "hearth", tools=tools, profile=profile)
    data = (made / "hearth").read_bytes()
    hold(target, data, hosts_paths(tree, folder, tools))
    return data


def unit_tests(target, folder, tree=source.TREE, tools=os.environ):
    """The agent's unit tests as one program for a target, to be run where that is: its path."""
    setting = {**environment(target, tree, folder, tools),
               "CARGO_PROFILE_TEST_DEBUG": "none", "CARGO_PROFILE_TEST_STRIP": "symbols"}
    done = subprocess.run(
        [f"{tools['HEARTH_RUST']}/bin/cargo", "test", "--no-run", "--locked", "-p", "hearth", "--lib",
         "-Zbuild-std=std", "--target", target, "--message-format=json-render-diagnostics"],
        cwd=tree, env=setting, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if done.returncode:
        raise Refused(f"cargo could not build the unit tests for {target}, see above")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    made = [one["executable"] for one in told if one.get("executable") and one["profile"]["test"]]
    if len(made) != 1:
        raise Refused(f"cargo told of {len(made)} programs with tests, and not of one")
    return pathlib.Path(made[0])


def hosts_paths(tree, folder, tools):
    """Folders of this host that must not stand in a program."""
    setting = environment(next(iter(TARGETS)), tree, folder, tools)
    return {str(tree), str(folder), setting["CARGO_HOME"], tools["HEARTH_RUST"]}


def hold(target, data, paths=()):
    """Refuses a program that would not run everywhere that the target promises."""
    if "freebsd" in target:
        wrong = elf.mistakes(data, machine(target), paths)
    else:
        wrong = elf.linux_mistakes(data, machine(target), GLIBC, paths)
    if wrong:
        raise Refused(f"the agent for {target}: " + "; ".join(wrong))


def pages(binary):
    """What the agent writes of itself: manual pages by file name, completions by shell."""
    with tempfile.TemporaryDirectory() as place:
        _run(binary, "man", place)
        made = {path.name: path.read_bytes() for path in pathlib.Path(place).iterdir()}
    for shell in ("bash", "zsh", "fish"):
        made[shell] = _run(binary, "completions", shell)
    return made


def _run(*command):
    done = subprocess.run(command, capture_output=True)
    if done.returncode:
        raise Refused(f"{' '.join(map(str, command))}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


# The places of things that a manual page names, on FreeBSD and in the Debian package.
PLACES = {
    b"/usr/local/etc/hearth/hearth.toml": LINUX_CONFIG.encode(),
    b"/usr/local/tftp": b"/srv/tftp",
    b"/var/db/hearth": b"/var/lib/hearth",
    b"/var/run/hearth": b"/run/hearth",
    b"/usr/local/share/man": b"/usr/share/man",
}


def of_freebsd(text):
    """A page as it is on FreeBSD, whichever agent wrote it."""
    return text.replace(LINUX_CONFIG.encode(), next(iter(PLACES)))


def of_debian(text):
    """A page as it is in the Debian package."""
    for there, here in PLACES.items():
        text = text.replace(there, here)
    return text


def licences(tree=source.TREE, tools=os.environ):
    """The licences of all crates that are in any of the programs: who has which, and each text once."""
    crates = {}
    for target in TARGETS:
        crates.update(_crates(target, tree, tools))
    texts, lines = {}, []
    for name, version, licence, folder in sorted(crates.values()):
        found = sorted(path for path in pathlib.Path(folder).iterdir() if path.is_file()
                       and path.name.upper().startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE")))
        numbers = []
        for path in found:
            text = path.read_text(errors="replace").strip()
            number, _ = texts.setdefault(" ".join(text.split()), (len(texts) + 1, text))
            numbers.append(str(number))
        lines.append(f"{name} {version}: {licence or 'see the text'}; texts {', '.join(numbers) or 'none of its own'}")
    head = ("Programs that are in Hearth, with their licences. SQLite, which is too, is in the public domain, and what\n"
            "of Rust's standard library is in it, under MIT or Apache-2.0.\n\n")
    parts = [head + "\n".join(lines) + "\n"]
    parts += [f"Text {number}\n\n{text}\n" for number, text in texts.values()]
    return ("\n" + "-" * 72 + "\n\n").join(parts).encode()


def _crates(target, tree, tools):
    """Id to name, version, licence and folder of each crate that is in the program for a target."""
    setting = environment(target, tree, tree / "target", tools)
    done = subprocess.run(
        [f"{tools['HEARTH_RUST']}/bin/cargo", "metadata", "--locked", "--format-version=1",
         "--filter-platform", target], cwd=tree, env=setting, capture_output=True)
    if done.returncode:
        raise Refused(f"cargo metadata: {done.stderr.decode(errors='replace').strip()}")
    told = json.loads(done.stdout)
    packages = {one["id"]: one for one in told["packages"]}
    nodes = {node["id"]: node for node in told["resolve"]["nodes"]}
    root = next(one["id"] for one in told["packages"] if one["name"] == "hearth")
    seen, waiting = set(), [root]
    while waiting:
        here = waiting.pop()
        if here not in seen:
            seen.add(here)
            waiting += [dep["pkg"] for dep in nodes[here]["deps"]
                        if any(kind["kind"] is None for kind in dep["dep_kinds"])]
    return {one: (packages[one]["name"], packages[one]["version"], packages[one]["license"],
                  str(pathlib.Path(packages[one]["manifest_path"]).parent)) for one in seen - {root}}
