"""The Studio: a portrait and a voice on top, one button, everything else under Advanced with working defaults."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets

from lipsync_colab.device import inspect_machine
from lipsync_colab.errors import InputError
from lipsync_colab.estimate import estimate
from lipsync_colab.panel.controls import PRICE, Controls
from lipsync_colab.panel.engine_facts import engine_facts, engine_table, needed_rows
from lipsync_colab.panel.host import Host, LocalHost
from lipsync_colab.panel.licence import LicenceBox
from lipsync_colab.panel.look import asset, classed, column, heading, note, row, shown, style_sheet
from lipsync_colab.panel.making import listen, make_preview, make_video, output_of, write_script
from lipsync_colab.panel.offers import duration, rounded
from lipsync_colab.panel.order import RECORDING, TEXT, Order
from lipsync_colab.panel.portrait import PortraitSource
from lipsync_colab.panel.result import ResultView
from lipsync_colab.panel.session import session_of
from lipsync_colab.panel.settings_box import SettingsBox
from lipsync_colab.panel.unfinished import find_unfinished
from lipsync_colab.panel.voice import VoiceSource
from lipsync_colab.panel.worker import Run, Step, Worker
from lipsync_colab.probe import probed
from lipsync_colab.types import Portrait
from lipsync_colab.weights.store import Store

CONSENT = "I have the right to use this face and this voice"
STAGES = {
    "frames": "Drawing frames",
    "sentences": "Speaking sentences",
    "tokens": "Writing words",
    "upscale": "Sharpening the picture",
}
"""Names of stages for people; others (files that are fetched) are counted in bytes."""


class Studio:
    """The panel; show it with :meth:`show`, or as a cell's last line.

    Run again in the same kernel it finds its running job; in a new one, the last choices and unfinished renders of
    the host's folder.

    Args:
        host: Colab's or a local one.
    """

    def __init__(self, host: Host | None = None) -> None:
        self.host = host or LocalHost()
        self._ready = False
        self.session = session_of(self.host.output_folder)
        self._machine = probed(inspect_machine(folder=self.session.folder))
        home = self.session.home
        self.portrait = PortraitSource(self.host, home, self._portrait_changed)
        self.voice = VoiceSource(self.host, home, self._changed)
        self.controls = Controls(self._machine, self.host, home, self._changed)
        self.settings = SettingsBox(self.controls.fill)
        self.result = ResultView(self.host, self.session.say)
        self.licence = LicenceBox()
        self._make_widgets()
        self.widget = self._lay_out()
        self._restore()
        self._ready = True
        self._changed()
        self.session.attach(self)

    @property
    def worker(self) -> Worker:
        """What runs the jobs."""
        return self.session.worker

    def _make_widgets(self) -> None:
        self.consent = widgets.Checkbox(value=False, description=CONSENT, indent=False)
        self.engine_facts, self.engine_table = widgets.HTML(), widgets.HTML()
        self.cost, self.waiting = widgets.HTML(), widgets.HTML()
        self.generate_button = classed(widgets.Button(description="Generate", icon="play"), "lsc-primary")
        self.preview_button = widgets.Button(description="Preview one frame", icon="picture-o")
        self.stop_button = widgets.Button(description="Stop", icon="stop", disabled=True)
        self.bar = classed(widgets.FloatProgress(min=0, max=1), "lsc-bar")
        self.status, self.log = widgets.HTML(), widgets.HTML()
        self.generate_button.on_click(lambda _: self._start(self._generate))
        self.preview_button.on_click(lambda _: self._start(self._preview))
        self.voice.listen.on_click(lambda _: self._start(self._listen))
        self.voice.idea.write.on_click(lambda _: self._start(self._write))
        self.stop_button.on_click(lambda _: self.session.stop())
        self.consent.observe(lambda _: self._changed(), names="value")

    def _lay_out(self) -> widgets.VBox:
        facts = self.host.facts()
        about = " · ".join(f"{name}: {fact}" for name, fact in facts.items())
        title = widgets.HTML(
            f"<div class='lsc-title'><b>LipSync Studio</b><small>{html.escape(about)}</small></div>"
            "<div>A portrait and a voice become a talking video.</div>"
        )
        left = column(heading("1", "Portrait"), self.portrait.widget, classes="lsc-card")
        right = column(heading("2", "Voice"), self.voice.widget, classes="lsc-card")
        price = widgets.HTML(f"<div class='lsc-facts'>{PRICE}</div>")
        third = (self.controls.first, price, self.engine_facts, self.licence.widget)
        asides = (self.engine_table, self.controls.refused)
        video = column(heading("3", "Video"), *third, *asides, self.controls.advanced, classes="lsc-card")
        buttons = row(self.generate_button, self.preview_button, self.stop_button, self.cost)
        fourth = (self.waiting, self.consent, buttons, self.bar, self.status, self.result.widget)
        made = column(heading("4", "Talking video"), *fourth, classes="lsc-card")
        more = widgets.Accordion(children=[self.settings.widget, self.log], selected_index=None)
        more.set_title(0, "Settings and command line")
        more.set_title(1, "Log")
        rows = [style_sheet(), title, row(left, right, classes="lsc-pair"), video, made, more]
        if self.host.hint:
            rows.append(widgets.HTML(f"<div class='lsc-facts'>{html.escape(self.host.hint)}</div>"))
        return column(*rows, classes="lsc")

    def show(self) -> None:
        """Display the panel in the notebook."""
        from IPython.display import HTML, display

        display(self.widget)
        display(HTML(f"<script>{asset('uploads.js')}{asset('links.js')}</script>"))

    def _ipython_display_(self) -> None:
        self.show()

    @property
    def order(self) -> Order:
        """What is chosen now."""
        return Order(
            portrait=str(self.portrait.file.path or ""),
            mode=RECORDING if self.voice.recorded else TEXT,
            text=str(self.voice.text.value),
            voice=str(self.voice.voice.value),
            recording=str(self.voice.file.path or ""),
            words=str(self.voice.words.value),
            settings=dataclasses.replace(self.controls.settings, face=self.portrait.number),
        )

    def _restore(self) -> None:
        """Show what was chosen last in this folder."""
        state = self.session.load()
        try:
            order = Order.from_json(state["order"])
        except (KeyError, TypeError, AttributeError, InputError):
            return
        self.controls.fill(order.settings)
        self.voice.text.value, self.voice.words.value = order.text, order.words
        if order.voice in [name for _, name in self.voice.voice.options]:
            self.voice.voice.value = order.voice
        if order.recording:
            self.voice.file.take(Path(order.recording))
        if order.portrait:
            self.portrait.take(Path(order.portrait), order.settings.face)
        self.voice.mode.value = order.mode
        self.consent.value = bool(state.get("consent"))

    def _portrait_changed(self, portrait: Portrait | None) -> None:
        if self._ready:
            self.controls.suit(portrait)

    def _changed(self) -> None:
        """Show and keep what follows from the choices."""
        if not self._ready:
            return
        order, store = self.order, Store()
        state = self.session.load()
        now = {**state, "order": order.to_json(), "consent": self.consent.value}
        if now != state and not self.session.worker.busy:
            self.session.keep(now)
        self.engine_facts.value = engine_facts(order.settings, store)
        compared = engine_table(store)
        if self.engine_table.value != compared:  # unfolded, it stays unfolded
            self.engine_table.value = compared
        self.licence.show(needed_rows(order.settings, store))
        self.cost.value = self._cost(order)
        waiting = find_unfinished(self.session.folder, state.get("render"))
        same = waiting is not None and state.get("ordered") == order.to_json()
        busy = self.session.worker.busy
        self.waiting.value = note(f"An unfinished video: {waiting}", "good") if same and not busy else ""
        voice = order.recording if self.voice.recorded else "voice.wav"
        self.settings.show(order.render_settings, order.portrait, voice, str(output_of(self.session, order)))

    def _cost(self, order: Order) -> str:
        """Return what the video will take, in a sentence."""
        try:
            cost = estimate(order.settings, self._machine, self.controls.portrait)
        except InputError as error:
            return note(str(error), "bad")
        if cost.refusal:
            return note(f"This machine cannot run it: it {cost.refusal}", "bad")
        memory = f"{(cost.memory + cost.device_memory) / 1e9:.1f} GB of memory"
        seconds = self.voice.seconds
        took = f"about {duration(cost.total(seconds))} for {duration(seconds)} of video" if seconds else ""
        took = took or f"about {rounded(cost.per_second)} s for each second of video"
        return f"<div class='lsc-facts'>Estimate: {took}, {memory}.</div>"

    def _start(self, work: Callable[[Order, Run], None]) -> None:
        order = self.order
        self.session.start(lambda run: work(order, run))

    def _consented(self) -> None:
        if not self.consent.value:
            raise InputError(f"tick the box first: “{CONSENT}”")

    def _generate(self, order: Order, run: Run) -> None:
        self._consented()
        make_video(self.session, order, self.host.embed, run)

    def _preview(self, order: Order, run: Run) -> None:
        self._consented()
        make_preview(self.session, order, run)

    def _listen(self, order: Order, run: Run) -> None:
        run.say("Speaking the text…")
        self.voice.play(listen(self.session, order, self.host.embed, run))
        run.say("This is how it will sound.")

    def _write(self, order: Order, run: Run) -> None:
        write_script(self.session, self.voice.idea.request(order.voice, order.settings.seed), run)

    def refresh(self) -> None:
        """Show the session as it is now; called from any thread."""
        session = self.session
        busy = session.worker.busy
        for button in (self.generate_button, self.preview_button, self.voice.listen, self.voice.idea.write):
            button.disabled = busy
        self.stop_button.disabled = not busy
        if session.script:
            self.voice.text.value, session.script = session.script, ""
        self.result.show(session.outcome)
        step = session.step if busy else None
        shown(self.bar, busy)
        self.bar.value = step.done / max(1, step.total) if step else 0.0
        self.status.value = note(said(step), "info") if step else note(session.text, session.kind)
        self.log.value = f"<pre class='lsc-log'>{html.escape(session.log) or 'Nothing yet.'}</pre>"
        if not busy and self._ready:
            self._changed()


def said(step: Step) -> str:
    """Return how far a stage is, for people."""
    if step.stage in STAGES:
        rate = f", {rounded(step.rate)} {'fps' if step.stage == 'frames' else 'a second'}" if step.rate else ""
        text = f"{STAGES[step.stage]}: {step.done} of {step.total}{rate}"
    else:
        text = f"Fetching {step.stage}: {step.done / 1e6:.0f} of {step.total / 1e6:.0f} MB"
    left = step.left
    return f"{text}, {duration(left)} left" if left is not None and step.done < step.total else text
