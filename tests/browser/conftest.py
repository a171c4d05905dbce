"""A browser, the two notebook servers, and a panel of its own for every test."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from notebook_server import PYTHON, ROOT, NotebookServer, serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from studio_page import StudioPage

# The quick tests' environment has no Playwright; that of the browser stage has, and fails where nothing was collected.
collect_ignore_glob = [] if importlib.util.find_spec("playwright") else ["test_*.py"]

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"),
)
ARTIFACTS = ROOT / "artifacts" / "browser"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of the stage: the one that BROWSER names, or Playwright's own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = os.environ.get("BROWSER") or None
        channel = None if path else "chromium"
        opened = playwright.chromium.launch(executable_path=path, channel=channel, args=list(FLAGS))
        try:
            yield opened
        finally:
            opened.close()


@pytest.fixture(scope="session", params=sorted(PYTHON))
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, weights_cache: str
) -> Iterator[NotebookServer]:
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    stack = request.param
    with serve(stack, tmp_path_factory.mktemp(stack), ARTIFACTS / f"{stack}.log", weights_cache) as running:
        yield running


@pytest.fixture()
def studio(server: NotebookServer, browser: Browser, request: pytest.FixtureRequest) -> Iterator[StudioPage]:
    """The panel in a fresh notebook with a fresh kernel; what was seen last is kept as a picture."""
    from studio_page import StudioPage

    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    name = re.sub(r"\W+", "_", request.node.name.removeprefix("test_"))
    shown = StudioPage(page, server, name, ARTIFACTS)
    try:
        shown.open()
        yield shown
    finally:
        page.screenshot(path=ARTIFACTS / f"{server.stack}-last-{name}.png")
        page.context.close()
        server.end_kernels()
