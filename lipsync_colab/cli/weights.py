"""``lipsync-colab weights``: list, fetch, verify, mirror and accept the model files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lipsync_colab.errors import Cancelled, InputError, WeightsError
from lipsync_colab.weights.inventory import Finding
from lipsync_colab.weights.licences import terms_of
from lipsync_colab.weights.manifest import WeightFile
from lipsync_colab.weights.store import Fetched, Store
from lipsync_colab.weights.transfer import FullDiskError

CONFIRMED_ABOVE = 2_000_000_000
"""Bytes that are fetched without a question."""


class Bars:
    """A progress callback that draws one bar of bytes for each stage on the terminal."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._stage = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` bytes of a stage are through."""
        from tqdm import tqdm

        if stage != self._stage:
            self.close()
            self._stage = stage
            # disable=None: no bar where the output is not a terminal.
            self._bar = tqdm(
                total=total, initial=done, unit="B", unit_scale=True, desc=stage, disable=None, leave=False
            )
        self._bar.n = done
        self._bar.update(0)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
        self._bar, self._stage = None, ""


def add_parser(commands: Any) -> None:
    """Add ``weights`` and its actions to the command line."""
    parser = commands.add_parser("weights", help="list, fetch, verify, mirror and accept model files")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    shown = _action(actions, "list", run_list, "name, size, licence and state of each file", "*")
    shown.add_argument("--terms", action="store_true", help="show the terms of each licence too")
    fetch = _action(actions, "fetch", run_fetch, "download what is missing", "*")
    fetch.add_argument(
        "--from", dest="mirror", type=Path, metavar="TARGET", help="read this mirror first; without NAME, all it holds"
    )
    fetch.add_argument("--file", type=Path, help="take this file instead of downloading (one NAME)")
    fetch.add_argument("--sha256", metavar="HEX", help="what --file must have, where the manifest knows no hash")
    fetch.add_argument("--yes", action="store_true", help="do not ask before more than 2 GB")
    _action(actions, "verify", run_verify, "hash again what is here; exit code 3 if anything is wrong", "*")
    mirror = actions.add_parser("mirror", help="copy checked files to a folder (Drive, a disk)")
    mirror.add_argument("target", type=Path, metavar="TARGET")
    _finish(mirror, run_mirror, "*")
    _action(actions, "accept", run_accept, "accept the terms of files by name", "+")


