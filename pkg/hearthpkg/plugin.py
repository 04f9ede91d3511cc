"""The package `os-hearth`: the OPNsense plugin, for every FreeBSD and every machine."""

import json
import pathlib
import re

from . import freebsd, source
from .archive import Entry
from .source import Refused

HERE = pathlib.Path(__file__).resolve().parents[1] / "opnsense"
VERSION_FILES = "/usr/local/opnsense/version"
ABI = "FreeBSD:*:*"


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
        "product_conflicts": told.get("PLUGIN_CONFLICTS", ""),
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
        entries=files, scripts=scripts(files), annotations=annotations,
    )


def _files(src):
    for path in sorted(src.rglob("*")):
        if path.is_symlink() or not path.is_file():
            if path.is_symlink():
                raise Refused(f"{path}: a plugin has no symbolic links")
            continue
        # What git keeps of a mode is whether the file can be run.
        mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
        yield Entry(f"{freebsd.PREFIX}/{path.relative_to(src)}", path.read_bytes(), mode)


def scripts(files):
    """What runs on the firewall, in the order that OPNsense's own packages keep: those of the plugin's
    `syshook.d/early` and `start`, configd, the loader, migrations of its models, caches, its templates."""
    paths = [file.path.removeprefix(freebsd.PREFIX + "/") for file in files]

    def under(pattern):
        return sorted({found[1] for path in paths if (found := re.match(pattern, path))})
    lines = []
    hooks = under(r"(etc/rc\.syshook\.d/(?:early|start)/[^/]+)$")
    lines += [f'run "{freebsd.PREFIX}/{hook}"' for hook in sorted(hooks, key=lambda hook: "/early/" not in hook)]
    if under(r"(opnsense/service/conf/actions\.d/)"):
        lines.append("run /usr/local/etc/rc.d/configd restart")
    if under(r"(etc/rc\.loader\.d/)"):
        lines.append("run /usr/local/etc/rc.configure_firmware")
    lines += [f"run /usr/local/opnsense/mvc/script/run_migrations.php {model}"
              for model in under(r"opnsense/mvc/app/models/([^/]+/[^/]+)/")]
    lines.append("run /usr/local/etc/rc.configure_plugins POST_INSTALL")
    lines += [f"run /usr/local/sbin/configctl template reload {template}"
              for template in under(r"opnsense/service/templates/([^/]+/[^/]+)/")]
    made = {}
    for name in ("post-install", "pre-deinstall", "post-deinstall"):
        text = (HERE / f"{name}.sh").read_text()
        made[name] = text.replace("# @steps@\n", "\n".join(lines) + "\n")
    return made
