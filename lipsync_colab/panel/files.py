"""One file from the person: by the upload button, as a path, or through the host's road for large files."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from lipsync_colab.errors import LipSyncError
from lipsync_colab.panel.host import Host
from lipsync_colab.panel.look import classed, column, row
from lipsync_colab.panel.uploads import Upload, uploads

LATE = (
    "The file has not arrived after 3 seconds. If a cell is still running, it comes when that is done. "
    "Otherwise it is too large for this button: "
)
OFFERED = 200
"""Names in a path box."""


class FileSource:
    """An upload button, a path box, and on Colab a button for large files.

    Args:
        label: of the button.
        endings: of the files' names, in lower case.
        accept: file kinds for the browser's dialogue.
        host: the machine's side.
        folder: where uploaded files are kept.
        changed: called with the path of another file; what it returns is shown as the receipt, a
            :class:`~lipsync_colab.errors.LipSyncError` as the reason why not.
    """

    def __init__(
        self,
        label: str,
        endings: tuple[str, ...],
        host: Host,
        folder: Path,
        changed: Callable[[Path], str],
        accept: str = "",
    ) -> None:
        self._host, self._folder, self._changed = host, folder, changed
        self._received = 0
        self.path: Path | None = None
        self.button = widgets.FileUpload(accept=accept or ",".join(endings), multiple=False, description=label)
        self.typed = widgets.Combobox(
            description="or its path on this machine" if host.name == "local" else "or its path (runtime or Drive)",
            placeholder="folder/file",
            options=offered(host.folders, endings),
            ensure_option=False,
            continuous_update=False,
        )
        self.large = widgets.Button(description="Send a large file", icon="upload")
        self.receipt = widgets.HTML()
        self._show("")
        self.button.observe(self._uploaded, names="value")
        self.typed.observe(self._written, names="value")
        self.large.on_click(lambda _: self._ask())
        buttons = row(self.button, *([self.large] if host.takes_large_files else []))
        self.widget = column(buttons, classed(self.typed, "lsc-top"), self.receipt, classes="lsc-file")

    def _uploaded(self, change: Any) -> None:
        files = uploads(change["new"])
        if files:
            self._received += 1
            self._keep(files[-1])

    def _written(self, change: Any) -> None:
        text = str(change["new"]).strip().strip("'\"")
        if text:
            self.take(Path(text).expanduser())

    def _ask(self) -> None:
        try:
            file = self._host.receive()
        except LipSyncError as error:
            self._show(str(error), bad=True)
            return
        if file is not None:
            self._keep(Upload(*file))

    def _keep(self, upload: Upload) -> None:
        try:
            path = upload.save(self._folder)
        except OSError as error:
            self._show(f"'{upload.name}' could not be kept ({error.strerror}); free some disk space", bad=True)
            return
        self.take(path)

    def take(self, path: Path) -> bool:
        """Take a file of this machine; False, and the reason shown, when it cannot be used."""
        try:
            said = self._changed(path)
        except LipSyncError as error:
            self.path = None
            self._show(str(error), bad=True)
            return False
        self.path = path
        self._show(said)
        return True

    def _show(self, text: str, bad: bool = False) -> None:
        large = self._host.takes_large_files
        other = "press “Send a large file”, or" if large else "copy it into the notebook's folder, and"
        late = f"<div class='lsc-late' role='alert' hidden>{LATE}{other} type its path above.</div>"
        kind = "lsc-note lsc-bad" if bad else "lsc-facts"
        said = f"<div class='{kind}' role='status'>{html.escape(text)}</div>" if text else ""
        self.receipt.value = f"<div data-received='{self._received}'>{said}{late}</div>"


def offered(folders: tuple[Path, ...], endings: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of files that a path box offers, the newest first; as short as they can be typed."""
    found: list[tuple[float, str]] = []
    for number, folder in enumerate(folders):
        try:
            paths = [path for path in folder.iterdir() if path.suffix.lower() in endings and path.is_file()]
            found += [(path.stat().st_mtime, path.name if number == 0 else str(path)) for path in paths]
        except OSError:
            continue
    return tuple(name for _, name in sorted(found, reverse=True)[:OFFERED])
