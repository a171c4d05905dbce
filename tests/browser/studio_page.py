"""The panel as a person uses it: upload, write, tick, press, look."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from notebook_server import NotebookServer
from playwright.sync_api import Locator, Page, expect

SECOND = 1000.0
PATIENCE = 180 * SECOND
"""Milliseconds that any state may take on a busy machine; nothing is slept through."""
expect.set_options(timeout=PATIENCE)
FOLDS = ".p-Collapse-header, .lm-Collapse-header, .jupyter-widget-Collapse-header"
RUN_ALL = {
    "notebook7": "jupyterapp.commands.execute('notebook:run-all-cells')",
    "classic6": "Jupyter.notebook.execute_all_cells()",
}
IS_LOADED = {
    "notebook7": "window.jupyterapp?.commands?.hasCommand('notebook:run-all-cells')",
    "classic6": "window.Jupyter?.notebook?.kernel?.is_connected() && Jupyter.notebook.kernel.widget_manager",
}
ARE_WIDGETS_RESTORED = {
    "notebook7": "true",
    "classic6": "Jupyter.notebook.kernel.widget_manager._loadFromKernel()",
}
"""Classic Notebook asks a new kernel for its widgets and then draws every output anew; a cell that was run meanwhile
loses its output. The kernel answers in order: when a second question is answered, the first one is done with."""
NOTICE = ".modal.in .modal-footer .btn-primary, .jp-Dialog .jp-mod-accept"
"""The button of the notebook's own notice that a kernel died and starts again; a person clicks it away."""
WIDTHS = (800, 1280)
PROGRESS = r"Drawing frames: (\d+) of (\d+)"

RECORD_PROGRESS = """pattern => {
  window.seen = [];
  window.bars = [];
  const look = () => {
    const panel = document.querySelector(".lsc");
    const found = panel?.innerText.match(new RegExp(pattern));
    if (!found || window.seen.at(-1) === Number(found[1])) return;
    window.seen.push(Number(found[1]));
    window.bars.push(panel.querySelector(".lsc-bar .progress-bar")?.getBoundingClientRect().width ?? 0);
  };
  window.observer?.disconnect();
  window.observer = new MutationObserver(look);
  window.observer.observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
}"""
PRESS_AND_TIME = """async ([stop, generate]) => {
  const pressed = performance.now();
  stop.click();
  while (generate.disabled) {
    if (performance.now() - pressed > 60000) throw new Error("Generate is still disabled after a minute");
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  return performance.now() - pressed;
}"""
PLAY = """async video => {
  await video.play();
  const from = video.currentTime, began = performance.now();
  while (video.currentTime < from + 0.3 && !video.ended) {
    if (performance.now() - began > 60000) throw new Error(`the video stands still at ${video.currentTime} s`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  video.pause();
  return {width: video.videoWidth, height: video.videoHeight, seconds: video.duration, moved: video.currentTime - from,
          sound: video.webkitAudioDecodedByteCount, picture: video.webkitVideoDecodedByteCount};
}"""
CUT_OFF = """async ([panel, patience]) => {
  const told = one => `${one.tagName}.${one.className}: ${one.innerText?.slice(0, 80)}`;
  const texts = "button, label, .widget-label, .widget-html-content, .lsc-heading, .lsc-title";
  const page = document.documentElement;
  const look = () => {
    const edge = panel.getBoundingClientRect().right + 1;
    const seen = [...panel.querySelectorAll("*")]
      .filter(one => one.getClientRects().length && !one.matches("option") && !one.closest("pre"));
    return [
      ...(page.scrollWidth > page.clientWidth ? [`the page: ${page.scrollWidth} > ${page.clientWidth}`] : []),
      ...(panel.scrollWidth > panel.clientWidth ? [`the panel: ${panel.scrollWidth} > ${panel.clientWidth}`] : []),
      ...(edge > page.clientWidth + 1 ? ["the panel's right edge is outside of the page"] : []),
      ...seen.filter(one => one.getBoundingClientRect().right > edge).map(one => `outside: ${told(one)}`),
      ...seen.filter(one => one.matches(texts) && one.scrollWidth > one.clientWidth + 1)
        .map(one => `cut: ${told(one)}`),
    ];
  };
  const began = performance.now();
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  while (look().length && performance.now() - began < patience)
    await new Promise(resolve => setTimeout(resolve, 50));
  return look();
}"""
"""What is still wider than its place when the notebook has had its time: it lays itself out some time after the window
has changed."""
LAYOUT_PATIENCE = 30 * SECOND
UNLABELLED = """panel => [...panel.querySelectorAll("input, select, textarea, button")]
  .filter(one => one.getClientRects().length && one.type !== "file" && one.type !== "hidden")
  .filter(one => {
    const box = one.closest(".jupyter-widgets");
    const words = [one.matches("button") && one.textContent, one.labels?.[0]?.textContent,
                   box?.querySelector("label, .widget-label")?.textContent];
    return !words.some(text => text && text.trim());
  })
  .map(one => one.outerHTML.slice(0, 200))"""


