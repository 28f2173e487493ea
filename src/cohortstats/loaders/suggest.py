"""Endpoints and exhibits that a table may be for, as commented lines of a study file."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cohortstats.loaders.guess import EVENT_NAME, RESPONSES, Guess

__all__ = ["Proposed", "suggest"]

# Words that tell what a column is for.
_START = re.compile(
    r"start|index|onstudy|random|randdt|rfst|trtsdt|stdtc?$|surgery|first.?dose|開始|登録|手術", re.IGNORECASE
)
_NO_EVENT = re.compile(r"last|lstalv|follow|seen|diagnos|birth|最終|追跡|診断|生年", re.IGNORECASE)
_LAST = re.compile(r"last|lstalv|follow|seen|censor|visit|最終|追跡", re.IGNORECASE)
_READER = re.compile(r"reader|assessor|evaluator|eval$|判定者|読影", re.IGNORECASE)
_WORDS = frozenset({"CR", "PR", "SD", "PD"})
_DEAD = frozenset({"dead", "deceased", "died", "死亡"})
_ENDPOINT = re.compile(r"pfs|os|dfs|rfs|efs|dss|ttp|ttf|dor", re.IGNORECASE)
_BARE = re.compile(r"[A-Za-z0-9_]+")
_PROGRESSION = re.compile(r"progress|relapse|recur|pfs|増悪|再発", re.IGNORECASE)
_DEATH = re.compile(r"death|dead|died|dth|deceased|死亡", re.IGNORECASE)
_TIME = re.compile(r"time|days|weeks|months|years?$|ttp|pfs|\bos$|^aval$|期間|日数|月数", re.IGNORECASE)
_GROUP = re.compile(r"\b(?:act)?arm(?:cd)?\b|trt|treat|group|^rx$|cohort|horth|hormon|群|アーム", re.IGNORECASE)
_UNITS = {"weeks": "weeks", "month": "months", "year": "years", "週": "weeks", "月数": "months"}
_TAIL = re.compile(r"[_. ]?(?:status|stat|event|time|days|weeks|months|years|cens)$", re.IGNORECASE)
_NO_GROUP = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A column: what the file and the study call it, and what it may be.

    ``many``: a patient has many rows of it. ``splits``: no patient has two rows with the same value of it.
    """

    column: str
    name: str
    guess: Guess
    many: bool = False
    splits: bool = False

    def is_called(self, words: re.Pattern[str]) -> bool:
        """Whether its name in the file holds one of the words."""
        return bool(words.search(self.column))


def suggest(columns: Sequence[Proposed]) -> str:
    """Text of the study file behind its columns: everything that is for the study to say is commented out."""
    responses = [each for each in columns if each.guess.order == RESPONSES]
    endpoints, first, used = _endpoints(columns)
    lines = ["# Endpoints. Take away the # of what the study needs, and correct it."]
    if responses and not responses[0].many:
        lines += [
            "# [endpoints.resistance]",
            '# kind    = "binary"',
            f"# when    = \"{responses[0].name} == 'PD'\"",
            '# unknown = "not an event"              # or "event", "exclude": there is no default',
        ]
    lines += [f"# {line}" for line in (*_best_response(columns), *endpoints)]
    return "\n".join([*lines, "", *_exhibits(columns, first, used), ""])


def _best_response(columns: Sequence[Proposed]) -> list[str]:
    """Visits with a response: the rule that makes one of them."""
    answers = [each for each in columns if each.many and set(each.guess.order) >= _WORDS]
    dates = [each for each in columns if not each.many and each.guess.type == "date"]
    if not answers:
        return []
    start = next((each.name for each in dates if each.is_called(_START)), dates[0].name if dates else "DATE_OF_START")
    lines = [
        "[derive.best_response]              # one of many visits, by RECIST 1.1",
        'rule     = "best response"',
        'table    = "records"',
        f"response = {_quote(answers[-1].name)}",
        f"start    = {_quote(start)}",
        "min_sd   = 42                        # days from which stable disease counts: those of the protocol",
    ]
    readers = next((each for each in columns if each.many and each.is_called(_READER)), None)
    if readers is not None and readers.guess.yes and readers.guess.no:
        lines += [f"readers  = {_quote(readers.name)}", 'reader   = "yes"                     # whose responses count']
    elif readers is not None and readers.guess.order:
        lines += [f"readers  = {_quote(readers.name)}", f"reader   = {_quote(readers.guess.order[0])}"]
    return lines


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(_quote, texts))}]"


# ---------------------------------------------------------------------------------------------------------------------
# Endpoints
# ---------------------------------------------------------------------------------------------------------------------


