"""The Studio: a portrait and a voice on top, one button, everything else under Advanced with working defaults."""

from __future__ import annotations

import html
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from lipsync_colab.device import inspect_machine
from lipsync_colab.engines.registry import ENGINES
from lipsync_colab.errors import Cancelled, InputError, LipSyncError
from lipsync_colab.panel.controls import Controls
from lipsync_colab.panel.host import Host, LocalHost
from lipsync_colab.panel.licence import LicenceBox
from lipsync_colab.panel.pictures import THUMBNAIL, png, portrait_thumbnail, preview_video
from lipsync_colab.panel.sources import PICTURES, FileSource, VoiceSource
from lipsync_colab.panel.worker import Worker
from lipsync_colab.pipeline.command_line import command_line
from lipsync_colab.pipeline.render import Render, prepare, preview
from lipsync_colab.pipeline.render import run as render
from lipsync_colab.portrait import load_portrait
from lipsync_colab.types import Progress, RenderPlan, RenderResult

CONSENT = "This face and this voice are ones that I have the right to use"
PREVIEW_WIDTH = 420


class Studio:
    """The panel; show it with :meth:`show`, or as a cell's last line.

    Args:
        host: Colab's or a local one.
    """

    def __init__(self, host: Host | None = None) -> None:
        self.host = host or LocalHost()
        self._machine = inspect_machine()
        self._scratch = Path(tempfile.mkdtemp(prefix="lipsync-colab-"))
        self.controls = Controls(self._machine)
        self.portrait = FileSource("Portrait", PICTURES, self.host, self._portrait_changed)
        self.voice = VoiceSource(self.host, self._say_nothing)
        self.worker = Worker(self._show_progress)
        self.result: RenderResult | None = None
        self._make_widgets()
        self.widget = self._lay_out()
        self._engine_changed()

    def _make_widgets(self) -> None:
        wide = widgets.Layout(width="98%")
        self.thumbnail = widgets.Image(format="png", layout=widgets.Layout(max_width=f"{THUMBNAIL}px", display="none"))
        self.consent = widgets.Checkbox(value=False, description=CONSENT, indent=False, layout=wide)
        self.engine_facts = widgets.HTML()
        self.licence = LicenceBox()
        self.preview_button = widgets.Button(description="Preview one frame", icon="picture-o")
        self.generate_button = widgets.Button(description="Generate", button_style="success", icon="play")
        self.stop_button = widgets.Button(description="Stop", icon="stop", disabled=True)
        self.bar = widgets.FloatProgress(min=0, max=1, layout=widgets.Layout(width="98%", visibility="hidden"))
        self.status = widgets.HTML()
        self.picture = widgets.Image(
            format="png", layout=widgets.Layout(max_width=f"{PREVIEW_WIDTH}px", display="none")
        )
        self.player = widgets.Video(
            format="mp4",
            autoplay=False,
            loop=False,
            layout=widgets.Layout(max_width=f"{PREVIEW_WIDTH}px", display="none"),
        )
        self.outcome = widgets.HTML()
        self.download_button = widgets.Button(description="Download", icon="download")
        self.save_button = widgets.Button(description="Save to Drive", icon="cloud-upload")
        self.preview_button.on_click(lambda _: self._start(self._preview))
        self.generate_button.on_click(lambda _: self._start(self._generate))
        self.stop_button.on_click(self._stop)
        self.download_button.on_click(lambda _: self._after(self.host.download))
        self.save_button.on_click(lambda _: self._after(self._save))
        for choice in (self.controls.engine, self.controls.restore):
            choice.observe(lambda _: self._engine_changed(), names="value")

    def _lay_out(self) -> widgets.VBox:
        half = widgets.Layout(width="49%", min_width="340px")
        title = "<h3 style='margin:4px 0'>{}</h3>".format
        left = widgets.VBox([widgets.HTML(title("1 · Portrait")), self.portrait.widget, self.thumbnail], layout=half)
        right = widgets.VBox([widgets.HTML(title("2 · Voice")), self.voice.widget], layout=half)
        wrap = widgets.Layout(display="flex", flex_flow="row wrap", width="100%")
        sizes = (self.controls.size, self.controls.aspect)
        look = widgets.VBox(
            [self.controls.engine, self.engine_facts, *sizes, self.controls.advanced, self.licence.widget]
        )
        self.after = widgets.HBox([self.download_button, self.save_button], layout=widgets.Layout(display="none"))
        buttons = widgets.HBox([self.generate_button, self.stop_button, self.preview_button])
        rows = [
            widgets.Box([left, right], layout=wrap),
            *(widgets.HTML(title("3 · Video")), look, self.consent, buttons, self.bar, self.status),
            *(self.picture, self.player, self.outcome, self.after),
        ]
        if self.host.hint:
            rows.append(widgets.HTML(f"<small>{html.escape(self.host.hint)}</small>"))
        return widgets.VBox(rows, layout=widgets.Layout(max_width="900px"))

    def show(self) -> None:
        """Display the panel in the notebook."""
        from IPython.display import display

        display(self.widget)

    def _ipython_display_(self) -> None:
        self.show()

    def say(self, text: str, kind: str = "info") -> None:
        """Show one line under the buttons; ``kind`` is ``"info"``, ``"good"`` or ``"bad"``."""
        colour = {"info": "#555", "good": "#17803d", "bad": "#b3261e"}[kind]
        self.status.value = f"<div style='color:{colour};line-height:1.4'>{html.escape(text)}</div>"

    def _say_nothing(self) -> None:
        self.status.value = ""

    def _engine_changed(self) -> None:
        name = self.controls.engine.value
        info = ENGINES["viseme" if name == "auto" else name]
        allowed = "commercial use allowed" if info.commercial else "no commercial use"
        memory = f"about {info.memory / 1e9:.1f} GB of memory"
        self.engine_facts.value = (
            f"<small>{html.escape(info.summary)} · {html.escape(info.licence)} ({allowed}) · {memory}</small>"
        )
        self.licence.show(self.controls.settings())

    def _portrait_changed(self, path: Path) -> None:
        try:
            found = load_portrait(path)
        except LipSyncError as error:
            self.thumbnail.layout.display = "none"
            self.say(str(error), "bad")
            return
        self.thumbnail.value = portrait_thumbnail(found)
        self.thumbnail.layout.display = ""
        others = f"; {len(found.others)} other faces stay still" if found.others else ""
        self.say(f"{found.size[0]}×{found.size[1]}, the framed face will speak{others}.")

    def _start(self, work: Callable[[Progress, threading.Event], None]) -> None:
        """Run a job in the worker's thread, with its errors shown in one line."""

        def job(progress: Progress, cancel: threading.Event) -> None:
            try:
                work(progress, cancel)
            except Cancelled:
                self.say("Stopped. Finished segments are kept: Generate goes on where it was.")
            except LipSyncError as error:
                self.say(str(error), "bad")
            except Exception as error:  # a thread's traceback would be seen by nobody
                self.say(f"an inner failure ({type(error).__name__}: {error}); please report it", "bad")
            finally:
                self._working(False)

        if not self.worker.busy:
            self._working(True)
            self.worker.start(job)

    def _working(self, busy: bool) -> None:
        self.generate_button.disabled = self.preview_button.disabled = busy
        self.stop_button.disabled = not busy
        self.bar.layout.visibility = "visible" if busy else "hidden"
        self.bar.value = 0

    def _stop(self, _: Any) -> None:
        self.worker.stop()
        self.say("Stopping…")

    def _show_progress(self, stage: str, done: int, total: int, left: float | None) -> None:
        self.bar.value = done / max(1, total)
        rest = f", {left:.0f} s left" if left is not None and done < total else ""
        self.say(f"{stage}: {done} of {total}{rest}")

    def _prepare(self) -> Render:
        if not self.consent.value:
            raise InputError(f"tick the box first: “{CONSENT}”")
        if self.portrait.path is None:
            raise InputError("no portrait yet: upload a picture that shows a face from the front")
        output = self.host.output_folder / f"{self.portrait.path.stem}-talking.mp4"
        self.say("Reading portrait and voice…")
        return prepare(
            self.portrait.path,
            self.voice.speech(self._scratch),
            output,
            self.controls.settings(self.voice.known_text),
        )

    def _preview(self, progress: Progress, cancel: threading.Event) -> None:
        job = self._prepare()
        self.say("Drawing one frame…")
        self.picture.value = png(preview(job), PREVIEW_WIDTH * 2)
        self.picture.layout.display = ""
        self.say(describe(job.plan))

    def _generate(self, progress: Progress, cancel: threading.Event) -> None:
        job = self._prepare()
        self.after.layout.display = self.player.layout.display = "none"
        result = self.result = render(job, progress, cancel)
        seconds = result.plan.frames / float(result.plan.rate)
        self.player.value = preview_video(result.path, seconds, self._scratch)
        self.picture.layout.display, self.player.layout.display = "none", ""
        self.save_button.layout.display = "" if self.host.can_save else "none"
        self.after.layout.display = ""
        self.outcome.value = outcome(result, str(self.portrait.path), str(self.voice.file.path or "voice.wav"))
        self.say("Done.", "good")

    def _after(self, act: Callable[[Path], object]) -> None:
        if self.result is None:
            return
        try:
            act(self.result.path)
        except LipSyncError as error:
            self.say(str(error), "bad")

    def _save(self, path: Path) -> None:
        self.say(f"Saved as {self.host.save(path)}", "good")


def describe(plan: RenderPlan) -> str:
    """Return a plan in one line."""
    return f"{plan.width}×{plan.height}, {plan.frames} frames at {plan.fps} a second. " + "; ".join(plan.reasons) + "."


def outcome(result: RenderResult, portrait: str, voice: str) -> str:
    """Return where the video is and the shell line that makes it again, as HTML."""
    total = sum(result.seconds.values())
    line = command_line(portrait, voice, str(result.path), result.plan.settings)
    return (
        f"<p><b>{html.escape(str(result.path))}</b><br>{html.escape(describe(result.plan))} Made in {total:.0f} s.</p>"
        f"<p>The same from a shell:</p><pre style='white-space:pre-wrap'>{html.escape(line)}</pre>"
    )