class StudioPage:
    """One panel on one page.

    Args:
        page: an empty page.
        server: what serves the notebook.
        name: of the notebook's folder; a kernel works there.
        artifacts: where pictures are kept.
    """

    def __init__(self, page: Page, server: NotebookServer, name: str, artifacts: Path) -> None:
        self.page, self.server, self._artifacts = page, server, artifacts
        self.folder = server.folder / name
        self.videos = self.folder / "videos"
        self._address = server.add_notebook(name)
        page.set_default_timeout(PATIENCE)
        page.on("dialog", lambda dialog: dialog.accept())
        page.add_locator_handler(page.locator(NOTICE).first, lambda notice: notice.click())
        self.panel = page.locator(".lsc:not(.before)").first

    def open(self) -> None:
        """Open the notebook in a page that knows nothing of an earlier visit, and run its cell."""
        self.page.goto(self._address, wait_until="domcontentloaded")
        self.page.wait_for_function(IS_LOADED[self.server.stack])
        self.server.wait_for_kernel()
        self.page.evaluate(ARE_WIDGETS_RESTORED[self.server.stack])
        self.run_cell()

    def run_cell(self) -> None:
        """Run the cell and wait for the panel that it makes, not one that an earlier run left."""
        self.page.evaluate("document.querySelectorAll('.lsc').forEach(one => one.classList.add('before'))")
        self.page.evaluate(RUN_ALL[self.server.stack])
        self.button("Generate").wait_for()
        self.panel.locator(".lsc-file[data-watched]").first.wait_for(state="attached")

    def button(self, label: str) -> Locator:
        return self.panel.locator("button").filter(has_text=re.compile(rf"^\s*{label}\b")).first

    def upload(self, label: str, path: Path) -> None:
        """Choose a file in the browser's dialogue."""
        with self.page.expect_file_chooser() as chooser:
            self.button(label).click()
        chooser.value.set_files(path)

    def receipt(self) -> Locator:
        """Return what the panel says of the portrait's file."""
        return self.panel.locator(".lsc-file [data-received]").first

    def thumbnail(self) -> Locator:
        return self.panel.locator("img.lsc-picture").first

    def write(self, text: str) -> None:
        self._fill(self.panel.locator('textarea[placeholder^="Write what"]'), text)

    def type_portrait_path(self, path: str) -> None:
        box = self.panel.locator('.lsc-file input[placeholder="folder/file"]').first
        box.fill(path)
        box.press("Enter")

    def consent(self) -> None:
        self.panel.locator(".widget-checkbox").filter(has_text="I have the right").locator("input").check()

    def make_ready(self, portrait: Path, text: str) -> None:
        """Give the panel all that Generate asks for."""
        self.upload("Upload a portrait", portrait)
        expect(self.receipt()).to_contain_text("face found")
        self.write(text)
        self.consent()

    def fold(self, title: str) -> Locator:
        return self.panel.locator(FOLDS).filter(has_text=title).first

    def apply_settings(self, text: str) -> None:
        """Paste settings as JSON, as a person does who got them from another."""
        self.fold("Settings").click()
        area = self.panel.locator(".lsc-code textarea")
        area.wait_for()
        self._fill(area, text)
        self.button("Apply").click()
        self.says("Settings loaded")
        self.fold("Settings").click()

    def generate(self) -> None:
        """Press Generate, and from then on keep each frame number that the panel shows."""
        self.record()
        self.button("Generate").click()

    def record(self) -> None:
        self.page.evaluate(RECORD_PROGRESS, PROGRESS)

    def progress(self, values: int) -> list[int]:
        """Return the frame numbers shown so far, once there are this many different ones."""
        self.page.wait_for_function("count => new Set(window.seen).size >= count", arg=values)
        return list(self.page.evaluate("window.seen"))

    def stop(self) -> float:
        """Press Stop and return the seconds, by the page's own clock, until Generate can be pressed again."""
        ends = [self.button(name).element_handle() for name in ("Stop", "Generate")]
        return float(self.page.evaluate(PRESS_AND_TIME, ends)) / SECOND

    def says(self, words: str) -> None:
        """Wait until the panel says something in one of its notes."""
        expect(self.panel.locator(".lsc-note").filter(has_text=words).first).to_be_visible()

    def is_free(self) -> None:
        expect(self.button("Generate")).to_be_enabled()
        expect(self.button("Stop")).to_be_disabled()

    def picture(self, moment: str) -> None:
        """Keep the whole panel as it looks in a narrow and in a wide window; the page is as high as it needs."""
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 3400})
            self.panel.scroll_into_view_if_needed()
            self.panel.screenshot(path=self._artifacts / f"{self.server.stack}-{moment}-{width}.png")
        self.page.set_viewport_size({"width": 1280, "height": 1000})

    def cut_off(self) -> list[str]:
        """Return what is wider than its place in a narrow or in a wide window, each in a few words."""
        told = []
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 1000})
            found = self.page.evaluate(CUT_OFF, [self.panel.element_handle(), LAYOUT_PATIENCE])
            told += [f"{width}: {one}" for one in found]
        return told

    def unlabelled(self) -> list[str]:
        """Return the visible controls beside which no words stand."""
        return list(self.panel.evaluate(UNLABELLED))

    @staticmethod
    def _fill(area: Locator, text: str) -> None:
        area.fill(text)
        area.dispatch_event("change")


def play(page: Page, video: Locator) -> dict[str, Any]:
    """Play a video for a moment; return its size, its length, how far it came and how many bytes were decoded."""
    video.wait_for()
    page.wait_for_function("one => one.readyState >= 2", arg=video.element_handle())
    return dict(video.evaluate(PLAY))
