"""Runs that are killed, interrupted, or find the disk full: the folder of results is the old one or the new one, whole."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cohortstats as cs
from cohortstats.report import folder as folders
from cohortstats.report.folder import refuse_foreign_folder, replace_folder

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")

# A small report, so that a run is over soon: what is tested is how it ends.
SMALL = """cohortstats = 1
[study]
id = "small"
title = "TITLE"
conventions = "r"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
stage = { order = ["I", "IV"] }
[[characteristics]]
id = "table1"
title = "Stage"
rows = ["stage"]
[report]
formats = ["html", "md", "csv"]
"""


@pytest.fixture
def small(tmp_path: Path) -> Callable[[str], Path]:
    def write(title: str) -> Path:
        folder = tmp_path / f"study {title}"
        folder.mkdir()
        (folder / "study.toml").write_text(SMALL.replace("TITLE", title))
        (folder / "patients.csv").write_text(
            "id,stage\n" + "".join(f"P{i},{'I' if i % 3 else 'IV'}\n" for i in range(9))
        )
        return folder

    return write


def command(study: Path, target: Path) -> list[str]:
    return [sys.executable, "-m", "cohortstats", "report", str(study), "-o", str(target)]


def whole(target: Path) -> str:
    """Title of a report that is whole: every file is there, with the hash of its manifest."""
    manifest = json.loads((target / "manifest.json").read_text())
    for name, facts in manifest["outputs"].items():
        assert hashlib.sha256((target / name).read_bytes()).hexdigest() == facts["sha256"], name
    return "new" if "<h1>new</h1>" in (target / "report.html").read_text() else "old"


def beside(target: Path) -> list[str]:
    """What lies beside the folder but does not belong there."""
    return sorted(path.name for path in target.parent.iterdir() if path.name.startswith("."))


# ---------------------------------------------------------------------------------------------------------------------
# Killed
# ---------------------------------------------------------------------------------------------------------------------


@needs_signals
def test_killed_at_any_moment(small: Callable[[str], Path], tmp_path: Path) -> None:
    """Ten runs are killed after times spread over the length of a run, from its start to its end."""
    old, new, target = small("old"), small("new"), tmp_path / "out"
    cs.write_report(old, target)
    (target / "my notes.txt").write_text("mine")
    started = time.monotonic()
    subprocess.run(command(new, tmp_path / "elsewhere"), check=True, capture_output=True)
    lasts = time.monotonic() - started
    draw = np.random.default_rng(8)
    for share in np.sort(draw.uniform(0.2, 1.1, size=10)):
        run = subprocess.Popen(command(new, target), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(share * lasts)
        run.kill()
        run.wait()
        assert whole(target) in ("old", "new")
        assert (target / "my notes.txt").read_text() == "mine"
    subprocess.run(command(new, target), check=True, capture_output=True)
    assert whole(target) == "new"
    assert (target / "my notes.txt").read_text() == "mine"
    assert not beside(target)


# What a run asks of the file system while it replaces a folder; it is killed before the n-th time.
KILLED_AT = """
import os, signal, sys
from pathlib import Path
from cohortstats.report import folder
count = 0
def watched(name, owner):
    plain = getattr(owner, name)
    def call(*args, **kwargs):
        global count
        count += 1
        if count == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(*args, **kwargs)
    setattr(owner, name, call)
for name in ("mkdir", "write_bytes", "rename", "iterdir"):
    watched(name, Path)
for name in ("_exchange", "_link", "_outputs"):
    watched(name, folder)
watched("rmtree", folder.shutil)
if sys.argv[4] == "two steps":
    folder._exchange = lambda one, other: False
