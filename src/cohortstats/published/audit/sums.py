"""Printed counts that must add up: levels of a block, outcomes of a block, parents and their children, arms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from cohortstats.printed import Printed, PrintedBlock, PrintedValue
from cohortstats.printed.cells import half_up_text
from cohortstats.printed.sections import Text
from cohortstats.published.audit.counts import Count, PrintedCounts, meaning_of, whole_number
from cohortstats.published.audit.finding import Finding, Verdict
from cohortstats.published.audit.string_sets import decimals, number_of, unit_of

__all__ = ["check_counts", "check_identity_sums", "check_order", "check_subgroups", "check_sums", "check_texts"]

DIFFERS: Verdict = "paper differs from itself"


def check_sums(printed: Printed, counts: PrintedCounts) -> Iterator[Finding]:
    """``sum``: levels against the denominator, parents against children, arms against all."""
    for block in printed.blocks:
        yield from _levels(block, counts)
        yield from _parents(printed, block, counts)
    for survival in printed.survivals:
        yield from _groups(survival.id, survival.where, survival.n, counts.among(survival.among), survival.group)
    for trial in printed.trials:
        n = whole_number(trial.n)
        total = Count(n=n, id=f"trial/{trial.id}/n", where=trial.where) if n is not None else None
        yield from _groups(f"trial/{trial.id}", trial.where, trial.arm_n, total, "arms")


def _levels(block: PrintedBlock, counts: PrintedCounts) -> Iterator[Finding]:
    if block.sums not in ("all", "part", "any") or not block.counts:
        return
    base = counts.denominator(block, itself=False) or counts.among(block.among, but=block.id)
    if block.sums == "any":
        for name, n in block.counts.items():
            if base is not None:
                address = f"{block.table}/{name}/yes/{'total' if block.outcome else 'n'}"
                yield _sum_finding(address, block.where, str(n), f"at most {base.n}", n <= base.n, "", name)
        return
    shown = " + ".join(map(str, block.counts.values()))
    total = sum(block.counts.values())
    printed = f"{shown} = {total}" if len(block.counts) > 1 else str(total)
    if base is None:
        what = f"no count of {block.among} is printed" if block.among else "no number of patients is printed"
        yield _open(block.id, block.where, printed, what, block.variable)
    elif block.sums == "part":
        note = "" if total <= base.n else f"the rows have {total - base.n} more than {base.n}"
        yield _sum_finding(block.id, block.where, printed, f"at most {base.n}", total <= base.n, note, block.variable)
    elif not counts.typed(block):
        left = len(block.declared.cells) - len(block.counts)
        yield _open(block.id, block.where, printed, f"{left} of its rows are not typed", block.variable)
    else:
        note = "" if total == base.n else f"the levels sum to {total}, {base.id} is {base.n}"
        yield _sum_finding(block.id, block.where, printed, str(base.n), total == base.n, note, block.variable)


def _sum_finding(
    id: str, where: str, printed: str, recomputed: str, holds: bool, note: str, quantity: str, check: str = "sum"
) -> Finding:
    return Finding(
        id=id,
        where=where,
        check=check,
        printed=printed,
        recomputed=recomputed,
        verdict="holds" if holds else DIFFERS,
        note=note,
        quantity=quantity,
    )


def _open(id: str, where: str, printed: str, missing: str, quantity: str, check: str = "sum") -> Finding:
    return Finding(
        id=id, where=where, check=check, printed=printed, verdict="not checkable", note=missing, quantity=quantity
    )


def _parents(printed: Printed, block: PrintedBlock, counts: PrintedCounts) -> Iterator[Finding]:
    """A printed row of a defined name against the rows that it is made of, such as CR + PR."""
    names = tuple(block.counts) if block.sums == "any" else (block.variable,)
    for name in names:
        if name not in printed.define:
            continue
        rows = {"yes": block.counts[name]} if block.sums == "any" else block.counts
        for level, n in rows.items():
            when = f"`{name}`" if level == "yes" else f"not `{name}`" if level == "no" else f"`{name}` == '{level}'"
            if printed.kinds[name].kind != "yes/no":
                continue
            for child in counts.counts(when, block.among, but=block.id):
                address = f"{block.table}/{name}/{level}/{'total' if block.outcome else 'n'}"
                sides = child.parts or str(child.n)
                note = "" if child.n == n else f"{child.id} gives {child.n}"
                yield _sum_finding(address, block.where, str(n), sides, child.n == n, note, f"{name} {level}")


def _groups(id: str, where: str, texts: Sequence[str], total: Count | None, quantity: str) -> Iterator[Finding]:
    """Numbers of the groups of a figure or the arms of a trial against all."""
    numbers = [whole_number(text) for text in texts]
    known = [number for number in numbers if number is not None]
    if not texts or not known:
        return
    shown = " + ".join(texts)
    if len(known) < len(texts):
        yield _open(id, where, shown, "not every group is typed", quantity)
    elif total is None:
        yield _open(id, where, shown, "the number of all is not printed", quantity)
    else:
        holds = sum(known) == total.n
        note = "" if holds else f"the groups sum to {sum(known)}, {total.id} is {total.n}"
        yield _sum_finding(id, where, f"{shown} = {sum(known)}", str(total.n), holds, note, quantity)


def check_texts(printed: Printed, counts: PrintedCounts) -> Iterator[Finding]:
    """``denominator``: heads of tables and numbers in running text against all patients and against blocks."""
    everyone = counts.n
    if everyone is not None and printed.given is not None and printed.cohort is not None:
        rows = printed.given.rows
        note = "" if rows <= everyone else f"{printed.given.file} has {rows} patients"
        where = ", ".join(dict.fromkeys(place for place in (printed.cohort.where, printed.given.where) if place))
        yield _sum_finding(
            "cohort/n", where, str(everyone), f"at least {rows}", rows <= everyone, note, "patients", "denominator"
        )
    if everyone is not None:
        for table, where, head in dict.fromkeys((block.table, block.where, block.n) for block in printed.blocks):
            n = whole_number(head)
            if n is None:
                continue
            note = "" if n == everyone else f"of {n} of {everyone} patients"
            if n > everyone:
                note = f"more than all {everyone}"
            yield _sum_finding(
                f"{table}/n", where, head, str(everyone), n <= everyone, note, "all patients", check="denominator"
            )
    for text in printed.texts:
        if text.cohort == "other" or text.rule:
            continue
        n, of = whole_number(text.n), whole_number(text.of)
        if n is not None:
            yield from _text_count(counts, text, n)
        if of is not None:
            yield from _text_base(counts, f"text/{text.id}", text.where, of, text.among)


def _text_count(counts: PrintedCounts, text: Text, n: int) -> Iterator[Finding]:
    """A number of patients in running text against every other print of it."""
    address, when, among, where, about = f"text/{text.id}/n", text.when, text.among, text.where, text.about
    sources: list[Count] = []
    if when:
        sources = [count for count in counts.counts(when, among) if count.id != address]
    elif not among and counts.n is not None:
        everyone = counts.everyone()
        sources = [everyone] if everyone else []
    elif among:
        sources = [count for count in counts.counts(among) if count.id != address]
    for source in dict.fromkeys(sources):
        if n == source.n:
            yield _sum_finding(address, where, str(n), source.parts or str(source.n), True, "", text.id, "denominator")
            continue
        if about:
            note = f"printed with ~; {source.id} is {source.n}"
            yield _open(address, where, str(n), note, text.id, check="denominator")
            continue
        all_patients = source.id == "cohort/n"
        fact = f"all patients are {source.n}" if all_patients else f"{source.where or source.id} gives {source.n}"
        if source.parts:
            fact += f" ({source.parts})"
        yield Finding(
            id=address,
            where=where,
            check="denominator",
            printed=str(n),
            recomputed=str(source.n),
            verdict=DIFFERS,
            note=fact,
            quantity=text.id,
        )


def _text_base(counts: PrintedCounts, address: str, where: str, of: int, among: str) -> Iterator[Finding]:
    """A printed denominator of running text."""
    if among:
        for source in counts.counts(among):
            if source.id != address:
                holds = of == source.n
                note = "" if holds else f"{source.id} is {source.n}"
                yield _sum_finding(address, where, str(of), str(source.n), holds, note, "of", "denominator")
    elif counts.n is not None:
        note = "" if of <= counts.n else f"more than all {counts.n}"
        recomputed = str(counts.n) if of == counts.n else f"at most {counts.n}"
        yield _sum_finding(address, where, str(of), recomputed, of <= counts.n, note, "of", "denominator")


def check_subgroups(printed: Printed, counts: PrintedCounts) -> Iterator[Finding]:
    """``subgroup``: outcomes of a complete block sum to the outcome of all; none is above its group."""
    alls = {
        (value.outcome, ""): Count(n=n, id=value.id, where=value.where)
        for value in printed.values
        if value.source == "table" and value.variable == "all" and value.statistic == "n"
        if (n := whole_number(value.text)) is not None
    }
    for block in printed.blocks:
        if not block.outcome or not block.outcomes:
            continue
        shown = " + ".join(map(str, block.outcomes.values()))
        total = sum(block.outcomes.values())
        over = [level for level, n in block.outcomes.items() if n > block.counts.get(level, n)]
        everyone = alls.get((block.outcome, ""))
        complete = block.sums == "all" and len(block.outcomes) == len(block.declared.cells)
        wanted = _outcome_of_all(printed, block, counts, everyone) if complete else None
        most = everyone.n if everyone else None
        printed_text = f"{shown} = {total}" if len(block.outcomes) > 1 else str(total)
        if over:
            note = f"more with the outcome than patients: {', '.join(over)}"
            yield _sum_finding(block.id, block.where, printed_text, "", False, note, block.variable, "subgroup")
        elif wanted is not None:
            note = "" if wanted.n == total else f"the outcomes sum to {total}, {wanted.id} is {wanted.n}"
            yield _sum_finding(
                block.id, block.where, printed_text, str(wanted.n), wanted.n == total, note, block.variable, "subgroup"
            )
        elif most is not None and block.sums in ("all", "part"):
            note = "" if total <= most else f"more than all {most} with the outcome"
            yield _sum_finding(
                block.id, block.where, printed_text, f"at most {most}", total <= most, note, block.variable, "subgroup"
            )
        else:
            missing = "the outcome of all is not printed"
            yield _open(block.id, block.where, printed_text, missing, block.variable, check="subgroup")


def _outcome_of_all(
    printed: Printed, block: PrintedBlock, counts: PrintedCounts, everyone: Count | None
) -> Count | None:
    """The outcome among the patients of a block, printed elsewhere: the line of all, running text, another block."""
    if not block.among and everyone is not None:
        return everyone
    outcome = f"`{block.outcome}`"
    found = next((count for count in counts.counts(outcome, block.among, but=block.id)), None)
    if found is not None:
        return found
    for other in printed.blocks:
        same = other.outcome == block.outcome and meaning_of(other.among) == meaning_of(block.among)
        complete = other.sums == "all" and len(other.outcomes) == len(other.declared.cells)
        head = other.n == block.n or other.table == block.table
        if other.id != block.id and same and complete and head and other.outcomes:
            return Count(n=sum(other.outcomes.values()), id=other.id, where=other.where)
    return None


def check_order(printed: Printed) -> Iterator[Finding]:
    """``count-order``: no more events than patients."""
    for survival in printed.survivals:
        for row, n_text, event_text in zip(survival.cells, survival.n, survival.events, strict=False):
            n, events = whole_number(n_text), whole_number(event_text)
            if n is None or events is None:
                continue
            yield Finding(
                id=f"{survival.id}/{row[0]}/events",
                where=survival.where,
                check="count-order",
                printed=f"{events} of {n}",
                recomputed=f"at most {n}",
                verdict="holds" if events <= n else "cannot hold",
                note="" if events <= n else f"{events} events of {n} patients",
                quantity=f"{row[0]}, events",
            )


def check_identity_sums(printed: Printed) -> Iterator[Finding]:
    """``sum`` of an identity: printed numbers that must add up to another, within their rounding."""
    by_id: dict[str, PrintedValue] = {value.id: value for value in printed.values}
    for identity in printed.identities:
        if not identity.sum:
            continue
        texts = [by_id[address].text for address in identity.sum if address in by_id]
        equals = by_id[identity.equals].text if identity.equals in by_id else identity.equals
        numbers = [number_of(text) for text in texts]
        wanted = number_of(equals)
        address = f"identity/{identity.id}"
        shown = " + ".join(texts)
        if wanted is None or any(number is None for number in numbers) or len(texts) < len(identity.sum):
            yield _open(address, "", shown, "a part is no number", identity.id)
            continue
        total = sum((number for number in numbers if number is not None), Fraction(0))
        whole = all(
            "." not in text and by_id[one].statistic != "percent" for text, one in zip(texts, identity.sum, strict=True)
        )
        slack = Fraction(0) if whole else sum((unit_of(text) / 2 for text in texts), Fraction(0))
        if not whole and identity.equals in by_id:
            slack += unit_of(equals) / 2
        holds = abs(total - wanted) <= slack
        digits = max((decimals(text) for text in texts), default=0)
        yield Finding(
            id=address,
            where=", ".join(dict.fromkeys(by_id[one].where for one in identity.sum if by_id[one].where)),
            check="sum",
            printed=f"{shown} = {half_up_text(total, digits)}",
            recomputed=equals,
            verdict="holds" if holds else DIFFERS,
            note="" if holds else identity.why,
            tier="identity",
            quantity=identity.id,
        )


def check_counts(printed: Printed, counts: PrintedCounts) -> Iterator[Finding]:
    """Every check on printed counts."""
    yield from check_sums(printed, counts)
    yield from check_texts(printed, counts)
    yield from check_subgroups(printed, counts)
    yield from check_order(printed)
    yield from check_identity_sums(printed)
