"""Renders that begin with words: a prompt, a script or a storyboard."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipsync_colab.cli.progress import progress_for
from lipsync_colab.cli.results import print_plans, print_storyboard
from lipsync_colab.errors import InputError
from lipsync_colab.types import Progress, RenderSettings

if TYPE_CHECKING:
    from lipsync_colab.narrate.script import Script
    from lipsync_colab.narrate.storyboard import Storyboard

WRITING = {"seconds": 20.0, "llm": "auto", "language": "en", "style": ""}
"""Options that only a written text has, with their defaults."""
VOICE = "hibari"


def add_told(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is told; none has a default, so that a contradiction can be seen."""
    add = parser.add_argument
    add("--narrate", metavar="PROMPT", help="a language model writes about it, a voice speaks it")
    add("--script", type=Path, metavar="script.json", help="what is spoken; with --narrate where the script is written")
    add("--storyboard", type=Path, metavar="FILE", help="several scenes, each with its portrait and voice")
    add("--seconds", type=float, metavar="N", help="--narrate: how long it should take, within 10 %% (20)")
    add("--llm", metavar="NAME", help="--narrate: auto, embedded, mistral-v0.3 …; see 'narrate --help'")
    add("--voice", metavar="NAME", help="--narrate, --script: who speaks (hibari)")
    add("--language", help="--narrate: of the text and the voice (en)")
    add("--style", help="--narrate: further wishes for the text")


def check_sources(options: argparse.Namespace) -> str:
    """Return what is heard: ``"audio"``, ``"narrate"``, ``"script"`` or ``"storyboard"``.

    Raises:
        InputError: nothing is, or two contradict each other.
    """
    told = {"--narrate": options.narrate, "--script": options.script, "--storyboard": options.storyboard}
    given = [name for name, value in told.items() if value is not None]
    if options.audio is not None and given:
        raise InputError(f"both {options.audio.name} and {given[0]} say what is heard: leave one of them out")
    kind = "storyboard" if options.storyboard else "narrate" if options.narrate is not None else "script"
    kind = kind if given else "audio"
    if kind == "storyboard":
        _refuse(options, ("portrait", "narrate", "script", "voice", *WRITING), "the storyboard's scenes have their own")
    elif options.portrait is None:
        raise InputError("no portrait was given: name a picture, or give --storyboard FILE")
    elif kind == "audio":
        if options.audio is None:
            raise InputError("nothing is heard: give AUDIO, --narrate PROMPT, --script FILE or --storyboard FILE")
        _refuse(options, ("voice", *WRITING), "it belongs to --narrate, and a recording is heard")
    elif kind == "script":
        _refuse(options, tuple(WRITING), "it belongs to --narrate, and the script is there already")
    if kind != "audio" and options.text:
        raise InputError(f"--text is what a recording says, and --{kind} has a text of its own: leave it out")
    return kind


def _refuse(options: argparse.Namespace, names: tuple[str, ...], reason: str) -> None:
    for name in names:
        if getattr(options, name) is not None:
            shown = "PORTRAIT" if name == "portrait" else f"--{name}"
            raise InputError(f"{shown} says nothing here: {reason}")


def run_told(options: argparse.Namespace, settings: RenderSettings) -> int:
    """Write what has to be written, render the scenes, and say where the video is."""
    from lipsync_colab.narrate.storyboard import read_storyboard
    from lipsync_colab.pipeline.storyboard import prepare_storyboard, run_storyboard

    notes: list[str] = []
    with progress_for(options.quiet, options.json) as progress:
        if options.storyboard:
            board = read_storyboard(options.storyboard)
        else:
            board, notes = _told_board(options, settings, progress)
            settings = dataclasses.replace(settings, face=None)
        reel = prepare_storyboard(
            board, options.output, settings, options.work, progress=progress, probe=options.plan_only
        )
        if options.plan_only:
            print_plans(reel.plans, options.json)
            return 0
        keep = bool(options.storyboard)
        result = run_storyboard(reel, progress, resume=not options.no_resume, keep=keep, notes=notes)
    print_storyboard(result, options.quiet, options.json, str(reel.work) if keep else "")
    return 0


def _told_board(
    options: argparse.Namespace, settings: RenderSettings, progress: Progress
) -> tuple[Storyboard, list[str]]:
    """Return one portrait's storyboard, of a script that is read or written first."""
    from lipsync_colab.narrate.script import Scene, Script, read_script, write_script
    from lipsync_colab.narrate.storyboard import storyboard_of
    from lipsync_colab.pipeline.storyboard import check_request
    from lipsync_colab.portrait import load_portrait

    voice = options.voice or VOICE
    load_portrait(options.portrait, options.face)
    plain = dataclasses.replace(settings, face=None)
    notes: list[str] = []
    if options.narrate is None:
        script = read_script(options.script)
    else:
        _check_wishes(options, voice)
        # What cannot be rendered is refused before a model has written for minutes.
        sample = storyboard_of(
            Script((Scene("Hello.", _wishes(options)["language"]),)), options.portrait, voice, options.face
        )
        check_request(sample, options.output, plain)
        script, notes = _written(options, voice, progress)
        if options.script:
            write_script(options.script, script)
    return storyboard_of(script, options.portrait, voice, options.face), notes


def _wishes(options: argparse.Namespace) -> dict[str, Any]:
    return {
        name: default if getattr(options, name) is None else getattr(options, name) for name, default in WRITING.items()
    }


def _check_wishes(options: argparse.Namespace, voice: str) -> None:
    from lipsync_colab.narrate.narration import check_request

    asked = _wishes(options)
    check_request(options.narrate, asked["seconds"], asked["language"], voice, asked["style"], options.seed)
    if options.script and not options.script.absolute().parent.is_dir():
        raise InputError(f"{options.script} cannot be written: choose a file in a folder that exists with --script")


def _written(options: argparse.Namespace, voice: str, progress: Progress) -> tuple[Script, list[str]]:
    """Let a model write; it is closed, and its memory free, before anything is rendered."""
    from lipsync_colab.narrate.borrowed_model import BorrowedModel
    from lipsync_colab.narrate.narration import narrate

    asked = _wishes(options)
    with BorrowedModel(asked["llm"], options.device, progress) as borrowed:
        said = narrate(
            borrowed.model,
            options.narrate,
            asked["seconds"],
            asked["language"],
            voice,
            asked["style"],
            options.seed,
            progress,
        )
    return said.script, [borrowed.reason, *said.script.notes, borrowed.account]
