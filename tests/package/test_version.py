"""One version, in one place."""

import subprocess

import pytest

from hearthtest.packages import TREE
from hearthpkg import debian, source


def test_every_place_has_the_version_of_the_workspace():
    assert source.disagreements() == []
    named = source.others()
    assert named["pkg/port/Makefile"] == source.version()
    if (TREE / "opnsense-plugin").exists():
        assert named["opnsense-plugin/Makefile"] == named["opnsense-plugin/pkg-descr"] == source.version()


def test_another_version_is_named_with_its_place(tmp_path):
    (tmp_path / "Cargo.toml").write_text('[workspace.package]\nversion = "1.2.3"\n')
    (tmp_path / "opnsense-plugin").mkdir()
    (tmp_path / "opnsense-plugin/Makefile").write_text("PLUGIN_VERSION=\t1.2.4\n")
    (tmp_path / "CHANGELOG.md").write_text("## Unreleased\n\n## 1.2.2\n")
    assert source.disagreements(tmp_path) == [
        "opnsense-plugin/Makefile has version 1.2.4, and Cargo.toml 1.2.3: Cargo.toml is what counts",
        "CHANGELOG.md has version 1.2.2, and Cargo.toml 1.2.3: Cargo.toml is what counts"]


@pytest.mark.parametrize("word", ["1.2", "1.2.3-rc1", "1.2.3_1", "1,2"])
def test_a_version_that_a_packager_would_misread_is_refused(tmp_path, word):
    (tmp_path / "Cargo.toml").write_text(f'[workspace.package]\nversion = "{word}"\n')
    with pytest.raises(source.Refused, match="every packager"):
        source.version(tmp_path)


def test_a_candidate_comes_before_its_release_in_debian():
    assert debian.deb_version("1.2.3.rc1") == "1.2.3~rc1-1"
    assert debian.deb_version("1.2.3") == "1.2.3-1"


def test_the_time_is_that_of_the_source_and_not_of_the_clock(tmp_path):
    assert source.time(environment={"SOURCE_DATE_EPOCH": "77"}) == 77
    assert source.time(tmp_path) == source.SOME_TIME


def test_nothing_is_published_with_the_words_that_stand_for_a_maintainer_and_a_site(tmp_path):
    """A tree with the project's own words is; with one of the others, or without its heading, it is not."""
    for name in ("pkg/hearthpkg/source.py", "opnsense-plugin/Makefile", "pkg/port/Makefile", "CHANGELOG.md", "Cargo.toml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (TREE / name).read_text().replace("users.noreply.example", "example.org").replace(
            "hearth.example/", "hearth.example.org/")
        path.write_text(text.replace("## Unreleased", f"## {source.version()}", 1))
    assert source.unpublishable(tmp_path) == []
    makefile = tmp_path / "pkg/port/Makefile"
    good = makefile.read_text()
    makefile.write_text(good.replace("hearth@example.org", "hearth@users.noreply.example"))
    assert [one.split()[0] for one in source.unpublishable(tmp_path)] == ["pkg/port/Makefile"]
    makefile.write_text(good)
    changes = tmp_path / "CHANGELOG.md"
    changes.write_text(changes.read_text().replace(f"## {source.version()}", "## Unreleased"))
    assert source.unpublishable(tmp_path) == [
        f"CHANGELOG.md has no heading ## {source.version()}: its first one is that of what is published"]


def test_a_release_says_what_it_lacks_before_it_compiles_anything():
    def release(*options):
        done = subprocess.run([TREE / "scripts/package", "--release", *options], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60)
        return done.returncode, done.stderr
    assert release() == (1, "error: --release takes --key and --url\n")
    wrong = source.unpublishable()
    if not wrong:
        pytest.skip("this tree can be published, and the release would begin")
    status, said = release("--key", "/nowhere/key", "--url", "https://example.org")
    assert status == 1 and all(one in said for one in wrong)
