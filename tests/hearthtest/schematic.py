"""The canonical form of a Talos schematic and its id, written apart from the agent's own code.

The image factory writes what it was given with Go's yaml.v3 (indent 4, sequences indented) and
takes the SHA-256 of that text as id.
"""

import hashlib
import re

PLAIN = re.compile(r"(-(?=[A-Za-z]))?[A-Za-z/_][A-Za-z0-9_=.,/+@%-]*([:][A-Za-z0-9_=.,/+@%-]+)*\Z")
TAKEN_FOR_OTHERS = re.compile(
    r"(true|false|null|yes|no|on|off|y|n|)\Z|[-+.]?[0-9][0-9a-fxo_.:+-]*\Z", re.IGNORECASE)


class Unsure(ValueError):
    """A value whose canonical form this module does not know."""


def scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if TAKEN_FOR_OTHERS.match(value):
        return f'"{value}"'
    if PLAIN.match(value):
        return value
    if re.match(r"[\[{*&!|>'%@`][ -&(-~]*\Z", value):
        return f"'{value}'"
    raise Unsure(f"what does {value!r} look like in YAML?")


def natural(item):
    """Keys of free mappings stand in natural order: b9 before b10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", item[0])]


def mapping(items, indent):
    """Lines of a block mapping from (key, value) pairs; empty values are left out."""
    lines = []
    for key, value in items:
        if value in (None, [], {}, "", False):
            continue
        if isinstance(value, dict):
            lines.append(f"{indent}{key}:")
            lines += mapping(sorted(value.items(), key=natural), indent + "    ")
        elif isinstance(value, list) and isinstance(value[0], dict):
            lines.append(f"{indent}{key}:")
            for one in value:
                lines.append(f"{indent}    - key: {scalar(one['key'])}")
                lines.append(f"{indent}      value: {scalar(one['value'])}")
        elif isinstance(value, list):
            lines.append(f"{indent}{key}:")
            lines += [f"{indent}    - {scalar(one)}" for one in value]
        else:
            lines.append(f"{indent}{key}: {scalar(value)}")
    return lines


def canonical(schematic):
    """The text that the factory would store for a schematic given as JSON."""
    overlay = schematic.get("overlay") or {}
    custom = schematic.get("customization") or {}
    known = {"extraKernelArgs", "meta", "systemExtensions", "secureboot", "diskImage"}
    unknown = set(schematic) - {"overlay", "customization"} | set(custom) - known
    if unknown:
        raise Unsure(f"fields {sorted(unknown)} not found in type schematic.Schematic")
    lines = []
    if overlay:
        lines.append("overlay:")
        lines += mapping([(key, overlay.get(key)) for key in ("image", "name", "options")], "    ")
    extensions = (custom.get("systemExtensions") or {}).get("officialExtensions")
    inner = mapping([
        ("extraKernelArgs", custom.get("extraKernelArgs")),
        ("meta", custom.get("meta")),
        ("systemExtensions", {"officialExtensions": extensions} if extensions else None),
        ("secureboot", custom.get("secureboot")),
        ("diskImage", custom.get("diskImage")),
    ], "    ")
    lines += ["customization:", *inner] if inner else ["customization: {}"]
    return "\n".join(lines) + "\n"


def schematic_id(schematic):
    return hashlib.sha256(canonical(schematic).encode()).hexdigest()
