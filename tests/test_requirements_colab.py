"""What the notebooks install on Colab: resolved with dependencies against Colab's own list, nothing there moves."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from colab_packages import PYTHON, ROOT, canonical, frozen, lines_of, resolve

requirements = pytest.importorskip("packaging.requirements")

SURROUNDINGS = {
    **{"python_version": PYTHON, "python_full_version": f"{PYTHON}.15", "extra": ""},
    **{"sys_platform": "linux", "platform_machine": "x86_64", "platform_system": "Linux", "os_name": "posix"},
}
MOVABLE = ("absl-py",)
"""What a plain install may move. MediaPipe's metadata asks for absl-py 2.3 and Colab has 1.4, with which it runs: the
notebooks install it alone."""


def setup_list(name: str) -> list[str]:
    """A list of requirements that ``setup.py`` assigns to a name."""
    for node in ast.parse((ROOT / "setup.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return list(ast.literal_eval(node.value))
    raise AssertionError(f"setup.py has no list {name}")


def versions(report: list[dict[str, Any]]) -> dict[str, str]:
    metadata = [package["metadata"] for package in report]
    return {canonical(values["name"]): values["version"].split("+")[0] for values in metadata}


def unmet(lines: list[str], present: dict[str, str]) -> list[str]:
    """The requirements that a set of packages does not meet."""
    wanted = [requirements.Requirement(line) for line in lines]
    return [
        str(each)
        for each in wanted
        if (each.marker is None or each.marker.evaluate(SURROUNDINGS))
        and not each.specifier.contains(present.get(canonical(each.name), "0.dev0"), prereleases=True)
    ]


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Colab's packages after ``pip install -r requirements-colab.txt``; moving one of them fails here."""
    report = resolve(tmp_path_factory.mktemp("index"), lines_of("requirements-colab.txt"))
    return {**frozen(), **versions(report)}


def test_the_requirements_name_only_what_colab_lacks(runtime: dict[str, str]) -> None:
    named = {canonical(requirements.Requirement(line).name) for line in lines_of("requirements-colab.txt")}
    assert named.isdisjoint(frozen())
    assert {name: runtime[name] for name in frozen()} == frozen()


def test_the_package_itself_then_lacks_nothing(runtime: dict[str, str]) -> None:
    alone = dict(line.split("==") for line in lines_of("requirements-colab-alone.txt"))
    assert unmet(setup_list("BASE"), {**runtime, **alone}) == []


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What ``pip install lipsync-colab`` would bring, were these let go, and what is installed alone."""
    return resolve(
        tmp_path_factory.mktemp("index"), [*setup_list("BASE"), *lines_of("requirements-colab-alone.txt")], MOVABLE
    )


def test_a_plain_install_moves_nothing_else(plain: list[dict[str, Any]]) -> None:
    moved = {name for name, found in versions(plain).items() if frozen().get(name, found) != found}
    assert moved == set(MOVABLE)


def test_what_is_installed_alone_runs_with_what_is_there(plain: list[dict[str, Any]], runtime: dict[str, str]) -> None:
    metadata = {canonical(package["metadata"]["name"]): package["metadata"] for package in plain}
    for line in lines_of("requirements-colab-alone.txt"):
        name, version = line.split("==")
        assert metadata[name]["version"] == version
        lacking = [requirements.Requirement(each).name for each in unmet(metadata[name]["requires_dist"], runtime)]
        assert lacking == list(MOVABLE)


def test_a_package_that_would_move_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="ipywidgets"):
        resolve(tmp_path, ["ipywidgets>=8"])
