"""Verbs on evidence that exists only in print: audit, rebuild, bounds, curve."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

from cohortstats.cli.terminal import Common, Verb

__all__ = ["VERBS", "declare"]


VERBS: Mapping[str, Verb] = {}


def declare(verb: Callable[..., argparse.ArgumentParser], common: Common) -> None:
    """The words that each verb takes."""
