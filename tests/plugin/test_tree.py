"""The plugin's tree held against the rules of the plugins tree, without OPNsense itself."""

import configparser
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import core
import jinja2
import pytest

TREE = core.PLUGIN.parent
MVC = core.PLUGIN / "opnsense/mvc/app"
MODEL = MVC / "models/OPNsense/Hearth/Hearth.xml"
FORMS = MVC / "controllers/OPNsense/Hearth/forms"
ACTIONS = core.PLUGIN / "opnsense/service/conf/actions.d/actions_hearth.conf"


def files(*endings):
    return sorted(path for path in TREE.rglob("*") if path.is_file() and path.name.endswith(endings))


def first_line(path):
    with open(path, "rb") as file:
        return file.readline().decode(errors="replace").strip()


def scripts(interpreter):
    return [path for path in files("") if first_line(path).startswith("#!") and first_line(path).endswith(interpreter)]


def php():
    return sorted({*files(".php", ".inc"), *scripts("/php")})


def ok(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def test_php_is_php():
    for path in php():
        ok("php", "-l", path)


def test_php_is_written_as_opnsense_asks():
    ok("phpcs", "-q", f"--standard={core.PLUGIN.parent.parent}/tests/plugin/phpcs.xml", "--extensions=php,inc", *php())


def test_shell_is_shell():
    shell = {*scripts("/sh"), *TREE.glob("+*")}
    assert len(shell) >= 4
    for path in shell:
        assert first_line(path) == "#!/bin/sh", path
        ok("sh", "-n", path)


def test_xml_is_xml():
    for path in files(".xml"):
        ok("xmllint", "--noout", path)


def test_what_is_run_can_be_run():
    for folder in ("etc/rc.syshook.d", "opnsense/scripts"):
        for path in (core.PLUGIN / folder).rglob("*"):
            if path.is_file() and first_line(path).startswith("#!"):
                assert os.access(path, os.X_OK), path


def test_a_class_is_where_its_name_says():
    for path in files(".php"):
        if found := re.search(r"^(?:abstract |final )?class (\w+)", path.read_text(), re.M):
            assert found[1] == path.stem, path


def test_nobody_runs_commands_past_the_core():
    for path in php():
        for line in path.read_text().splitlines():
            assert not re.search(r"(?<![\w>:])(exec|shell_exec|passthru|system|popen|proc_open)\(", line), (path, line)


def test_an_expression_that_goes_to_the_end_goes_to_the_very_end():
    """`$` alone takes a line end too: a name with one would pass."""
    for path in php():
        for line in path.read_text().splitlines():
            for flags in re.findall(r"""['"]/\^.*?\$/(\w*)['"]""", line):
                assert "D" in flags or "m" in flags, (path, line)


# The model: the rules of the core's `make lint`.


def leaves(node=None, path=()):
    node = ElementTree.parse(MODEL).getroot().find("items") if node is None else node
    for child in node:
        if child.get("type") in (None, "ArrayField"):
            yield from leaves(child, (*path, child.tag))
        else:
            yield (*path, child.tag), child


def test_the_model_keeps_the_rules():
    root = ElementTree.parse(MODEL).getroot()
    assert "\n" not in root.find("description").text
    assert re.fullmatch(r"\d+\.\d+\.\d+", root.find("version").text)
    for path, field in leaves():
        assert field.tag != "uuid", f"{path}: a grid would take it for the row's own"
        said = {child.tag: (child.text or "") for child in field}
        assert "Default" not in said or said.get("Required") == "Y", f"{path}: default of what is not required"
        assert said.get("Default") != "", path
        assert "BlankDesc" not in said or said.get("Required") != "Y", path
        assert "BlankDesc" not in said or said.get("Multiple") != "Y", path
        assert said.get("BlankDesc") != "None" and said.get("Required") != "N" and said.get("Multiple") != "N", path
        assert said.get("AsList") != "N" and said.get("FieldSeparator") != ",", path
        if field.get("type") == "CSVListField":
            assert "Mask" in said and said.get("MaskPerItem") == "Y", path
        if message := said.get("ValidationMessage"):
            assert message[0].isupper() and message.endswith("."), f"{path}: {message}"
        for option in field.findall("OptionValues/*"):
            assert option.get("value", option.tag) != option.text, path
            assert option.tag not in ("default", "multiple", "required") or option.get("value"), path


def test_masks_are_regular_expressions_that_bite():
    """PCRE itself: each mask compiles, and none takes a line end, unless lines are what it is for."""
    code = '$m = $argv[1]; exit(@preg_match($m, "") === false ? 2 : (preg_match($m, "a\\nb\\n\\0") ? 1 : 0));'
    masks = {field.find("Mask").text for _, field in leaves() if field.find("Mask") is not None}
    assert len(masks) > 10
    for mask in masks:
        assert mask.endswith("D"), f"{mask}: $ alone takes a line end too"
        assert subprocess.run(["php", "-r", code, mask]).returncode == 0, mask


def test_relations_lead_to_rows_of_the_model():
    root = ElementTree.parse(MODEL).getroot().find("items")
    for path, field in leaves():
        for items in field.findall("Model/*/items"):
            assert root.find(items.text.replace(".", "/")).get("type") == "ArrayField", path


# Forms.


def forms():
    for path in FORMS.glob("*.xml"):
        for field in ElementTree.parse(path).getroot().iter("field"):
            if field.find("id") is not None:
                yield path.stem, field


def known():
    """Ids of forms: hearth.section.field for settings, row.field for rows."""
    return {".".join(("hearth", *path)) if len(path) == 2 else ".".join(path[1:]): field for path, field in leaves()}


def test_each_field_of_a_form_is_in_the_model_and_is_explained():
    fields = known()
    for form, field in forms():
        name = field.find("id").text
        assert name in fields, f"{form}: {name}"
        text = field.find("help")
        assert text is not None and text.text.endswith("."), f"{form}: {name} has no help"
        kind, shown = fields[name].get("type"), field.find("type").text
        assert (kind == "BooleanField") == (shown == "checkbox"), name
        assert (kind == "UpdateOnlyTextField") == (shown == "password"), name
        multiple = any(fields[name].find(tag) is not None for tag in ("Multiple", "AsList")) or kind == "CSVListField"
        assert multiple == (shown == "select_multiple"), name


def test_each_field_of_the_model_can_be_reached():
    shown = {field.find("id").text for _, field in forms()}
    # A policy is put in order by dragging.
    assert {name for name in known() if name not in shown} == {"policy.sequence"}


def test_no_secret_is_a_column():
    for form, field in forms():
        if field.find("type").text == "password":
            assert field.find("grid_view/ignore") is not None, (form, field.find("id").text)


# Views.


def volt(text):
    """Volt as Jinja reads it: they share their grammar, but for ['key': value], which Jinja writes {'key': value}."""
    kind, out = [], []
    inside = False
    for part in re.split(r"(\{\{|\}\}|\{%|%\}|\{#.*?#\})", text, flags=re.S):
        if part in ("{{", "{%", "}}", "%}"):
            inside = part in ("{{", "{%")
        elif inside:
            pieces = re.split(r"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\[|\])", part)
            for at, piece in enumerate(pieces):
                if piece == "[":
                    rest = "".join(pieces[at + 1 :]).lstrip()
                    kind.append("}" if re.match(r"('[^']*'|\"[^\"]*\")\s*:", rest) else "]")
                    pieces[at] = "{" if kind[-1] == "}" else "["
                elif piece == "]":
                    pieces[at] = kind.pop() if kind else "]"
            part = "".join(pieces).replace("elseif ", "elif ")
        out.append(part)
    return "".join(out)


def views():
    return sorted((MVC / "views/OPNsense/Hearth").glob("*.volt"))


@pytest.mark.parametrize("view", views(), ids=lambda path: path.stem)
def test_a_view_can_be_parsed(view):
    text = view.read_text()
    jinja2.Environment().parse(volt(text))
    for name in re.findall(r"partial\(\s*['\"]OPNsense/([^'\"]+)", text):
        assert (MVC / f"views/OPNsense/{name}.volt").exists(), name
    for name in re.findall(r"form(?:Dialog|Grid)(\w+)", text):
        assert (FORMS / f"dialog{name}.xml").exists(), name


def test_who_may_only_look_is_offered_nothing_that_would_be_refused():
    hidden = (MVC / "views/OPNsense/Hearth/readonly.volt").read_text()
    # What these do is allowed; and what is inside of something hidden is hidden with it.
    allowed = {"hearth_try", "hearth_dhcp_look"}
    inside = {"talos_go": "#talos", "token_create": "#token_form", "hearth_dhcp_apply": ".hearth-actions",
              "hearth_dhcp_revert": ".hearth-actions"}
    for view in views():
        for button in re.findall(r"<button[^>]*>", view.read_text()):
            name = re.search(r'\bid="([\w-]+)"', button)
            if name and name[1] not in allowed:
                assert re.search(re.escape(inside.get(name[1], f"#{name[1]}")) + r"\b", hidden), f"{view.name}: {button}"
            elif not name:
                assert re.search(r'data-(act|action)="\w+"', button), f"{view.name}: {button}"
    for path in [*(core.PLUGIN / "opnsense/www/js/hearth").glob("page_*.js"), *views()]:
        for name in re.findall(r"^ +(\w+): (?:command\(|\{\n +onRendered)", path.read_text(), re.M):
            assert f".command-{name}" in hidden, f"{path.name}: {name}"


def test_a_view_that_is_broken_cannot():
    for text in ("{% if x %}", "{{ lang._('it's') }}", "{{ partial('a', ['b': c) }}", "{% for x of y %}{% endfor %}"):
        with pytest.raises(jinja2.TemplateSyntaxError):
            jinja2.Environment().parse(volt(text))


def test_each_item_of_the_menu_leads_somewhere():
    for item in ElementTree.parse(MODEL.parent / "Menu/Menu.xml").getroot().iter():
        if (url := item.get("url", "")).startswith("/ui/hearth"):
            page = url.removeprefix("/ui/hearth").strip("/*").split("/")[0] or "index"
            controller = MVC / f"controllers/OPNsense/Hearth/{page.capitalize()}Controller.php"
            assert controller.exists(), f"{url}: {controller.name}"
    text = (MVC / "models/OPNsense/Hearth/ACL/ACL.xml").read_text()
    for pattern in ("ui/hearth/*", "api/hearth/*", "ui/diagnostics/log/core/hearth/*", "api/diagnostics/log/core/hearth/*"):
        assert f"<pattern>{pattern}</pattern>" in text


def test_each_action_that_the_pages_ask_for_is_there():
    names = set()
    for path in (MVC / "controllers/OPNsense/Hearth/Api").glob("*.php"):
        names |= set(re.findall(r"public function (\w+)Action", path.read_text()))
    if re.search(r"extends ApiMutableServiceControllerBase", "".join(p.read_text() for p in files("ServiceController.php"))):
        names |= {"start", "stop", "restart", "status"}
    names |= {"get", "set"}
    for view in views():
        for url in re.findall(r"/api/hearth/(?:settings|service|token)/(\w+)", view.read_text()):
            name = re.sub(r"_(\w)", lambda found: found[1].upper(), url)
            assert name in names, (view.name, url)


# configd.


def sections():
    parser = configparser.ConfigParser(interpolation=None, delimiters=(":",), strict=True)
    parser.read_string(ACTIONS.read_text())
    return {name: dict(parser[name]) for name in parser.sections()}


def test_actions_of_configd():
    known = {
        "command", "parameters", "type", "message", "errors", "description", "cache_ttl", "allowed_groups", "disable",
    }  # fmt: skip
    for name, action in sections().items():
        assert re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)?", name), name
        assert set(action) <= known, (name, action)
        assert action["type"] in ("script", "script_output", "stream_output", "inline"), name
        command = action["command"].split()[0]
        if command.startswith("/usr/local/opnsense/scripts/"):
            path = core.PLUGIN / command.removeprefix("/usr/local/")
            assert path.exists(), f"{name}: {command}"
            assert os.access(path, os.X_OK), path
        else:
            assert command in ("/usr/local/etc/rc.d/hearth", "/usr/local/sbin/hearth"), f"{name}: {command}"
        assert re.fullmatch(r"(%s ?)*", action.get("parameters", "")), name
        assert action.get("message", "").count("%s") <= action.get("parameters", "").count("%s"), name
        assert action.get("allowed_groups", "wheel,wwwonly") == "wheel,wwwonly", name


