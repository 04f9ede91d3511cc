"""What the documents say holds."""

import re

from hearthtest.agent import TREE

README = (TREE / "README.md").read_text()


def test_the_first_configuration_is_valid(agent):
    one = agent()
    block = re.search(r"```toml\n(.*?)```", README, re.DOTALL)[1]
    one.config.write_text(block.replace('"192.168.1.1"]', '"127.0.0.1"]'))
    (one.folder / "omni.token").write_text("token\n")
    (one.folder / "omni.token").chmod(0o600)
    done = one.run("check")
    assert (done.returncode, done.stdout) == (0, "configuration is valid\n"), done.stderr


def test_every_dependency_has_its_reason():
    manifest = (TREE / "agent" / "Cargo.toml").read_text()
    section = re.search(r"^\[dependencies\]\n(.*?)^\[", manifest, re.DOTALL | re.MULTILINE)[1]
    crates = set(re.findall(r"^([a-z0-9_-]+) =", section, re.MULTILINE))
    rows = re.findall(r"^\| ([a-z0-9_, -]+) \| [^|]{10,} \|$", README, re.MULTILINE)
    told = {crate.strip() for row in rows for crate in row.split(",")}
    assert crates == told - {"crate"}


def test_every_link_leads_somewhere():
    for document in [TREE / "README.md", *(TREE / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document}: {target}"
