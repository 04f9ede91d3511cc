"""The package `os-hearth`: the OPNsense plugin, for every FreeBSD and every machine."""

import json
import re

from . import freebsd, source
from .archive import Entry
from .source import Refused

VERSION_FILES = "/usr/local/opnsense/version"
ABI = "FreeBSD:*:*"
# With another root folder nothing runs that could be told, and nothing of this host is to be touched.
NOT_ELSEWHERE = '[ "${PKG_ROOTDIR:-/}" = / ] || exit 0'


def variables(text):
    """What a plugin's Makefile sets: `PLUGIN_NAME`, ..."""
    text = text.replace("\\\n", " ")
    return {name: " ".join(value.split())
            for name, value in re.findall(r"^(PLUGIN_\w+)\??=[ \t]*(.*)$", text, re.MULTILINE)}


def package(folder, version, commit):
    """The package of a plugin's folder, which is laid out as in OPNsense's plugins.

    `commit` is what the firmware page shows as the source; `version` must be what the Makefile says.
    """
    makefile = folder / "Makefile"
    told = variables(makefile.read_text())
    for needed in ("PLUGIN_NAME", "PLUGIN_VERSION", "PLUGIN_COMMENT", "PLUGIN_MAINTAINER", "PLUGIN_NO_ABI"):
        if not told.get(needed):
            raise Refused(f"{makefile}: {needed} is not set")
    if told["PLUGIN_VERSION"] != version:
        raise Refused(f"{makefile}: PLUGIN_VERSION is {told['PLUGIN_VERSION']}, and Cargo.toml says {version}")
    name = f"os-{told['PLUGIN_NAME']}"
    revision = told.get("PLUGIN_REVISION", "0")
    full = version if revision == "0" else f"{version}_{revision}"
    annotations = {
        # A word and no `*`, which the shell of opnsense-version(8) would take for file names.
        "product_abi": told.get("PLUGIN_ABI", "any"),
        "product_arch": told.get("PLUGIN_ARCH", "any"),
        "product_conflicts": f"{name}-devel",
        "product_email": told["PLUGIN_MAINTAINER"],
        "product_hash": commit,
        "product_id": name,
        "product_name": told["PLUGIN_NAME"],
        "product_tier": told.get("PLUGIN_TIER", "3"),
        "product_version": full,
        "product_website": told.get("PLUGIN_WWW", source.WEB),
    }
    files = list(_files(folder / "src"))
    files.append(Entry(f"{VERSION_FILES}/{told['PLUGIN_NAME']}",
                       (json.dumps(annotations, indent=4) + "\n").encode()))
    return freebsd.Package(
        name=name, version=full, origin=f"opnsense/{name}", comment=told["PLUGIN_COMMENT"],
        description=(folder / "pkg-descr").read_text(), maintainer=told["PLUGIN_MAINTAINER"],
        www=annotations["product_website"], abi=ABI, arch="freebsd:*:*", categories=["net"], licenses=["BSD2CLAUSE"],
        depends={one: {"origin": f"net/{one}", "version": version} for one in told.get("PLUGIN_DEPENDS", "").split()},
        entries=files, scripts=scripts(folder, files, told), annotations=annotations,
    )


def _files(src):
    for path in sorted(src.rglob("*")):
        if path.is_symlink() or not path.is_file():
            if path.is_symlink():
                raise Refused(f"{path}: a plugin has no symbolic links")
            continue
        # What git keeps of a mode is whether the file can be run.
        if path.suffix in (".in", ".shadow") or path.parts[len(src.parts)] == "man":
            raise Refused(f"{path}: OPNsense's build would write another file of it, which is not done here")
        mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
        yield Entry(f"{freebsd.PREFIX}/{path.relative_to(src)}", path.read_bytes(), mode)


def scripts(folder, files, told):
    """What runs on the firewall. As OPNsense's own build puts it together (plugins: Mk/plugins.mk): the plugin's
    `+NAME.pre`, then what its files ask for, then `+NAME.post`; or `+NAME` alone. Words as `%%PLUGIN_NAME%%` are
    put in. Besides, the firmware page's list is told, which OPNsense does itself only for packages of its own."""
    paths = [file.path.removeprefix(freebsd.PREFIX + "/") for file in files]
    made = {}
    for name in ("pre-install", "post-install", "pre-deinstall", "post-deinstall"):
        file = "+" + name.replace("-", "_").upper()
        if (folder / file).exists():
            lines = [(folder / file).read_text()]
        else:
            around = [(folder / f"{file}{end}").read_text() if (folder / f"{file}{end}").exists() else ""
                      for end in (".pre", ".post")]
            lines = [around[0], *_steps(name, paths), around[1]]
        text = "\n".join(line.rstrip("\n") for line in lines if line.strip())
        for word, value in told.items():
            text = text.replace(f"%%{word}%%", value)
        if text:
            made[name] = f"{NOT_ELSEWHERE}\n{text}\n"
    return made


def _steps(name, paths):
    """What the files of a plugin ask for, in OPNsense's order, and the list last."""
    def under(pattern):
        return sorted({found[1] for path in paths if (found := re.match(pattern, path))})

    def run(command):
        # What is not there, or fails, keeps no later step from its turn.
        return f"if [ -x {command.split()[0]} ]; then {command} || echo '{command} failed'; fi"
    loader = [run("/usr/local/etc/rc.configure_firmware")] if under(r"(etc/rc\.loader\.d/)") else []
    models = under(r"opnsense/mvc/app/models/([^/]+/[^/]+)/")
    register = "/usr/local/opnsense/scripts/firmware/register.php"
    if name == "post-deinstall":
        caches = [run("/usr/local/etc/rc.configure_plugins POST_DEINSTALL")] if models else []
        # configd goes on with actions that are gone until it reads them again.
        forget = f'if [ -z "$PKG_UPGRADE" ]; then {run(f"{register} remove os-hearth")}; fi'
        return [*loader, *caches, run("/usr/local/etc/rc.d/configd restart"), forget]
    if name != "post-install":
        return []
    steps = [run(f"{freebsd.PREFIX}/{hook}") for end in ("early", "start")
             for hook in under(rf"(etc/rc\.syshook\.d/.*\.{end})$")]
    if under(r"(opnsense/service/conf/actions\.d/)"):
        steps.append(run("/usr/local/etc/rc.d/configd restart"))
    steps += loader
    steps += [run(f"/usr/local/opnsense/mvc/script/run_migrations.php {model}") for model in models]
    if models:
        steps.append(run("/usr/local/etc/rc.configure_plugins POST_INSTALL"))
    steps += [run(f"/usr/local/sbin/configctl template reload {template}")
              for template in under(r"opnsense/service/templates/([^/]+/[^/]+)/")]
    return [*steps, run(f"{register} install os-hearth")]
