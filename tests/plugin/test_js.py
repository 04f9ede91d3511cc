"""The JavaScript of the pages: its own unit tests, and that every module is one."""

import pathlib
import re
import shutil
import subprocess

import pytest

TREE = pathlib.Path(__file__).parents[2]
MODULES = TREE / "opnsense-plugin/src/opnsense/www/js/hearth"
VIEWS = TREE / "opnsense-plugin/src/opnsense/mvc/app/views/OPNsense/Hearth"
TESTS = sorted((TREE / "tests/plugin/js").glob("*.test.mjs"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name.split(".")[0])
def test_of_the_modules(path):
    done = subprocess.run([shutil.which("node") or "node", "--test", path], capture_output=True, text=True, timeout=120)
    print(done.stdout)
    assert done.returncode == 0
    assert int(re.search(r"^# pass (\d+)$", done.stdout, re.M)[1]) > 0


@pytest.mark.parametrize("path", sorted(MODULES.glob("*.js")), ids=lambda path: path.name)
def test_what_a_module_imports_is_exported(path):
    done = subprocess.run(["node", "--check", path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for names, other in re.findall(r"^import (?:\* as \w+|\{([^}]*)\}) from '\./(\w+\.js)';$", path.read_text(), re.M):
        text = (MODULES / other).read_text()
        for name in filter(None, (name.strip() for name in names.split(","))):
            assert re.search(rf"^export (async )?(function|const) {name}\b", text, re.M), f"{other} has no {name}"


def test_only_what_all_versions_of_the_core_have_is_used():
    """`debounce` is there since 26.1.7, the cell of a command's method since 26.1.5."""
    for path in MODULES.glob("*.js"):
        assert not re.search(r"\bdebounce\(|method: \(?\w+, cell\)?", path.read_text()), path.name


@pytest.mark.parametrize("path", sorted(VIEWS.glob("*.volt")), ids=lambda path: path.name)
def test_a_page_imports_a_module_that_finds_all_of_its_elements(path):
    view = path.read_text()
    # What a page takes in from others of ours is on it.
    view += "".join((VIEWS / f"{name}.volt").read_text() for name in re.findall(r"partial\('OPNsense/Hearth/(\w+)'\)", view))
    for module in re.findall(r"import \{start\} from '/ui/js/hearth/(\w+\.js)';", view):
        texts = [(MODULES / module).read_text()]
        # Modules that only this page has know its elements too.
        texts += [(MODULES / "talos.js").read_text()] if "'./talos.js'" in texts[0] else []
        # A part of several pages: each has the elements of what it calls.
        if "'./tryout.js'" in texts[0]:
            texts += [text for text in re.split(r"\n(?=/\*\* )", (MODULES / "tryout.js").read_text())
                      if any(f"tries.{name}(" in texts[0] for name in re.findall(r"^export (?:async )?function (\w+)", text, re.M))]
        # The wizard names its fields by a part.
        texts = [re.sub(r"`#talos_\$\{field\}(_text)?`", "", text) for text in texts]
        made = set(re.findall(r'\bid="([\w-]+)"', view + (VIEWS / "parts.volt").read_text()))
        made |= {f"{grid}-header" for grid in re.findall(r'id="(grid-\w+)"', view)} | {"reconfigureAct"}
        made |= {f"frm_{name.removeprefix('frm_')}" for name in re.findall(r"'id': '(\w+)'", view)}
        # A name with a dot is a field of a form, which the core makes.
        for name in re.findall(r"\$\(['`]#([\w-]+)(?![\w\\-])", "\n".join(texts)):
            assert name in made, f"{module} looks for #{name}"
