"""The port's own targets under BSD's make, with what they need of the ports tree's framework."""

import re
import shutil
import subprocess
import tomllib

import pytest

from hearthtest.agent import binary
from hearthtest.packages import TREE
from hearthpkg import agent, source

# Of Mk/bsd.port.mk and Mk/Uses/cargo.mk: the names that the port's targets use.
FRAMEWORK = """\
PREFIX=		/usr/local
INSTALL_PROGRAM=	install -m 555
INSTALL_DATA=	install -m 444
INSTALL_MAN=	install -m 444
MKDIR=		mkdir -p
ECHO_CMD=	echo
"""
FRAMEWORK_TARGETS = """\
stage-dir:
	mkdir -p ${STAGEDIR}${PREFIX}/sbin ${STAGEDIR}${PREFIX}/share/man/man8
"""
# What the framework puts into a package by itself: USE_RC_SUBR, LICENSE_FILE.
BY_FRAMEWORK = {"etc/rc.d/hearth", "share/licenses/hearth/LICENSE"}
# A port's crates have their licences in their own distfiles.
ONLY_PACKAGE = {"share/licenses/hearth/THIRD-PARTY"}


@pytest.fixture
def port(tmp_path):
    folder = tmp_path / "net/hearth"
    subprocess.run([TREE / "scripts/port", folder], check=True, capture_output=True)
    return folder


def test_the_port_installs_what_its_list_and_the_package_have(port, tmp_path, pages):
    mk, stage, work = tmp_path / "mk", tmp_path / "stage", tmp_path / "work"
    mk.mkdir()
    (mk / "sys.mk").write_text("# No rules of the system's.\n")
    (mk / "bsd.port.mk").write_text(FRAMEWORK + FRAMEWORK_TARGETS)
    program = work / "target/some/release/hearth"
    program.parent.mkdir(parents=True)
    shutil.copy(binary(), program)
    listed = tmp_path / "plist"
    listed.write_text((port / "pkg-plist").read_text())
    done = subprocess.run(
        ["bmake", "-m", mk, f"WRKDIR={work}", f"WRKSRC={TREE}", f"STAGEDIR={stage}", f"TMPPLIST={listed}",
         f"CARGO_TARGET_DIR={work}/target", "CARGO_BUILD_TARGET=some", "stage-dir", "post-build", "do-install"],
        cwd=port, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    prefix = stage / "usr/local"
    # The framework packs manual pages.
    installed = {re.sub(r"(man8/.*\.8)$", r"\1.gz", path.relative_to(prefix).as_posix())
                 for path in prefix.rglob("*") if path.is_file()}
    in_list = {line.split()[-1] for line in listed.read_text().splitlines()
               if line and not line.startswith("@dir")}
    assert installed == in_list
    package = {entry.path.removeprefix("/usr/local/") for entry in agent.entries(b"", pages, b"")}
    assert package == installed | BY_FRAMEWORK | ONLY_PACKAGE


def test_the_port_names_every_crate_of_the_lock(port):
    lock = tomllib.loads((TREE / "Cargo.lock").read_text())
    wanted = {f"{one['name']}-{one['version']}" for one in lock["package"] if "source" in one}
    assert set(re.findall(r"[^\s\\]+", (port / "Makefile.crates").read_text())) - {"CARGO_CRATES="} == wanted


def test_what_the_port_lacks_is_in_its_readme(port):
    makefile, readme = (port / "Makefile").read_text(), (TREE / "pkg/port/README.md").read_text()
    has_place = bool(re.search(r"^(MASTER_SITES|USE_GITHUB|USE_GITLAB)=", makefile, re.MULTILINE))
    assert has_place != ("add `MASTER_SITES`" in readme), "the source's place is in the Makefile, or its lack in the README"


def test_the_port_says_of_itself_what_the_package_does(port):
    said = dict(re.findall(r"^(\w+)=\t+(.*)$", (port / "Makefile").read_text(), re.MULTILINE))
    assert (said["COMMENT"], said["MAINTAINER"], said["WWW"]) == (source.COMMENT, source.MAINTAINER, source.WEB)
    message = (port / "files/pkg-message.in").read_text()
    for sort in agent.MESSAGES:
        assert (agent.HERE / f"message-{sort}.txt").read_text() in message
