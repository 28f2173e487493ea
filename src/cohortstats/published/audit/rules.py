"""Statements that exclude each other, and rules that are to hold for every patient."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from cohortstats.errors import InputError
from cohortstats.expressions import parse_expression, resolve
from cohortstats.expressions.tree import Comparison, Junction, Name, Node
from cohortstats.printed import Printed
from cohortstats.published.audit.counts import PrintedCounts
from cohortstats.published.audit.direct_conflicts import DirectConflict, cells_of_model, direct_conflicts, proved
from cohortstats.published.audit.finding import FAILS, Finding
from cohortstats.published.model.conflict_sets import ConflictSet, find_conflicts
from cohortstats.published.model.statements import unit_of, units_of

__all__ = ["check_rules"]

TIER_ORDER = ("published", "derived", "identity")
MANY_CELLS, MOST_CELLS = 5_000, 20_000
"""From how many 0/1 cells on conflicts of counts are told first, and beyond how many no solver is asked."""
SECONDS = 20.0


def check_rules(printed: Printed, counts: PrintedCounts, others: Sequence[Finding]) -> Iterator[Finding]:
    """``cross-table`` and ``rule``: all statements together, as rows over 0/1 cells.

    Parameters
    ----------
    printed, counts
        What is printed.
    others
        Findings of arithmetic alone; a conflict that they tell already is not told twice.
    """
    if printed.n is None:
        yield from _without_cohort(printed)
        return
    told = _told(printed, others)
    cells = cells_of_model(printed)
    direct = [one for one in direct_conflicts(printed, counts) if not told & set(one.core)]
    if cells > MANY_CELLS:
        for one in direct:
            if not told & set(one.core):
                yield _direct(one)
            told.update(one.core)
        direct = []
    left = _without(printed, told)
    conflicts, stopped = _solved(left, direct, cells)
    places = {unit.address: unit.where for unit in units_of(printed)}
    in_core: dict[str, ConflictSet] = {}
    for conflict in conflicts:
        for address in conflict.core:
            in_core.setdefault(address, conflict)
    listed: set[str] = set()
    for kind, rules in (("derived", printed.derived), ("text", printed.texts)):
        for rule in rules:
            if not rule.rule:
                continue
            address = f"{kind}/{rule.id}"
            inside = in_core.get(address)
            if inside is not None:
                listed.add(inside.id)
            tier = "derived" if kind == "derived" else "published"
            note = stopped or _deduction(printed, counts, rule.rule)
            yield _rule(address, rule.rule, getattr(rule, "where", ""), tier, inside, note, bool(stopped))
    for identity in printed.identities:
        address = f"identity/{identity.id}"
        if identity.rule and address not in in_core and address not in told:
            note = stopped or _deduction(printed, counts, identity.rule)
            verdict = "not checkable" if stopped else "holds"
            yield _cross(address, "", identity.rule, "all patients", verdict, note, "identity", identity.id)
    for conflict in conflicts:
        alone = not conflict.core or set(conflict.core) <= told or conflict.arithmetic
        if alone or conflict.id in told or (conflict.id in listed and not _names_identity(conflict)):
            continue
        yield _conflict(printed, conflict, places)
    if stopped:
        yield _cross("cohort/n", "", str(printed.n), "", "not checkable", stopped, "published", "all statements")
    elif not conflicts:
        tiers = [unit.tier for unit in units_of(left) if unit.tier in TIER_ORDER]
        tier = max(tiers, key=TIER_ORDER.index, default="published")
        note = f"{len(tiers)} statements hold together for {printed.n} patients" if tiers else ""
        yield _cross("cohort/n", "", str(printed.n), str(printed.n), "holds", note, tier, "all statements")


def _names_identity(conflict: ConflictSet) -> bool:
    return any(address.startswith("identity/") for address in conflict.core)


def _told(printed: Printed, findings: Iterable[Finding]) -> set[str]:
    """Units, and values, that a finding of arithmetic calls wrong."""
    told = set()
    for finding in findings:
        if finding.verdict in FAILS and finding.check in ("sum", "denominator", "subgroup"):
            told.add(finding.id)
            try:
                told.add(unit_of(finding.id, printed))
            except ValueError:
                continue
    return told


def _direct(conflict: DirectConflict) -> Finding:
    """Of many patients, told by the counts alone."""
    core = conflict.core
    some = "1 patient is" if conflict.moved == 1 else f"{conflict.moved} patients are"
    names = f"{', '.join(core[:-1])} and {core[-1]}"
    note = f"{names} exclude each other: {conflict.fact}; at least {some} counted differently"
    return _cross(
        conflict.id,
        conflict.where,
        conflict.printed,
        "equal counts",
        "paper differs from itself",
        note,
        conflict.tier,
        conflict.quantity,
    )


def _solved(printed: Printed, direct: Sequence[DirectConflict], cells: int) -> tuple[tuple[ConflictSet, ...], str]:
    """Conflicts among what is left, or why they were not looked for to the end."""
    if cells > MOST_CELLS:
        return (), f"about {cells} 0/1 cells are too many to prove that all statements hold at once"
    try:
        found = proved(printed, direct, tiers=TIER_ORDER, time_limit=SECONDS) if direct else None
        return found or find_conflicts(printed, tiers=TIER_ORDER, time_limit=SECONDS), ""
    except InputError as error:
        return (), str(error).removesuffix(" Raise --time-limit.")


def _without(printed: Printed, told: set[str]) -> Printed:
    """What is left when blocks and numbers in text that arithmetic calls wrong are given up.

    They would exclude other statements again, and again by way of the solver.
    """
    return replace(
        printed,
        blocks=tuple(block for block in printed.blocks if block.id not in told),
        texts=tuple(text for text in printed.texts if f"text/{text.id}" not in told or text.cohort == "other"),
        identities=tuple(one for one in printed.identities if f"identity/{one.id}" not in told),
    )


def _without_cohort(printed: Printed) -> Iterator[Finding]:
    for kind, rules in (("derived", printed.derived), ("text", printed.texts), ("identity", printed.identities)):
        for rule in rules:
            if rule.rule:
                yield Finding(
                    id=f"{kind}/{rule.id}",
                    where=getattr(rule, "where", ""),
                    check="cross-table" if kind == "identity" else "rule",
                    printed=rule.rule,
                    verdict="not checkable",
                    note="[cohort] n is not typed",
                    tier="published" if kind == "text" else kind,
                    quantity=rule.id,
                )


def _rule(
    address: str, rule: str, where: str, tier: str, conflict: ConflictSet | None, note: str, stopped: bool
) -> Finding:
    return Finding(
        id=address,
        where=where,
        check="rule",
        printed=rule,
        verdict="paper differs from itself" if conflict is not None else "not checkable" if stopped else "holds",
        note=_sentence(conflict) if conflict is not None else note,
        tier=max(tier, conflict.tier, key=TIER_ORDER.index) if conflict is not None else tier,
        quantity=address.partition("/")[2],
    )


def _cross(
    id: str, where: str, printed: str, recomputed: str, verdict: str, note: str, tier: str, quantity: str
) -> Finding:
    return Finding(
        id=id,
        where=where,
        check="cross-table",
        printed=printed,
        recomputed=recomputed,
        verdict=verdict,  # type: ignore[arg-type]  # one of the verdicts, written here
        note=note,
        tier=tier,
        quantity=quantity,
    )


def _conflict(printed: Printed, conflict: ConflictSet, places: Mapping[str, str]) -> Finding:
    core = _sorted(conflict.core)
    where = ", ".join(dict.fromkeys(place for address in core if (place := places.get(address, ""))))
    sides = [_side(printed, address) for address in core if not address.startswith(("identity/", "derived/"))]
    identity = next((address for address in core if address.startswith("identity/")), "")
    recomputed = "equal counts" if identity else "all at once"
    return _cross(
        conflict.id,
        where,
        ", ".join(side for side in sides if side),
        recomputed,
        "paper differs from itself",
        _sentence(conflict),
        conflict.tier,
        conflict.id.partition("/")[2].removesuffix("/n"),
    )


def _sorted(core: Iterable[str]) -> list[str]:
    """Printed statements first, then what is derived from them, then identities; inside by address."""

    def rank(address: str) -> tuple[int, str]:
        kind = address.partition("/")[0]
        return (TIER_ORDER.index(kind) if kind in TIER_ORDER else 0, address)

    return sorted(core, key=rank)


def _side(printed: Printed, address: str) -> str:
    """What a unit prints, in short: the count of its first level."""
    for block in printed.blocks:
        if block.id == address and block.counts:
            kind = printed.kinds.get(block.variable)
            levels = [level for level in (kind.level_names if kind else ()) if level in block.counts] or [*block.counts]
            return str(block.counts[levels[0]])
    for text in printed.texts:
        if f"text/{text.id}" == address:
            return text.n or text.percent
    for value in printed.values:
        if value.id == f"{address}/n":
            return value.text
    return ""


def _sentence(conflict: ConflictSet) -> str:
    """What excludes what, what can be given up, and how many patients are counted differently."""
    core = _sorted(conflict.core)
    names = core[0] if len(core) == 1 else f"{', '.join(core[:-1])} and {core[-1]}"
    parts = [f"{names} exclude each other" if len(core) > 1 else f"{names} excludes the rest"]
    singles = [correction[0] for correction in conflict.corrections if len(correction) == 1]
    larger = [correction for correction in conflict.corrections if len(correction) > 1]
    if len(core) > 1 and set(singles) == set(core) and not larger:
        parts.append("any one of them mends it")
    elif conflict.corrections and len(core) > 1:
        ways = [
            " with ".join(_sorted(correction)) for correction in sorted(conflict.corrections, key=lambda c: (len(c), c))
        ]
        parts.append(f"mended by giving up {' or '.join(ways)}")
    if conflict.patients is not None:
        some = "1 patient is" if conflict.patients == 1 else f"{conflict.patients} patients are"
        parts.append(f"at least {some} counted differently")
    if not conflict.proven:
        parts.append("not proven within the time limit")
    return "; ".join(parts)


def _deduction(printed: Printed, counts: PrintedCounts, rule: str) -> str:
    """What ``x == (a or b)`` forces: as many with b and without a as x is above a."""
    tree = parse_expression(rule).tree
    if not isinstance(tree, Comparison) or tree.sign != "==":
        return ""
    for whole, parts in ((tree.left, tree.right), (tree.right, tree.left)):
        if not (isinstance(whole, Name) and isinstance(parts, Junction) and parts.word == "or"):
            continue
        if len(parts.parts) != 2 or not all(isinstance(part, Name) for part in parts.parts):
            continue
        total = _count_of(counts, whole)
        for part, other in (parts.parts, parts.parts[::-1]):
            some = _count_of(counts, part)
            if total is None or some is None or _count_of(counts, other) is not None or total < some:
                continue
            names = [str(resolve(one.name, printed.kinds)) for one in (other, part) if isinstance(one, Name)]
            left = total - some
            patients = "1 patient has" if left == 1 else f"{left} patients have"
            return f"exactly {patients} {names[0]} without {names[1]} ({total} less {some})"
    return ""


def _count_of(counts: PrintedCounts, node: Node) -> int | None:
    assert isinstance(node, Name)  # the caller has looked
    return next((count.n for count in counts.counts(f"`{node.name}`")), None)