def _endpoints(columns: Sequence[Proposed]) -> tuple[list[str], str, set[str]]:
    """Lines, the first endpoint, and the names of the columns that endpoints are made from."""
    for form in (_analysis_data, _time_and_status, _dates):
        found = form(columns)
        if found is not None:
            lines, first, used = found
            taken = {each.name for each in columns}
            lines = [_renamed(line, taken) for line in lines]
            return lines, f"time_to_{first}" if first in taken else first, used
    if any(each.many for each in columns):
        example = next((each.name for each in columns if each.many and each.guess.type == "number"), "x")
        lines = [
            "A patient has many records; one value of them is made by first, last, min_of, max_of, any_of, count_of:",
            "[derive]",
            f'first_{example} = {{ value = "first({example})" }}',
        ]
        return [*lines, *_status_form("ttp", "TIME", "EVENT", "days")], "ttp", set()
    return _status_form("ttp", "TIME", "EVENT", "days"), "ttp", set()


def _renamed(line: str, taken: set[str]) -> str:
    """An endpoint may not hide a column."""
    name = line.removeprefix("[endpoints.").removesuffix("]")
    return f"[endpoints.time_to_{name}]" if line.startswith("[endpoints.") and name in taken else line


def _form(name: str, lines: Sequence[str], unit: str = "days") -> list[str]:
    head, tail = [f"[endpoints.{name}]", 'kind    = "time to event"'], [f'unit    = "{unit}"', 'unknown = "exclude"']
    return [*head, *lines, *tail]


def _status_form(name: str, time: str, event: str, unit: str) -> list[str]:
    return _form(name, [f"time    = {_quote(time)}", f"event   = {_quote(event)}   # a yes/no column"], unit)


def _analysis_data(columns: Sequence[Proposed]) -> tuple[list[str], str, set[str]] | None:
    """A time and an event in each row, and a column that says of which endpoint: AVAL, CNSR and PARAMCD of ADaM."""
    named = {each.column.upper(): each for each in columns}
    event = named.get("CNSR") or next((each for each in columns if each.many and each.guess.event), None)
    time = named.get("AVAL") or next((each for each in columns if each.many and _is_time(each)), None)
    if event is None or time is None or event.many != time.many:
        return None
    if not event.many:
        both = {time.name, event.name}
        return (_status_form("ttp", time.name, event.name, "days"), "ttp", both) if "AVAL" in named else None
    splits = [each for each in columns if each.splits and 1 < each.guess.n_values <= _NO_GROUP]
    parameter = named.get("PARAMCD") or next((each for each in splits if each not in (event, time)), None)
    if parameter is None or not parameter.splits:
        return None
    lines: list[str] = ["[derive]"]
    endpoints: list[str] = []
    names = []
    for code in [*parameter.guess.order, *parameter.guess.yes, *parameter.guess.no]:
        name = re.sub(r"\W", "_", code.lower()) if code[:1].isalpha() else f"{parameter.name}_{code}"
        names.append(name)
        which = f"{parameter.name} == {_level(parameter, code)}"
        lines.append(f'{name}_time  = {{ value = "first({time.name}, {which})" }}')
        lines.append(f'{name}_event = {{ when = "any_of({event.name}, {which})" }}')
        endpoints += _status_form(name, f"{name}_time", f"{name}_event", _unit(time.column))
    return ([*lines, *endpoints], names[0], set()) if names else None


def _level(parameter: Proposed, code: str) -> str:
    if parameter.guess.type == "yes/no":
        return "yes" if code in parameter.guess.yes else "no"
    return f"'{code}'"


def _is_time(each: Proposed) -> bool:
    return each.guess.type == "number" and each.is_called(_TIME)


def _time_and_status(columns: Sequence[Proposed]) -> tuple[list[str], str, set[str]] | None:
    """Numbers called like times beside columns of events: by the front of their names, or the first."""
    times = [each for each in columns if not each.many and _is_time(each)]
    events = [each for each in columns if not each.many and each.guess.event]
    pairs = [(time, event) for time in times for event in events if _belong(time.column, event.column)]
    if not pairs and times and events:
        called = [time for time in times if _ENDPOINT.fullmatch(_TAIL.sub("", time.column))]
        pairs = [(time, _event_of(time, events)) for time in called or times[:1]]
    lines: list[str] = []
    first = ""
    for time, event in pairs:
        name = _endpoint_name(time, event)
        if f"[endpoints.{name}]" in lines:
            name = f"{name}_{time.name}"
        first = first or name
        lines += _status_form(name, time.name, event.name, _unit(time.column))
    return (lines, first, {each.name for pair in pairs for each in pair}) if lines else None


def _event_of(time: Proposed, events: Sequence[Proposed]) -> Proposed:
    """For overall survival the column of deaths alone, for others the first."""
    deaths = [each for each in events if each.is_called(_DEATH) and not each.is_called(_PROGRESSION)]
    return deaths[0] if deaths and _TAIL.sub("", time.column).lower() == "os" else events[0]