def _action(actions: Any, name: str, run: Callable[..., int], text: str, count: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    _finish(parser, run, count)
    return parser


def _finish(parser: argparse.ArgumentParser, run: Callable[..., int], count: str) -> None:
    parser.add_argument("names", nargs=count, metavar="NAME|ENGINE|all", help="files, engines, or all")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def megabytes(size: int | None) -> str:
    """Return a size for people, ``"3.8 MB"``; a question mark when it is unknown."""
    return "?" if size is None else f"{size / 1e6:,.1f} MB"


def run_list(options: argparse.Namespace) -> int:
    """Print name, size, licence and state of weights."""
    store, bars = Store(), Bars()
    rows = store.manifest.select(options.names or ["all"])
    described = [_described(store, row, bars) for row in rows]
    bars.close()
    if options.json:
        print(json.dumps(described, indent=1))
        return 0
    width = max(len(row.name) for row in rows)
    for row, values in zip(rows, described, strict=True):
        terms = (
            "" if not row.needs_acceptance else f"accepted {values['accepted']}" if values["accepted"] else "accept!"
        )
        print(
            f"{row.name:{width}}  {megabytes(row.size):>12}  {values['state']:8}  {row.licence.name}  {terms}".rstrip()
        )
        if options.terms:
            print(f"{'':{width}}  {terms_of(row)}")
    here = sum(row.size or 0 for row, values in zip(rows, described, strict=True) if values["state"] == "present")
    print(f"{len(rows)} files, {megabytes(sum(row.size or 0 for row in rows))}, of which {megabytes(here)} are here")
    return 0


def _described(store: Store, row: WeightFile, bars: Bars) -> dict[str, Any]:
    return {
        "name": row.name,
        "engines": list(row.engines),
        "size": row.size,
        "sha256": store.inventory.lock.expected(row),
        "format": row.format,
        "licence": row.licence.name,
        "commercial": row.licence.commercial,
        "accepted": store.acceptances.date(row),
        "state": store.inventory.state(row, bars),
        "memory": row.memory,
        "confirmed": row.confirmed,
        "source": row.source,
    }


def run_fetch(options: argparse.Namespace) -> int:
    """Download what is missing, and say where each file came from."""
    store, bars = Store(), Bars()
    rows = _named(store, options)
    try:
        if options.file is not None:
            return _adopt(store, rows, options, bars)
        store.acceptances.require(rows)
        missing = [row for row in rows if store.inventory.find(row, bars) is None]
        bars.close()
        _confirm(missing, options.yes)
        fetched, failed = _fetch_each(store, rows, options.mirror, bars)
    finally:
        bars.close()
    _tell(fetched, options.json)
    for message in failed:
        print(f"lipsync-colab: {' '.join(message.split())}", file=sys.stderr)
    return WeightsError.exit_code if failed else 0


def _named(store: Store, options: argparse.Namespace) -> list[WeightFile]:
    if options.names:
        return store.manifest.select(options.names)
    if options.mirror is None:
        raise InputError(
            "say what to fetch: names of files or engines, or all; `lipsync-colab weights list` shows them"
        )
    rows = store.mirrored(options.mirror)
    if not rows:
        raise WeightsError(f"the mirror {options.mirror} holds no weights; make it with `lipsync-colab weights mirror`")
    return rows


def _adopt(store: Store, rows: Sequence[WeightFile], options: argparse.Namespace, bars: Bars) -> int:
    if len(rows) != 1:
        raise InputError("--file is one file: name the one weight that it is")
    path = store.adopt(rows[0].name, options.file, options.sha256, bars)
    bars.close()
    print(json.dumps([{"name": rows[0].name, "path": str(path)}]) if options.json else f"{rows[0].name}: {path}")
    return 0


def _confirm(missing: Sequence[WeightFile], yes: bool) -> None:
    total = sum(row.size or row.memory or 0 for row in missing)
    if missing:
        print(f"to fetch: {len(missing)} of the files named, about {megabytes(total)}", file=sys.stderr)
    if total <= CONFIRMED_ABOVE or yes:
        return
    if not sys.stdin.isatty():
        raise InputError(f"{megabytes(total)} would be fetched; say --yes if that is meant")
    if input("Fetch them? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Cancelled("nothing was fetched")


def _fetch_each(
    store: Store, rows: Sequence[WeightFile], mirror: Path | None, bars: Bars
) -> tuple[list[Fetched], list[str]]:
    """Fetch each row; one that cannot be had does not keep the others from coming, a full disk does."""
    fetched, failed = [], []
    for row in rows:
        try:
            fetched.append(store.get(row, bars, mirror))
        except FullDiskError:
            raise
        except WeightsError as error:
            failed.append(str(error))
    return fetched, failed


def _tell(fetched: Sequence[Fetched], as_json: bool) -> None:
    if as_json:
        told = [{"name": one.row.name, "path": str(one.path), "source": str(one.source or "")} for one in fetched]
        print(json.dumps(told, indent=1))
        return
    for one in fetched:
        print(f"{one.row.name}: {one.path} ({f'from {one.source}' if one.source else 'was here'})")


def run_verify(options: argparse.Namespace) -> int:
    """Hash again every file that is here."""
    store, bars = Store(), Bars()
    findings = store.verify(options.names or ["all"], bars)
    bars.close()
    wrong = [finding for finding in findings if not finding.right]
    if options.json:
        print(json.dumps([_finding(finding) for finding in findings], indent=1))
    else:
        print(f"{len(findings)} files hashed, {len(wrong)} wrong")
    if wrong:
        told = "; ".join(f"{one.path} has sha256 {one.found}, expected {one.expected}" for one in wrong)
        names = " ".join(dict.fromkeys(one.row.name for one in wrong))
        raise WeightsError(f"{told}. `lipsync-colab weights fetch {names}` replaces what is wrong")
    return 0


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.row.name,
        "path": str(finding.path),
        "sha256": finding.found,
        "expected": finding.expected,
        "right": finding.right,
    }


def run_mirror(options: argparse.Namespace) -> int:
    """Copy what is here and right to a mirror."""
    store, bars = Store(), Bars()
    try:
        new = store.mirror(options.target, options.names or ["all"], bars)
    finally:
        bars.close()
    if options.json:
        print(json.dumps([row.name for row in new]))
    else:
        print(f"{len(new)} files copied to {options.target}, {megabytes(sum(row.size or 0 for row in new))}")
    return 0


def run_accept(options: argparse.Namespace) -> int:
    """Record that the terms of files are accepted, and show these terms."""
    store = Store()
    rows = store.manifest.select(options.names)
    store.acceptances.accept(rows)
    dates = {row.name: store.acceptances.date(row) for row in rows}
    if options.json:
        print(json.dumps(dates, indent=1))
        return 0
    for row in rows:
        date = dates[row.name]
        print(f"{row.name}: {f'accepted {date}' if date else 'needs no acceptance'}. {terms_of(row)}")
    return 0
