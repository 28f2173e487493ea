"""What went in, what came out, and with what: hashes, versions, conventions. No time, host, path or patient value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cohortstats.cohort import Cohort
from cohortstats.report.methods import versions
from cohortstats.report.verification import Verification
from cohortstats.study import Curves, Exhibit, Trials

__all__ = ["input_hashes", "manifest_text"]


def _fingerprint(content: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def input_hashes(cohort: Cohort) -> dict[str, dict[str, Any]]:
    """File name -> hash, size and how it was read, for the study file, the printed values and every table."""
    study = cohort.study
    inputs: dict[str, dict[str, Any]] = {study.path.name: _fingerprint(study.path.read_bytes())}
    if study.printed is not None:
        inputs[study.printed.path.name] = _fingerprint(study.printed.path.read_bytes())
    for file in dict.fromkeys(file for entry in study.exhibits for file in evidence_files(entry)):
        inputs.setdefault(file, _fingerprint((study.folder / file).read_bytes()))
    for source in [part for whole in cohort.sources for part in whole.parts or (whole,)]:
        read = {
            "table": source.table,
            "sha256": source.sha256,
            "bytes": source.n_bytes,
            "kind": source.kind,
            "encoding": source.encoding,
            "newline": source.newline,
            "delimiter": source.delimiter,
            "sheet": source.sheet,
            "epoch": source.epoch,
            "rows": None if study.report.privacy.min_cell else source.n_rows,  # a number of patients
            "columns": source.n_columns,
            "columns_unused": source.n_columns_unused,
            "empty_fields_dropped": source.n_fields_dropped or None,
            "compression": source.compression,
            "query": source.query,
            "format": source.format,
            "droplet_volume_nl": source.volume_nl or None,
            "droplet_volume_origin": source.volume_origin,
        }
        # A workbook or a database may give several tables.
        name = Path(source.file).name
        inputs[f"{name} ({source.table})" if name in inputs else name] = {
            key: value for key, value in read.items() if value not in (None, "")
        }
    return inputs


def evidence_files(entry: Exhibit) -> list[str]:
    """Files with what others printed that an exhibit is made of, as the study file names them."""
    if isinstance(entry, Trials):
        return [entry.file] if entry.file else []
    if isinstance(entry, Curves):
        return [file for arm in entry.arms for file in (arm.curve, arm.risk) if file]
    return []


def manifest_text(cohort: Cohort, outputs: Mapping[str, bytes], verified: Sequence[Verification] = ()) -> str:
    """The manifest as JSON with sorted keys."""
    manifest = {
        "study": cohort.study.id,
        "conventions": cohort.study.conventions.describe(),
        "inputs": input_hashes(cohort),
        "second_engine": {one.address: {"engine": one.engine, "digits": one.digits} for one in verified},
        "outputs": {name: _fingerprint(content) for name, content in outputs.items()},
        "versions": versions(cohort),
    }
    return json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