def _endpoint_name(time: Proposed, event: Proposed) -> str:
    front = re.sub(r"[^a-z0-9]", "_", _TAIL.sub("", time.column).lower())
    if len(front) > 1 and (_belong(time.column, event.column) or _ENDPOINT.fullmatch(front)):
        return front
    return f"time_to_{event.name}" if len(front) == 1 and _BARE.fullmatch(event.name) else "ttp"


def _belong(time: str, event: str) -> bool:
    front, other = _TAIL.sub("", time).lower(), _TAIL.sub("", event).lower()
    return front == other or (len(front) == 1 and other.startswith(front))


def _unit(column: str) -> str:
    return next((unit for word, unit in _UNITS.items() if word in column.lower()), "days")


def _dates(columns: Sequence[Proposed]) -> tuple[list[str], str, set[str]] | None:
    dates = [each for each in columns if each.guess.type == "date" and not each.many]
    if len(dates) < 2:
        return None
    happened = [each for each in dates if each.is_called(EVENT_NAME) and not each.is_called(_NO_EVENT)]
    calm = [each for each in dates if each not in happened] or dates
    start = next((each for each in calm if each.is_called(_START)), calm[0])
    rest = [each for each in calm if each is not start]
    last = next((each for each in rest if each.is_called(_LAST)), rest[-1] if rest else None)
    deaths = [each for each in happened if each.is_called(_DEATH)]
    others = [each for each in happened if each not in deaths]
    status = next((each for each in columns if each.guess.event and not each.many), None)
    begin = f"start   = {_quote(start.name)}"
    censor = [f"censor  = {_quote(last.name)}"] if last else []
    if deaths and others:
        reasons = [(others[0], "progression"), (deaths[0], "death")]
        entries = ", ".join(f'{{ date = {_quote(each.name)}, reason = "{word}" }}' for each, word in reasons)
        reason = '"last observation"'
        end = [f"censors = [{{ date = {_quote(last.name)}, reason = {reason} }}]"] if last else []
        lines = _form("pfs", [begin, f"events  = [{entries}]", *end])
        return [*lines, *_form("os", [begin, f"event   = {_quote(deaths[0].name)}", *censor])], "pfs", set()
    if not happened and status is not None and last is not None:
        name = "os" if {text.casefold() for text in status.guess.yes} & _DEAD else "ttp"
        seen = _quote(last.name)
        events = f'events  = [{{ date = {seen}, status = {_quote(status.name)}, reason = "event" }}]'
        end = [f'censors = [{{ date = {seen}, reason = "last observation" }}]']
        return _form(name, [begin, f"{events}   # the date counts where status is yes", *end]), name, {status.name}
    name = "os" if deaths else "ttp"
    event = _quote(happened[0].name if happened else "DATE_OF_EVENT")
    end = censor or ['censor  = "DATE_OF_LAST_OBSERVATION"']
    return _form(name, [begin, f"event   = {event}   # a date: it happened; empty: censored", *end]), name, set()


# ---------------------------------------------------------------------------------------------------------------------
# Exhibits
# ---------------------------------------------------------------------------------------------------------------------


def _exhibits(columns: Sequence[Proposed], endpoint: str, used: set[str]) -> list[str]:
    own = [each for each in columns if not each.many and each.guess.n_values > 1]
    # Times and events are outcomes; identifiers are text; neither is a characteristic.
    rows = [
        each.name
        for each in own
        if each.guess.type not in ("date", "text") and not each.guess.event and each.name not in used
    ]
    responses = [each.name for each in own if each.guess.order == RESPONSES]
    groups = [
        each
        for each in own
        if each.name in rows
        and (each.guess.type == "yes/no" or (each.guess.type in ("ordered", "category") and each.is_called(_GROUP)))
        and each.guess.n_values <= _NO_GROUP
        and each.name not in responses
    ]
    groups.sort(key=lambda each: not each.is_called(_GROUP))
    lines = []
    if rows:
        lines += [
            "[[characteristics]]",
            'id    = "table1"',
            'title = "Patient characteristics"',
            f"rows  = {_list(rows)}",
            "",
        ]
    if responses:
        lines += [
            "[[response]]",
            'id       = "table2"',
            'title    = "Best response"',
            f"variable = {_quote(responses[0])}",
            "",
        ]
        compared = [each.name for each in groups if each.guess.type == "yes/no"][:5]
        if compared:
            lines += [
                "# [[association]]",
                '# id      = "table3"',
                '# title   = "Characteristics and resistance"',
                '# outcome = "resistance"',
                f"# rows    = {_list(compared)}",
            ]
    lines += ["# [[time_to_event]]", '# id       = "figure1"', f"# endpoint = {_quote(endpoint)}"]
    if groups:
        lines.append(f"# groups   = {_quote(groups[0].name)}")
    return lines
