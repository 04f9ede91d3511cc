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


def test_nothing_is_published_with_the_words_that_stand_for_a_maintainer_and_a_site():
    """Until the project has its own; then this has to go, and the release is what tries the rest."""
    def release(*options):
        done = subprocess.run([TREE / "scripts/package", "--release", *options], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60)
        return done.returncode, done.stderr
    assert release() == (1, "error: --release takes --key and --url\n")
    status, said = release("--key", "/nowhere/key", "--url", "https://example.org")
    assert status == 1 and "pkg/hearthpkg/source.py opnsense-plugin/Makefile pkg/port/Makefile" in said