def test_what_changes_something_says_who_may():
    harmless = re.compile(r"status|list|\.(list|plan|get.*|show.*|search.*)$|^agent\.")
    for name, action in sections().items():
        assert "allowed_groups" in action or harmless.search(name), name


def test_templates_have_targets_that_every_core_reads():
    """26.1 takes a `!` before a name for a part of it, and finds no such template."""
    for targets in core.TEMPLATES.rglob("+TARGETS"):
        for line in targets.read_text().splitlines():
            name, target = line.split(":")[:2]
            assert (targets.parent / name).exists() and target.startswith("/"), (targets, line)
    # The end of the file as the template writes it and as PHP looks for it, and where they meet.
    folder = core.TEMPLATES / "OPNsense/Hearth/Agent"
    staging = (MVC / "library/OPNsense/Hearth/Staging.php").read_text()
    last = (folder / "hearth.toml").read_text().splitlines()[-1]
    assert f'END = "{last}\\n"' in staging
    assert "/staging/body.toml" in (folder / "+TARGETS").read_text() and "STAGING . '/body.toml'" in staging


def test_php_asks_only_for_actions_that_are_there():
    there = set(sections())
    for path in php():
        for name in re.findall(r"configdp?Run\(['\"]hearth ([a-z_.]+)['\"]", path.read_text()):
            assert name in there, (path, name)


