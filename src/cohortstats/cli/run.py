"""The parser of the command line, and one exit code for every way to end."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from cohortstats.cli import completion_verb, evidence_verbs, screen_verb, study_verbs
from cohortstats.cli.terminal import (
    BAD_DATA,
    DISAGREES,
    INTERRUPTED,
    MISSING_FILE,
    MISUSE,
    OK,
    Common,
    Terminal,
    Verb,
)
from cohortstats.errors import CohortStatsError, DataError, InputError, did_you_mean

__all__ = ["VERBS", "main", "parser"]

HOMES = (study_verbs, evidence_verbs, screen_verb, completion_verb)
VERBS: Mapping[str, Verb] = {name: verb for home in HOMES for name, verb in home.VERBS.items()}


class _Parser(argparse.ArgumentParser):
    """One sentence for a wrong word on the command line, with the nearest right one."""

    def error(self, message: str) -> Any:
        if message.startswith("argument VERB: invalid choice"):
            word = message.split("'")[1]
            near = did_you_mean(word, VERBS)
            message = f"{word!r} is not a verb." + (
                f" Did you mean {near!r}?" if near else f" Verbs: {', '.join(VERBS)}."
            )
        end = "" if message.endswith((".", "?")) else "."
        self.exit(MISUSE, f"{self.prog}: {message}{end} See {self.prog} --help.\n")


def parser() -> argparse.ArgumentParser:
    """Every verb with its words."""
    from cohortstats.version import __version__

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--quiet", action="store_true", help="no messages on stderr")
    common.add_argument("--no-color", action="store_true", help="no colour, also without a terminal and under NO_COLOR")
    common.add_argument("--debug", action="store_true", help="show the traceback of an unexpected failure")
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="the result as JSON on stdout")
    looks = argparse.ArgumentParser(add_help=False)
    looks.add_argument("--style", metavar="S", help="how numbers are written: default, paper, jama, nejm, lancet")
    looks.add_argument("--lang", metavar="L", help="language: en, ja")

    parser = _Parser(
        prog="cohortstats",
        description="Retrospective cohort studies: tables, Kaplan-Meier curves, methods text, a ledger against print.",
        epilog="STUDY is a folder with a study.toml, or the file; without it, the current folder. "
        "Exit: 0 done, 1 disagreement under --strict, 2 misuse, 3 errors in data or study file, 4 file missing, "
        "5 written only in part.",
    )
    parser.add_argument("--version", action="version", version=f"cohortstats {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)

    def verb(name: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=VERBS[name][1], description=VERBS[name][1], parents=[common, *parents])  # type: ignore[list-item]  # the stubs ask for the subclass

    common_words = Common(json=as_json, looks=looks)
    for verbs_of in HOMES:
        verbs_of.declare(verb, common_words)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb and return its exit code.

    Parameters
    ----------
    arguments
        Words of the command line; those of the process when None.
    """
    chosen = parser().parse_args(arguments)
    terminal = Terminal(chosen)
    try:
        code = VERBS[chosen.verb][0](chosen, terminal)
        sys.stdout.flush()  # a full disk behind stdout is told here, not after the end
        return code
    except DataError as error:
        if terminal.json:
            terminal.value({"ok": False, "problems": [problem.as_dict() for problem in error.problems]})
        terminal.problems(error.problems, lambda line: print(line, file=sys.stderr))
        return MISSING_FILE if error.missing_file else BAD_DATA
    except InputError as error:
        for sentence in error.problems:
            print(f"error   {sentence}", file=sys.stderr)
        return MISUSE
    except CohortStatsError as error:
        print(f"error   {error}", file=sys.stderr)
        return DISAGREES
    except KeyboardInterrupt:
        print("interrupted; nothing was left half-written", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has left: nothing more to say, and Python may not complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        if chosen.debug:
            raise
        print(f"error   {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        if not error.filename:  # perhaps stdout: Python may not complain of it a second time
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DISAGREES
    except Exception as error:
        if chosen.debug:
            raise
        print(f"error   unexpected failure ({type(error).__name__}: {error}); --debug shows where", file=sys.stderr)
        return DISAGREES
