"""The verb `completion`: a script that lets a shell complete verbs, options and their choices.

The script is made from the parser, once; completing needs no Python.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping

from cohortstats.cli.terminal import OK, Common, Terminal, Verb

__all__ = ["VERBS", "declare"]

Words = Mapping[str, tuple[str, list[tuple[str, list[str]]]]]
"""Verb -> its line in the help, and its options, each with its choices."""


def completion(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the script of a shell."""
    from cohortstats.cli.run import parser

    terminal.result("\n".join(SHELLS[arguments.shell](_words(parser()))))
    return OK


def _words(parser: argparse.ArgumentParser) -> Words:
    [verbs] = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    helps = {choice.dest: choice.help or "" for choice in verbs._choices_actions}
    found = {}
    for name, verb in verbs.choices.items():
        options = [
            (option, [str(choice) for choice in action.choices or ()])
            for action in verb._actions
            for option in action.option_strings
            if option.startswith("--")
        ]
        positional = [str(c) for a in verb._actions if not a.option_strings for c in a.choices or ()]
        found[name] = (helps[name], [*options, ("", positional)])
    return found


def _bash(words: Words) -> Iterator[str]:
    """Where no word fits, bash completes file names: of studies, tables, printed values."""
    yield "_cohortstats() {"
    yield '  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" verb="${COMP_WORDS[1]}"'
    yield '  if [ "$COMP_CWORD" -eq 1 ]; then'
    yield f'    COMPREPLY=($(compgen -W "{" ".join(words)} --help --version" -- "$word")); return'
    yield "  fi"
    yield '  case "$verb $before" in'
    for verb, (_, options) in words.items():
        for option, choices in options:
            if choices:
                place = f"{verb} {option or verb}"
                yield f'    "{place}") COMPREPLY=($(compgen -W "{" ".join(choices)}" -- "$word")); return;;'
    yield "  esac"
    yield '  case "$word" in -*) case "$verb" in'
    for verb, (_, options) in words.items():
        names = " ".join(option for option, _ in options if option)
        yield f'    {verb}) COMPREPLY=($(compgen -W "{names}" -- "$word"));;'
    yield "  esac;; esac"
    yield "}"
    yield "complete -o default -F _cohortstats cohortstats"


def _zsh(words: Words) -> Iterator[str]:
    yield "#compdef cohortstats"
    yield "_cohortstats() {"
    yield "  local -a verbs; verbs=("
    for verb, (line, _) in words.items():
        yield f"    '{verb}:{_quoted(line)}'"
    yield "  )"
    yield "  if (( CURRENT == 2 )); then _describe verb verbs; return; fi"
    yield "  case $words[2] in"
    for verb, (_, options) in words.items():
        named = [f"'{option}{_zsh_choice(choices)}'" for option, choices in options if option]
        first = next((choices for option, choices in options if not option and choices), [])
        rest = f"'*:choice:({' '.join(first)})'" if first else "'*:file:_files'"
        yield f"    {verb}) _arguments {' '.join(named)} {rest};;"
    yield "  esac"
    yield "}"
    yield "compdef _cohortstats cohortstats"


def _zsh_choice(choices: list[str]) -> str:
    return f"=:choice:({' '.join(choices)})" if choices else ""


def _fish(words: Words) -> Iterator[str]:
    for verb, (line, options) in words.items():
        yield f"complete -c cohortstats -n __fish_use_subcommand -a {verb} -d '{_quoted(line)}'"
        for option, choices in options:
            long = f" -l {option.removeprefix('--')}" if option else ""
            of = f" -{'x' if option else 'f'} -a '{' '.join(choices)}'" if choices else ""
            if long or of:
                yield f"complete -c cohortstats -n '__fish_seen_subcommand_from {verb}'{long}{of}"


def _quoted(line: str) -> str:
    return line.replace("'", "").replace(":", ",")


SHELLS: Mapping[str, Callable[[Words], Iterator[str]]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}

VERBS: Mapping[str, Verb] = {"completion": (completion, "a script that completes verbs and options in a shell")}


def declare(verb: Callable[..., argparse.ArgumentParser], common: Common) -> None:
    """The words that the verb takes."""
    del common
    made = verb("completion")
    made.add_argument(
        "shell", choices=list(SHELLS), help='bash: eval "$(cohortstats completion bash)"; zsh and fish alike'
    )