# Package.


def test_the_package_is_described():
    text = (TREE / "Makefile").read_text()
    for key in ("PLUGIN_NAME", "PLUGIN_VERSION", "PLUGIN_COMMENT", "PLUGIN_MAINTAINER", "PLUGIN_DEPENDS", "PLUGIN_NO_ABI"):
        assert re.search(rf"^{key}=\t+\S", text, re.M), key
    version = re.search(r"^PLUGIN_VERSION=\t+(\S+)", text, re.M)[1]
    assert f"\n{version}\n" in (TREE / "pkg-descr").read_text()
    cargo = (TREE.parent / "agent/Cargo.toml").read_text() + (TREE.parent / "Cargo.toml").read_text()
    assert f'version = "{version}"' in cargo


def test_an_upgrade_takes_nothing_back(tmp_path):
    """Run with stand-ins for what it calls: they say that they were called."""
    text = (TREE / "+PRE_DEINSTALL.pre").read_text()
    for name in ("/usr/local/opnsense/scripts/hearth/dhcp/revert.php", "/usr/local/etc/rc.d/hearth"):
        stand_in = tmp_path / name.replace("/", "_")
        stand_in.write_text(f'#!/bin/sh\necho "{name} $*"\nexit 3\n')
        stand_in.chmod(0o755)
        text = text.replace(name, str(stand_in))
    text = text.replace("/etc/rc.conf.d/hearth", str(tmp_path / "rcconf"))
    text = text.replace("/usr/local/etc/hearth", str(tmp_path / "etc")).replace("/var/run/", f"{tmp_path}/run/")
    (tmp_path / "rcconf").write_text("")
    for name in ("staging/hearth.toml", "secrets/one", "tls/one.key", "conf.d/own.toml", "hearth.toml"):
        (tmp_path / "etc" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "etc" / name).write_text("# DO NOT EDIT THIS FILE -- OPNsense auto-generated file\n")
    left = lambda: sorted(str(one.relative_to(tmp_path / "etc")) for one in (tmp_path / "etc").rglob("*") if one.is_file())  # noqa: E731
    run = lambda **more: subprocess.run(  # noqa: E731
        ["sh", "-eu"], input=text.replace("${PKG_UPGRADE}", "${PKG_UPGRADE:-}"), env=os.environ | more,
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert run(PKG_UPGRADE="true") == "" and (tmp_path / "rcconf").exists() and len(left()) == 5
    run(HEARTH_PURGE="yes")
    assert left() == ["conf.d/own.toml", "hearth.toml"], "the agent's own purge reads it first"
    assert run().split("\n")[:2] == [
        "/usr/local/opnsense/scripts/hearth/dhcp/revert.php ",
        "/usr/local/etc/rc.d/hearth onestop",
    ]
    assert not (tmp_path / "rcconf").exists()
    assert left() == ["conf.d/own.toml"], "secrets go, what somebody wrote stays"
    (tmp_path / "etc/hearth.toml").write_text("# mine\n")
    run()
    assert left() == ["conf.d/own.toml", "hearth.toml"]


def test_the_rules_of_the_firewall_are_made_anew_without_the_plugin(tmp_path):
    stand_in = tmp_path / "rc.filter_configure"
    stand_in.write_text(f'#!/bin/sh\necho "$*" > {tmp_path}/asked\nexit 1\n')
    stand_in.chmod(0o755)
    text = (TREE / "+POST_DEINSTALL.post").read_text().replace("/usr/local/etc/rc.filter_configure", str(stand_in))
    run = lambda upgrade: subprocess.run(  # noqa: E731
        ["sh", "-eu"], input=text, env=os.environ | {"PKG_UPGRADE": upgrade}, text=True, check=True)
    run("true")
    assert not (tmp_path / "asked").exists()
    run("")
    assert (tmp_path / "asked").read_text() == "skip_alias\n"
