"""Pages that follow from the package, or stand elsewhere in the repository: functions, rules, changelog."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

import cohortstats

ROOT = Path(__file__).parents[1]

# Page -> its title, and the homes of the names on it; the longest beginning decides, and the first page has the rest.
GROUPS = {
    "studies": ("Studies, cohorts, reports", ("",)),
    "exhibits": ("Exhibits as functions", ("analysis",)),
    "rules": ("Response, receptors, lines", ("derivations",)),
    "statistics": ("Statistics", ("stats",)),
    "droplets": ("Droplets", ("ctdna", "stats.droplet")),
    "evidence": ("Evidence in print", ("published", "stats.pooling")),
}


def _page_of(module: str) -> str:
    homes = {home: page for page, (_, starts) in GROUPS.items() for home in starts}
    inside = module.removeprefix("cohortstats.")
    return homes[max((home for home in homes if inside.startswith(home)), key=len)]


def _address(name: str) -> str:
    """Module and name under which a public name is documented."""
    value = getattr(cohortstats, name)
    home = cohortstats._HOME.get(name)
    return f"cohortstats.{home}.{name}" if home else f"{value.__module__}.{name}"


def _result_of(value: object) -> str:
    """Address of the class that a function returns, where it is no public name itself."""
    if not inspect.isfunction(value):
        return ""
    given = getattr(sys.modules[value.__module__], str(value.__annotations__.get("return")), None)
    if not inspect.isclass(given) or not given.__module__.startswith("cohortstats"):
        return ""
    return "" if given.__name__ in cohortstats.__all__ else f"{given.__module__}.{given.__qualname__}"


def _functions() -> dict[str, str]:
    """The pages of all public names, and the list of them."""
    names = [name for name in sorted(cohortstats.__all__, key=str.casefold) if name != "__version__"]
    pages = {page: [f"# {title}", ""] for page, (title, _) in GROUPS.items()}
    listed: dict[str, list[str]] = {page: [] for page in GROUPS}
    described: set[str] = set()
    for name in names:
        value, address = getattr(cohortstats, name), _address(name)
        page = _page_of(address)
        first = (inspect.getdoc(value) or "").split("\n\n")[0].replace("\n", " ").replace("|", r"\|")
        listed[page].append(f"| [`{name}`][{address}] | {first} |")
        for shown in (address, _result_of(value)):
            if shown and shown not in described:
                described.add(shown)
                pages[page] += [f"::: {shown}", ""]
    index = ["# Functions", "", "Every public name of `cohortstats`, under its topic."]
    for page, (title, _) in GROUPS.items():
        index += ["", f"## {title}", "", "| name | |", "| --- | --- |", *listed[page]]
    version = (
        f"`cohortstats.__version__` is `{cohortstats.__version__}`: the version of the package, and of what it writes."
    )
    made = {f"functions-{page}.md": "\n".join(lines) for page, lines in pages.items()}
    return {"reference.md": "\n".join([*index, "", version, ""]), **made}


def _linked(name: str) -> str:
    text = (ROOT / name).read_text(encoding="utf-8")
    # Links into the repository lead nowhere from the site.
    return text.replace("](docs/", "](").replace("](CHANGELOG.md", "](changelog.md")


def on_files(files: Any, config: Any) -> Any:
    made = {**_functions(), "rules.md": _linked("CONTRIBUTING.md"), "changelog.md": _linked("CHANGELOG.md")}
    for name, text in made.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_content(html: str, **_: Any) -> str:
    """Names in docstrings carry the role that other tools read: ``:func:`cohortstats.flow```."""
    return re.sub(r":(?:class|func|meth|mod|data|attr):<code>~?(?:cohortstats\.(?:\w+\.)*)?", "<code>", html)


def on_post_page(output: str, **_: Any) -> str:
    """The theme would fetch a script for the search from another host; ours lies beside the page."""
    return output.replace("https://unpkg.com/iframe-worker/shim", "worker.js")


on_post_template = on_post_page
