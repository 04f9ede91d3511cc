"""What the documents say holds."""

import re
import subprocess

from hearthtest.agent import TREE, binary

README = (TREE / "README.md").read_text()
DOCUMENTS = [TREE / "README.md", TREE / "CHANGELOG.md", *(TREE / "docs").rglob("*.md")]


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


def headings(text):
    """The anchors of a document, as forges make them."""
    plain = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    found = re.findall(r"^#+ (.*)$", plain, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in found}


def links(document):
    """Where the relative links of a document lead: a path, and an anchor or None."""
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", document.read_text()):
        yield (document.parent / target if target else document).resolve(), anchor or None


def test_every_link_leads_somewhere():
    for document in DOCUMENTS:
        for path, anchor in links(document):
            assert path.exists(), f"{document}: {path}"
            if anchor:
                assert anchor in headings(path.read_text()), f"{document}: {path}#{anchor}"


def test_every_picture_is_small_shown_and_told_in_words():
    """Who cannot see it, or is on a phone, has something of it too; widths are for a page of text."""
    there = set((TREE / "docs" / "images").iterdir())
    shown = set()
    for document in DOCUMENTS:
        for words, target in re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", document.read_text()):
            shown.add((document.parent / target).resolve())
            assert len(words) > 20, f"{document}: {target}"
    assert shown == there
    for picture in there:
        data = picture.read_bytes()
        assert data.startswith(b"\x89PNG") and len(data) < 120_000, f"{picture}: {len(data)}"
        assert 600 <= int.from_bytes(data[16:20], "big") <= 1280, picture


def test_every_document_can_be_found_from_the_readme():
    found, new = set(), {TREE / "README.md"}
    while new:
        found |= new
        new = {path for document in new for path, _ in links(document) if path.suffix == ".md"} - found
    assert found >= set(DOCUMENTS)


def test_no_document_says_more_of_a_command_than_there_is():
    for document in DOCUMENTS:
        for line in re.findall(r"^ {4}(hearth .*)$", document.read_text(), re.MULTILINE):
            words = re.sub(r"  .*|#.*|[|>].*", "", line).split()[1:]
            command = [word for word in words if re.fullmatch(r"[a-z]+", word)][:2]
            done = subprocess.run([binary(), *command[:2], "--help"], capture_output=True, text=True)
            if done.returncode:
                done = subprocess.run([binary(), *command[:1], "--help"], capture_output=True, text=True)
            assert done.returncode == 0, f"{document}: {line}"
            for option in re.findall(r"--[a-z-]+", line):
                assert option in done.stdout, f"{document}: {line}"


def test_the_changelog_has_a_place_for_what_is_new():
    text = (TREE / "CHANGELOG.md").read_text()
    assert "\n## Unreleased\n" in text
