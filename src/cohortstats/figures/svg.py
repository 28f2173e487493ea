"""From matplotlib's SVG to one that reads well: lines of words in one piece, ids that do not clash, colours by role."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from cohortstats.figures.palette import PALETTE
from cohortstats.figures.words import plain

__all__ = ["inline", "standalone"]

_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}href"
_HEX = re.compile(r"#[0-9a-fA-F]{6}\b")
_RUN = re.compile(r"words-(\d+)-(\d+)")
_FONT = re.compile(r"(?P<before>.*?)(?P<size>[\d.]+)px\s*(?P<family>.*)")
_URL = re.compile(r"url\(#([^)]+)\)")
# The same on every machine, whatever fonts that machine draws with; Verdana has the widths of DejaVu Sans.
FAMILIES = "'DejaVu Sans', Verdana, 'Hiragino Sans', 'Noto Sans CJK JP', 'Yu Gothic', Meiryo, sans-serif"
_DROPPED = {"metadata", "style", "title", "desc"}


def standalone(data: bytes) -> bytes:
    """An SVG file in which each line of words is one text element and only ids in use are left."""
    root = _tidied(data)
    _name_ids(root, "")
    root.set("font-family", FAMILIES)
    for text in root.iter("text"):
        text.set("fill", _set_font(text) or PALETTE["ink"].light)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + _written(root).encode() + b"\n"


def inline(data: bytes, *, title: str, description: str, id_prefix: str) -> str:
    """An ``<svg>`` element for a page; see `files.inline_svg`."""
    root = _tidied(data)
    prefix = re.sub(r"[^A-Za-z0-9_-]", "-", id_prefix) or "figure"
    prefix = prefix if prefix[0].isalpha() else f"f-{prefix}"
    _name_ids(root, f"{prefix}-")
    for name in ("width", "height", "version", "xmlns", "font-family"):
        root.attrib.pop(name, None)
    roles = _colour_by_role(root)
    for name, value in (
        ("class", "km"),
        ("role", "img"),
        ("aria-labelledby", f"{prefix}-title {prefix}-desc"),
        ("preserveAspectRatio", "xMidYMid meet"),
    ):
        root.set(name, value)
    head = [ET.Element("title", id=f"{prefix}-title"), ET.Element("desc", id=f"{prefix}-desc"), ET.Element("style")]
    head[0].text, head[1].text = plain(title), plain(description)
    head[2].text = ".km text{fill:var(--ink)}" + "".join(
        f".km .fill-{role}{{fill:var(--{role})}}" for role in sorted(roles)
    )
    for place, element in enumerate(head):
        root.insert(place, element)
    return _written(root)


def _tidied(data: bytes) -> ET.Element:
    """The tree without namespaces, metadata and empty groups, with the runs of each line joined."""
    root = ET.fromstring(data)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        if _XLINK in element.attrib:
            element.set("href", element.attrib.pop(_XLINK))
    _drop(root)
    _join_lines(root)
    _unwrap(root)
    root.set("xmlns", "http://www.w3.org/2000/svg")
    for element in root.iter():
        if element.tag not in {"text", "tspan"}:
            element.text = None
        element.tail = None
    return root


def _drop(parent: ET.Element) -> None:
    for child in list(parent):
        if child.tag in _DROPPED or (child.tag == "defs" and not any(grand.tag != "style" for grand in child)):
            parent.remove(child)
        else:
            _drop(child)


def _join_lines(root: ET.Element) -> None:
    """Later runs of a line become ``<tspan>`` of the first, so that another font cannot tear the line apart."""
    first: dict[str, ET.Element] = {}
    parents = {child: parent for parent in root.iter() for child in parent}
    for group in [element for element in root.iter("g") if _RUN.fullmatch(element.get("id", ""))]:
        text = group.find("text")
        match = _RUN.fullmatch(group.get("id", ""))
        if text is None or match is None:
            continue
        if match[2] == "0":
            first[match[1]] = text
            continue
        start = first[match[1]]
        if not len(start):
            # The first run becomes a tspan too: its style must not fall on its neighbours.
            start.append(_span(start))
            start.text = None
        start.append(_span(text))
        parents[group].remove(group)


def _span(text: ET.Element) -> ET.Element:
    span = ET.Element("tspan")
    span.text = text.text
    if _declarations(text).get("font-style") == "italic":
        span.set("font-style", "italic")
    return span


def _unwrap(parent: ET.Element) -> None:
    """Groups that say nothing are replaced by what they hold."""
    for child in list(parent):
        _unwrap(child)
    flat: list[ET.Element] = []
    for child in list(parent):
        speaks = any(name != "id" for name in child.attrib)
        flat += [child] if child.tag != "g" or speaks else list(child)
    for child in list(parent):
        parent.remove(child)
    parent.extend(flat)


def _name_ids(root: ET.Element, prefix: str) -> None:
    """Keep the ids that something points to, under short names."""
    used: dict[str, str] = {}
    for element in root.iter():
        href = element.get("href", "")
        targets = [href.removeprefix("#")] if href.startswith("#") else []
        targets += [match for value in element.attrib.values() for match in _URL.findall(value)]
        for target in targets:
            used.setdefault(target, f"{prefix}m{len(used) + 1}")
    for element in root.iter():
        name = element.attrib.pop("id", None)
        if name in used:
            element.set("id", used[name])
        if element.get("href", "").startswith("#"):
            element.set("href", "#" + used[element.attrib["href"].removeprefix("#")])
        for key, value in element.attrib.items():
            if "url(" in value:
                element.set(key, _URL.sub(lambda match: f"url(#{used[match[1]]})", value))


def _declarations(element: ET.Element) -> dict[str, str]:
    """The style attribute as a dict, with the ``font`` shorthand of older versions of matplotlib written out."""
    pairs = (part.partition(":") for part in element.get("style", "").split(";") if part.strip())
    found = {name.strip(): value.strip() for name, _, value in pairs}
    shorthand = _FONT.match(found.pop("font", ""))
    if shorthand:
        found |= {"font-size": shorthand["size"] + "px", "font-family": shorthand["family"]}
        found |= {"font-style": "italic"} if "italic" in shorthand["before"] else {}
        found |= {"font-weight": "700"} if re.search("bold|700", shorthand["before"]) else {}
    return found


def _set_font(text: ET.Element) -> str:
    """Font and anchor as attributes, without the family; gives back the colour."""
    style = _declarations(text)
    text.attrib.pop("style", None)
    text.set("font-size", style.get("font-size", "9px").removesuffix("px"))
    if style.get("font-weight", "400") not in {"400", "normal"}:
        text.set("font-weight", "bold")
    if style.get("font-style", "normal") != "normal" and not len(text):
        text.set("font-style", "italic")
    if style.get("text-anchor", "start") != "start":
        text.set("text-anchor", style["text-anchor"])
    _set_place(text)
    return style.get("fill", "")


def _set_place(text: ET.Element) -> None:
    """Matplotlib gives place and a turn by nothing; the place is enough."""
    turn = re.fullmatch(r"(?:translate\((\S+) (\S+)\) )?rotate\(-?0(?: \S+ \S+)?\)", text.get("transform", ""))
    if turn:
        text.attrib.pop("transform")
        if turn[1]:
            text.set("x", turn[1])
            text.set("y", turn[2])


def _colour_by_role(root: ET.Element) -> set[str]:
    """Hex colours become variables; words get a class, for which the element carries the rule."""
    # A line and its words may share a colour in light and differ in dark, so words look their colour up first.
    lines = {PALETTE[role].light: role for role in reversed(PALETTE) if not role.endswith("-text")}
    words = lines | {PALETTE[role].light: role for role in PALETTE if role.endswith("-text")}
    used: set[str] = set()
    for element in root.iter():
        if element.tag == "text":
            role = words.get(_set_font(element).lower(), "ink")
            if role != "ink":
                used.add(role)
                element.set("class", f"fill-{role}")
        elif "style" in element.attrib:
            style = _HEX.sub(lambda match: f"var(--{lines.get(match[0].lower(), 'ink')})", element.attrib["style"])
            element.set("style", style)
    return used


def _written(root: ET.Element) -> str:
    return ET.tostring(root, encoding="unicode", short_empty_elements=True)
