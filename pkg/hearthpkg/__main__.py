"""python3 -m hearthpkg: compile the agent, make the packages. `scripts/package` calls it with the tools it needs."""

import argparse
import hashlib
import os
import pathlib
import shutil
import sys

from . import agent, compiled, debian, freebsd, plugin, repository, source, twice
from .source import Refused

# What there is to set a firewall up with, until the project has a place of its own.
URL = "https://hearth.example/freebsd"


def main(arguments):
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="hearthpkg", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("compile", help="compile the agent for a target")
    one.add_argument("target", choices=sorted(compiled.TARGETS))
    one.add_argument("--folder", type=pathlib.Path, required=True, help="cargo's target folder")
    one.add_argument("--out", type=pathlib.Path, required=True, help="where TARGET/hearth goes")
    one.add_argument("--profile", default="release", help="one of Cargo.toml's")
    one.add_argument("--twice", action="store_true", help="from two copies of the tree, which have to give the same")
    one = commands.add_parser("compile-tests", help="compile the agent's unit tests for a target")
    one.add_argument("target", choices=sorted(compiled.TARGETS))
    one.add_argument("--folder", type=pathlib.Path, required=True, help="cargo's target folder")
    one.add_argument("--out", type=pathlib.Path, required=True, help="where TARGET/hearth-tests goes")
    one = commands.add_parser("pack", help="make packages of what was compiled")
    one.add_argument("--programs", type=pathlib.Path, required=True, help="the folder of TARGET/hearth")
    one.add_argument("--pages", type=pathlib.Path, required=True, help="a hearth that runs here")
    one.add_argument("--out", type=pathlib.Path, required=True)
    one.add_argument("--key", type=pathlib.Path, help="RSA key of the repository; none: one for trying")
    one.add_argument("--url", default=URL, help="where the repository will be")
    commands.add_parser("version", help="print the version, and refuse if it is not the same everywhere")
    commands.add_parser("publishable", help="refuse what is not to be published yet")
    told = parser.parse_args(arguments)
    try:
        return {"compile": compile_agent, "compile-tests": compile_tests, "pack": pack,
                "version": version, "publishable": publishable}[told.command](told)
    except (Refused, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def version(_):
    """Prints it."""
    if wrong := source.disagreements():
        raise Refused("; ".join(wrong))
    print(source.version())
    return 0


def publishable(_):
    """Says nothing if all is there."""
    if wrong := source.unpublishable():
        raise Refused("; ".join(wrong))
    return 0


def compile_agent(told):
    """One program."""
    make = twice.agent if told.twice else compiled.agent
    data = make(told.target, told.folder.resolve(), profile=told.profile)
    path = told.out / told.target / "hearth"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o755)
    print(f"{path}: {len(data)} bytes")
    return 0


def compile_tests(told):
    """The unit tests as a program."""
    path = told.out / told.target / "hearth-tests"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(compiled.unit_tests(told.target, told.folder.resolve()), path)
    print(path)
    return 0


def pack(told):
    """All packages that there are programs for, and the repository."""
    version(told)
    number, time = source.version(), source.time(environment=os.environ)
    key = repository.Key(told.key) if told.key else trying_key(told.out.parent / "key-for-trying.pem")
    licences = compiled.licences()
    pages = compiled.pages(told.pages)
    told.out.mkdir(parents=True, exist_ok=True)
    made = []
    for target in sorted(compiled.TARGETS):
        program = told.programs / target / "hearth"
        if not program.exists():
            continue
        data, machine = program.read_bytes(), compiled.machine(target)
        compiled.hold(target, data)
        if "linux" in target:
            path = told.out / debian.file_name(number, machine)
            here = {name: compiled.of_debian(text) for name, text in pages.items()}
            path.write_bytes(debian.package(machine, data, here, number, licences, compiled.GLIBC, time))
            made.append(path)
        else:
            here = {name: compiled.of_freebsd(text) for name, text in pages.items()}
            made += for_freebsd(told.out, machine, data, here, number, licences, key, time)
    if not made:
        raise Refused(f"nothing was compiled in {told.programs}")
    setup = told.out / "freebsd" / "setup.sh"
    if setup.parent.exists():
        setup.write_text(repository.setup(told.url.rstrip("/"), key.fingerprint))
        made.append(setup)
    # What a package is held to that does not come through the repository.
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(told.out)}\n" for path in sorted(made)]
    (told.out / "SHA256SUMS").write_text("".join(sums))
    print("\n".join(map(str, made)))
    print(f"the repository is signed by the key {key.fingerprint}")
    return 0


def trying_key(path):
    """A key that stays, so that the same call gives the same bytes."""
    print(f"no --key: the repository is signed with one that is good for trying only, {path}")
    return repository.Key(path) if path.exists() else repository.Key.make(path)


def for_freebsd(out, machine, data, pages, number, licences, key, time):
    """A repository for each release: the agent, and the plugin once there is one."""
    folder = source.TREE / "opnsense-plugin"
    for release in freebsd.RELEASES:
        packages = [agent.package(release, machine, data, pages, number, licences)]
        if (folder / "Makefile").exists():
            packages.append(plugin.package(folder, number, source.commit()))
        place = out / "freebsd" / freebsd.abi(release, machine)[0]
        packed = [(package, package.bytes(time)) for package in packages]
        repository.write(place, packed, key, time)
        yield from (place / "All" / package.file_name for package in packages)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
