"""What OPNsense's template engine gives to a template: config.xml as its backend reads it, the helpers that
Hearth's templates use, Jinja set up as there. With HEARTH_OPNSENSE_CORE naming a checkout of opnsense/core,
the real modules are used in place of this."""

import collections
import functools
import os
import pathlib
import re
import shlex
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import jinja2

PLUGIN = pathlib.Path(__file__).parent.parent.parent / "opnsense-plugin" / "src"
TEMPLATES = PLUGIN / "opnsense/service/templates"
CORE = os.environ.get("HEARTH_OPNSENSE_CORE")


class Config:
    """config.xml: an element with children is a mapping, with attributes as `@name`; others are their text or
    are not there; what stands several times is a list."""

    def __init__(self, xml):
        self.uuids = {}
        self.tree = self.read(ElementTree.fromstring(xml))
        self.tree["__uuid__"] = self.uuids

    def read(self, element):
        if len(element) == 0:
            return element.text
        result = collections.OrderedDict()
        for child in element:
            value = self.read(child)
            if isinstance(value, dict):
                value.update({f"@{key}": text for key, text in child.attrib.items()})
            if "uuid" in child.attrib:
                self.uuids[child.attrib["uuid"]] = value
            if value is None:
                continue
            if child.tag not in result:
                result[child.tag] = value
            elif isinstance(result[child.tag], list):
                result[child.tag].append(value)
            else:
                result[child.tag] = [result[child.tag], value]
        return result


class Helpers:
    def __init__(self, tree):
        self.tree = tree

    def getNodeByTag(self, tag):
        node = self.tree
        for name in tag.split("."):
            if name not in node:
                return None
            node = node[name]
        return node

    def empty(self, tag):
        node = self.getNodeByTag(tag)
        return node is None or len(node) == 0 or (isinstance(node, str) and node.strip() in ("", "0"))

    def toList(self, tag):
        node = self.getNodeByTag(tag)
        return [] if node is None else node if isinstance(node, list) else [node]

    def getUUID(self, uuid):
        return self.tree["__uuid__"].get(uuid, {})

    def physical_interfaces(self, names):
        return [device for name in names if (device := self.getNodeByTag(f"interfaces.{name}.if"))]


@functools.cache
def environment():
    result = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        trim_blocks=True,
        extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
    )
    result.filters["shlex_quote"] = shlex.quote
    result.filters["regex_replace"] = lambda value, what, by: re.sub(what, by, value)
    return result


def render(template, xml):
    """The text of a template below `OPNsense/` for a config.xml."""
    tree = Config(xml).tree
    helpers = Helpers(tree)
    if CORE:
        sys.path.insert(0, f"{CORE}/src/opnsense/service")
        from modules import config
        from modules.addons import template_helpers

        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".xml") as file:
            file.write(xml)
            file.flush()
            tree = config.Config(file.name).get()
        helpers = template_helpers.Helpers(tree)
    text = environment().get_template(f"OPNsense/{template}", globals={"helpers": helpers}).render(tree)
    # Jinja leaves out the last line's end, the backend writes it.
    return text if text.endswith("\n") else text + "\n"


def element(tag, content, uuid=None):
    """An element of config.xml: of a mapping its children, a list is the same element several times."""
    if isinstance(content, list):
        return "".join(element(tag, one) for one in content)
    node = ElementTree.Element(tag)
    if isinstance(content, dict):
        content = dict(content)
        if identity := content.pop("@uuid", None):
            node.set("uuid", identity)
        inner = "".join(element(name, value) for name, value in content.items())
        text = ElementTree.tostring(node, encoding="unicode", short_empty_elements=False)
        return text.replace("></", f">{inner}</", 1)
    node.text = str(content)
    return ElementTree.tostring(node, encoding="unicode")


def config_xml(hearth, interfaces=None):
    """A config.xml that holds this at OPNsense/hearth."""
    interfaces = interfaces or {"lan": {"if": "lo"}, "opt1": {"if": "igb1"}}
    return element("opnsense", {"interfaces": interfaces, "OPNsense": {"hearth": hearth}})


