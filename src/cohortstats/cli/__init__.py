"""The command line: thin verbs over the public functions.

stdout carries the result, stderr progress and messages. Heavy packages are imported inside the verbs, so that
``--help`` answers at once.
"""

from cohortstats.cli.run import VERBS, main

__all__ = ["VERBS", "main"]
