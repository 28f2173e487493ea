"""Definitions that turn records into variables and endpoints; nothing here reads a file."""

from cohortstats.derivations.derive import derive_variables

__all__ = ["derive_variables"]
