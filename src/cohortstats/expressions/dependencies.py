"""Which name needs which: an order of evaluation, and the circles that have none."""

from __future__ import annotations

from collections.abc import Collection, Mapping

__all__ = ["evaluation_order"]


def evaluation_order(needs: Mapping[str, Collection[str]]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Names in an order in which each comes after what it needs, and the circles among the rest.

    Parameters
    ----------
    needs
        Name -> names that it uses. Names that are no key of ``needs`` are there from the start.

    Returns
    -------
    The order, and each circle as the names along it; names behind a circle are in neither.

    Examples
    --------
    >>> evaluation_order({"c": ["b", "age"], "b": ["a"], "a": []})
    (('a', 'b', 'c'), ())
    >>> evaluation_order({"a": ["b"], "b": ["a"], "c": ["b"]})
    ((), (('a', 'b'),))
    """
    waiting = {name: {used for used in uses if used in needs} for name, uses in needs.items()}
    users: dict[str, list[str]] = {name: [] for name in needs}
    for name, uses in waiting.items():
        for used in uses:
            users[used].append(name)
    ready = [name for name, uses in waiting.items() if not uses]
    order: list[str] = []
    while ready:
        name = ready.pop(0)
        order.append(name)
        for user in users[name]:
            waiting[user].discard(name)
            if not waiting[user]:
                ready.append(user)
    return tuple(order), _circles({name: uses for name, uses in waiting.items() if uses})


def _circles(waiting: Mapping[str, Collection[str]]) -> tuple[tuple[str, ...], ...]:
    """Follow from each name one thing it waits for, until a name comes back."""
    circles = []
    seen: set[str] = set()
    for start in waiting:
        path: list[str] = []
        name = start
        while name not in seen:
            seen.add(name)
            path.append(name)
            name = next(used for used in sorted(waiting[name]) if used in waiting)
        if name in path:
            circles.append(tuple(path[path.index(name) :]))
    return tuple(circles)
