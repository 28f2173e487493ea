"""A folder of results is replaced as a whole: whoever looks, and whatever stops the run, it is the old or the new one.

Everything is written beside the folder first and then changes places with it in one step of the file system. A run that
was killed leaves at most a hidden folder beside, which the next run clears away. Two runs into one folder wait for each
other.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from cohortstats.errors import CohortStatsError, InputError

__all__ = ["MANIFEST", "PDF", "refuse_foreign_folder", "replace_folder"]

MANIFEST = "manifest.json"
PDF = "report.pdf"  # in no manifest: its bytes depend on WeasyPrint and on the fonts of the machine

# A file system that cannot let two folders change places says one of these.
CANNOT_EXCHANGE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EXDEV)


def refuse_foreign_folder(target: Path) -> None:
    """Refuse to replace what is no report: a file, or a folder that holds files but no manifest of ours.

    Raises
    ------
    InputError
        With what to do instead.
    """
    if target.exists() and not target.is_dir():
        raise InputError(f"{target} is a file; name a folder for the report.")
    if target.is_dir() and any(target.iterdir()) and _outputs(target) is None:
        raise InputError(f"{target} holds other files and no report; name another folder, or empty it.")


def replace_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder, in place of an earlier report there; files that no report wrote stay.

    Parameters
    ----------
    target
        The folder.
    files
        Name inside the folder -> content.

    Raises
    ------
    InputError
        When a file that no report wrote would be replaced.
    CohortStatsError
        When the folder cannot be written; what was there is whole then.
    """
    try:
        _replace(Path(os.path.realpath(target)), target, files)
    except OSError as error:
        earlier = "The earlier report there is as it was." if target.exists() else "Nothing was written."
        raise CohortStatsError(f"{target} could not be written: {error.strerror or error}. {earlier}") from error


def _replace(place: Path, named: Path, files: Mapping[str, bytes]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with _alone(place.parent) as alone:
        new, old = (place.with_name(f".{place.name}.{os.getpid()}.{kind}") for kind in ("new", "old"))
        _clear_away(place, everything=alone)
        try:
            _write(new, files)
            if place.exists():
                _refuse_to_overwrite(place, files, named)
                _keep_other_files(place, new)
                shutil.copymode(place, new)
                if _exchange(place, new):
                    # Now `new` is the earlier report; what came into it meanwhile comes along.
                    _keep_other_files(new, place)
                else:
                    place.rename(old)
                    new.rename(place)
            else:
                new.rename(place)
        finally:
            _clear_away(place, everything=False)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _outputs(folder: Path) -> frozenset[str] | None:
    """What an earlier run wrote there, as its manifest says; None where no manifest of ours is."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    outputs = manifest.get("outputs") if isinstance(manifest, dict) else None
    return frozenset(outputs) | {MANIFEST, PDF} if isinstance(outputs, dict) else None


def _refuse_to_overwrite(place: Path, files: Mapping[str, bytes], named: Path) -> None:
    ours = _outputs(place) or frozenset()
    foreign = [name for name in files if name not in ours and os.path.lexists(place / name)]
    if foreign:
        raise InputError(
            [f"{named / name} is of no earlier report and would be replaced; move it away." for name in foreign]
        )


def _keep_other_files(earlier: Path, later: Path) -> None:
    """Carry over what no run wrote: notes that a user put beside the report, whatever kind of file they are."""
    ours = _outputs(earlier) or frozenset()
    for here, folders, names in os.walk(earlier):
        inside = Path(here).relative_to(earlier)
        for name in sorted(folders + names):
            path, copy = Path(here) / name, later / inside / name
            if path.is_dir() and not path.is_symlink():
                if not any(path.iterdir()):
                    copy.mkdir(parents=True, exist_ok=True)
            elif (inside / name).as_posix() not in ours and not os.path.lexists(copy):
                copy.parent.mkdir(parents=True, exist_ok=True)
                _link(path, copy)


def _link(path: Path, copy: Path) -> None:
    """The same file under another name; where the file system has no links, a copy."""
    try:
        os.link(path, copy, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copy2(path, copy, follow_symlinks=False)


# ---------------------------------------------------------------------------------------------------------------------
# File system
# ---------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _alone(parent: Path) -> Iterator[bool]:
    """Wait for other runs that write into the same parent; False where nobody can be waited for."""
    try:
        import fcntl

        handle = os.open(parent, os.O_RDONLY)
    except (ImportError, OSError):  # Windows
        yield False
        return
    try:
        locked = True
        try:
            # The lock ends with the process, however that ends.
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:  # a file system without locks
            locked = False
        yield locked
    finally:
        os.close(handle)


def _clear_away(place: Path, *, everything: bool) -> None:
    """Remove what was left beside the folder, of all runs or of this one; an earlier report is put back first."""
    mine = r"\d+" if everything else str(os.getpid())
    left = re.compile(rf"\.{re.escape(place.name)}\.{mine}\.(new|old)")
    found = sorted(path for path in place.parent.iterdir() if left.fullmatch(path.name))
    for path in found:
        if path.name.endswith(".old") and not place.exists():
            path.rename(place)
    for path in found:
        shutil.rmtree(path, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; False where the system has no such step."""
    names = os.fsencode(one), os.fsencode(other)
    try:
        system = ctypes.CDLL(None, use_errno=True)
        if sys.platform.startswith("linux"):
            current, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE of <linux/fs.h>
            done = system.renameat2(current, names[0], current, names[1], exchange)
        elif sys.platform == "darwin":
            done = system.renamex_np(*names, 2)  # RENAME_SWAP of <stdio.h>
        else:
            return False
    except (AttributeError, OSError, TypeError):
        return False
    if done == 0:
        return True
    number = ctypes.get_errno()
    if number in CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(one))