files = {"manifest.json": b'{"outputs": {"report.html": {}, "tables/a.csv": {}}}', "report.html": b"new", "tables/a.csv": b"new"}
folder.replace_folder(Path(sys.argv[1]) / "out", files)
print("done", count)
"""


@needs_signals
@pytest.mark.parametrize("way", ["one step", "two steps"])
def test_killed_at_every_step_of_the_replacement(way: str, tmp_path: Path) -> None:
    """Before each call of the file system in turn. Without an exchange in one step the next run mends the folder."""

    def content(text: bytes) -> dict[str, bytes]:
        manifest = b'{"outputs": {"report.html": {}, "tables/a.csv": {}}}'
        return {"manifest.json": manifest, "report.html": text, "tables/a.csv": text}

    target, seen = tmp_path / "out", set()
    for step in range(1, 60):
        replace_folder(target, content(b"old"))
        (target / "notes.txt").write_text("mine")
        arguments = [sys.executable, "-c", KILLED_AT, str(tmp_path), "x", str(step), way]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        if way == "two steps" and not target.exists():
            seen.add("away")
            replace_folder(target, content(b"old"))  # the next run puts the earlier report back first
        texts = {(target / name).read_bytes() for name in ("report.html", "tables/a.csv")}
        assert len(texts) == 1, f"half of each at step {step}"
        seen |= {text.decode() for text in texts}
        assert (target / "notes.txt").read_text() == "mine", f"lost at step {step}"
    else:
        pytest.fail("the run never came to its end")
    assert {"old", "new"} <= seen
    assert "away" in seen or way == "one step"
    replace_folder(target, content(b"old"))
    assert not beside(target)


# ---------------------------------------------------------------------------------------------------------------------
# Interrupted
# ---------------------------------------------------------------------------------------------------------------------


@needs_signals
def test_interrupted_while_writing(
    small: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cohortstats.cli import main

    target = tmp_path / "out"
    cs.write_report(small("old"), target)
    plain, written = Path.write_bytes, []

    def interrupted(path: Path, content: bytes) -> int:
        written.append(path)
        if len(written) == 3:
            raise KeyboardInterrupt
        return plain(path, content)

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    assert main(["report", str(small("new")), "-o", str(target), "--quiet"]) == 130
    monkeypatch.undo()
    assert whole(target) == "old"
    assert not beside(target)


@needs_signals
def test_control_c(small: Callable[[str], Path], tmp_path: Path) -> None:
    """The signal itself, sent as soon as the new files appear, or while exhibits are made: 130, one sentence."""
    target, new = tmp_path / "out", small("new")
    cs.write_report(small("old"), target)
    slow = "import time, cohortstats.report.write as w\nplain = w.make_report\n"
    slow += "def make(*a, **k):\n    print('making', flush=True)\n    time.sleep(30)\n    return plain(*a, **k)\n"
    slow += "w.make_report = make\nimport sys\nfrom cohortstats.cli import main\nsys.exit(main(sys.argv[1:]))\n"
    arguments = [sys.executable, "-c", slow, "report", str(new), "-o", str(target)]
    run = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stdout is not None
    assert run.stdout.readline() == "making\n"
    run.send_signal(signal.SIGINT)
    _, messages = run.communicate(timeout=30)
    assert run.returncode == 130
    assert messages == "interrupted; nothing was left half-written\n"
    assert whole(target) == "old"
    assert not beside(target)


# ---------------------------------------------------------------------------------------------------------------------
# Full disks, folders that may not be written
# ---------------------------------------------------------------------------------------------------------------------


def fails(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, number: int, after: int) -> None:
    """From the call after the first few on, the system says no."""
    plain, calls = getattr(owner, name), []

    def call(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        if len(calls) > after:
            raise OSError(number, os.strerror(number))
        return plain(*args, **kwargs)

    monkeypatch.setattr(owner, name, call)


@pytest.mark.parametrize(
    ("owner", "name", "number", "after"),
    [
        (Path, "write_bytes", errno.ENOSPC, 0),
        (Path, "write_bytes", errno.ENOSPC, 4),
        (Path, "write_bytes", errno.EDQUOT, 2),
        (Path, "mkdir", errno.EROFS, 1),
        (Path, "mkdir", errno.EACCES, 1),
        (folders, "_exchange", errno.EBUSY, 0),
        (folders, "_exchange", errno.EACCES, 0),
    ],
)
@pytest.mark.parametrize("json_wanted", [False, True])
def test_a_folder_that_cannot_be_written(
    owner: Any,
    name: str,
    number: int,
    after: int,
    json_wanted: bool,
    small: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from cohortstats.cli import main

    target = tmp_path / "out"
    cs.write_report(small("old"), target)
    new = small("new")
    fails(monkeypatch, owner, name, number, after)
    code = main(["report", str(new), "-o", str(target), *(["--json"] if json_wanted else [])])
    monkeypatch.undo()
    out, messages = capsys.readouterr()
    assert code == 1
    assert out == ""
    sentence = f"error   {target} could not be written: {os.strerror(number)}. The earlier report there is as it was.\n"
    assert messages == sentence
    assert whole(target) == "old"
    assert not beside(target)


def test_nothing_is_left_of_a_first_run_that_fails(
    small: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, new = tmp_path / "out", small("new")
    fails(monkeypatch, Path, "write_bytes", errno.ENOSPC, 2)
    with pytest.raises(cs.CohortStatsError, match=r"No space left on device\. Nothing was written\.$"):
        cs.write_report(new, target)
    monkeypatch.undo()
    assert not target.exists()
    assert not beside(target)


@needs_signals
def test_a_limit_on_the_size_of_files(small: Callable[[str], Path], tmp_path: Path) -> None:
    """The system's own refusal, by a limit on the process, in a real run."""
    target, new = tmp_path / "out", small("new")
    cs.write_report(small("old"), target)
    limited = "import resource, signal, sys\nfrom cohortstats.cli import main\n"
    limited += (
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
    )
    limited += "sys.exit(main(sys.argv[1:]))\n"
    arguments = [sys.executable, "-B", "-c", limited, "report", str(new), "-o", str(target)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith("could not be written: File too large. The earlier report there is as it was.\n")
    assert "Traceback" not in done.stderr
    assert whole(target) == "old"
    assert not beside(target)


@needs_signals
def test_a_full_disk(small: Callable[[str], Path], tmp_path: Path) -> None:
    """A file system of 64 KiB, where the tests may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        (disk / "filler").write_bytes(b"x" * 60_000)
        done = subprocess.run(command(small("new"), disk / "out"), capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.endswith("could not be written: No space left on device. Nothing was written.\n")
        assert sorted(path.name for path in disk.iterdir()) == ["filler"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@needs_signals
def test_stdout_on_a_full_disk(small: Callable[[str], Path], tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with full.open("w") as out:
        done = subprocess.run(
            command(small("new"), tmp_path / "out"), stdout=out, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error   a file: No space left on device"
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert whole(tmp_path / "out") == "new"


# ---------------------------------------------------------------------------------------------------------------------
# Two runs, other files
# ---------------------------------------------------------------------------------------------------------------------


@needs_signals
def test_two_runs_into_one_folder(small: Callable[[str], Path], tmp_path: Path) -> None:
    old, new, target = small("old"), small("new"), tmp_path / "out"
    runs = [
        subprocess.Popen(command(study, target), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for study in (old, new, old, new)
    ]
    for run in runs:
        _, messages = run.communicate()
        assert (run.returncode, messages) == (0, "")
    assert whole(target) in ("old", "new")
    assert not beside(target)


@needs_signals
def test_many_threads_into_one_folder(tmp_path: Path) -> None:
    """A reader who looks all the time sees a whole report each time: the exchange is one step."""
    target, stop, torn = tmp_path / "out", threading.Event(), []

    def content(n: int) -> dict[str, bytes]:
        names = [f"tables/{place}.csv" for place in range(5)]
        manifest = json.dumps({"outputs": {name: {} for name in names}}).encode()
        return {"manifest.json": manifest, **dict.fromkeys(names, str(n).encode())}

    def write(start: int) -> None:
        for n in range(start, start + 20):
            replace_folder(target, content(n))

    def look() -> None:
        while not stop.is_set():
            handle = os.open(target, os.O_RDONLY)  # never missing
            os.close(handle)
            if not (target / "manifest.json").exists():
                torn.append("no manifest")

    replace_folder(target, content(0))
    if not _exchanges(tmp_path):
        pytest.skip("this file system does not let folders change places in one step")
    reader = threading.Thread(target=look)
    reader.start()
    writers = [threading.Thread(target=write, args=(100 * place,)) for place in range(1, 4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    stop.set()
    reader.join()
    assert not torn
    assert len({path.read_bytes() for path in (target / "tables").iterdir()}) == 1
    assert not beside(target)


def _exchanges(place: Path) -> bool:
    one, other = place / "one", place / "other"
    one.mkdir()
    other.mkdir()
    done = folders._exchange(one, other)
    one.rmdir()
    other.rmdir()
    return done


def test_other_files_of_every_kind_stay(tmp_path: Path) -> None:
    target = tmp_path / "out"
    files = {"manifest.json": b'{"outputs": {"report.html": {}}}', "report.html": b"1"}
    replace_folder(target, files)
    (target / "letters" / "empty").mkdir(parents=True)
    (target / "letters" / "to editor.txt").write_text("Dear")
    (target / ".hidden").write_text("h")
    if sys.platform != "win32":
        (target / "link").symlink_to("letters/to editor.txt")
        (target / "dangling").symlink_to("nowhere")
        (target / "folder link").symlink_to(tmp_path)
        target.chmod(0o750)
    replace_folder(target, files | {"report.html": b"2"})
    assert (target / "report.html").read_bytes() == b"2"
    assert (target / "letters" / "to editor.txt").read_text() == "Dear"
    assert (target / "letters" / "empty").is_dir()
    assert (target / ".hidden").read_text() == "h"
    if sys.platform != "win32":
        assert (target / "link").readlink() == Path("letters/to editor.txt")
        assert (target / "dangling").readlink() == Path("nowhere")
        assert (target / "folder link").is_symlink()
        assert target.stat().st_mode & 0o777 == 0o750


def test_a_file_that_no_report_wrote_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "out"
    files = {"manifest.json": b'{"outputs": {"report.html": {}}}', "report.html": b"1"}
    replace_folder(target, files)
    (target / "report.docx").write_text("my own edition")
    with pytest.raises(cs.InputError) as caught:
        replace_folder(target, files | {"report.docx": b"new"})
    assert caught.value.problems == (
        f"{target / 'report.docx'} is of no earlier report and would be replaced; move it away.",
    )
    assert (target / "report.docx").read_text() == "my own edition"
    assert not beside(target)


@pytest.mark.parametrize("manifest", ["{", "[]", '{"name": "a web app"}', '{"outputs": 3}'])
def test_another_programs_manifest_is_no_report(manifest: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(cs.InputError, match="holds other files and no report"):
        refuse_foreign_folder(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights on Windows")
def test_a_link_to_a_folder_stays_a_link(small: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to("disk")
    cs.write_report(small("old"), tmp_path / "out")
    cs.write_report(small("new"), tmp_path / "out")
    assert (tmp_path / "out").is_symlink()
    assert whole(tmp_path / "disk") == "new"


def test_the_current_folder(small: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    cs.write_report(small("new"), ".")
    assert whole(tmp_path / "out") == "new"
