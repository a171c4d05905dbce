"""``lipsync-colab render``: a portrait and a voice, a prompt, a script or a storyboard to a video."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from lipsync_colab.cli.progress import progress_for
from lipsync_colab.cli.results import print_plan, print_result
from lipsync_colab.cli.sign import add_credentials, credentials_from
from lipsync_colab.cli.told import add_told, check_sources, run_told
from lipsync_colab.errors import InputError
from lipsync_colab.types import RenderSettings

_DEFAULTS = RenderSettings()
_FIELDS = {field.name for field in dataclasses.fields(RenderSettings)}


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("render", help="a portrait and a voice to a talking video")
    parser.add_argument("portrait", type=Path, nargs="?", metavar="PORTRAIT", help="PNG, JPEG, WebP, BMP or TIFF")
    parser.add_argument(
        "audio", type=Path, nargs="?", metavar="AUDIO", help="wav, flac, mp3, m4a, ogg, or a video's sound"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.mp4")
    add_told(parser)
    add_settings(parser)
    add_credentials(parser)
    add_reporting(parser)
    parser.set_defaults(run=run)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add every option that becomes a field of :class:`RenderSettings`."""
    add = parser.add_argument
    add("--engine", default=_DEFAULTS.engine, help="auto, viseme, wav2lip, sadtalker, audio2head, hallo; see 'engines'")
    add("--text", default="", help="what is said: exact lips by forced alignment (English)")
    add("--face", type=int, default=None, metavar="N", help="which face speaks, 1 the largest")
    add("--size", default=_DEFAULTS.size, help="1080p, 1440p, 2160p (the short side) or WxH")
    add("--aspect", default=_DEFAULTS.aspect, help="match, 1:1, 16:9 or 9:16")
    add("--background", default=_DEFAULTS.background, metavar="blur|#RRGGBB|FILE", help="what fills an aspect's sides")
    add("--fps", default=_DEFAULTS.fps, help="frames per second: 25, 29.97, 30000/1001 …")
    add("--restore", default=_DEFAULTS.restore, help="none, gfpgan, codeformer, restoreformer")
    add("--strength", type=float, default=_DEFAULTS.strength, metavar="0..1", help="of the restorer")
    add("--upscale", default=_DEFAULTS.upscale, help="auto, none, or a model; see the README")
    rate = parser.add_mutually_exclusive_group()
    rate.add_argument("--bitrate", default="", metavar="8M", help="a mean rate")
    rate.add_argument("--crf", type=int, default=_DEFAULTS.crf, help="constant quality, lower is better")
    add("--container", default="", metavar="mp4|mov|mkv|webm", help="by the output's ending when not given")
    add("--device", default=_DEFAULTS.device, help="auto, cpu or cuda")
    add("--seed", type=int, default=_DEFAULTS.seed, help="of blinks and idle motion")
    add("--head-motion", type=float, default=_DEFAULTS.head_motion, metavar="0..2")
    add("--expression", type=float, default=_DEFAULTS.expression, metavar="0..2")
    add("--blink", type=float, default=_DEFAULTS.blink, metavar="0..2")
    add("--still", action="store_true", help="no head motion; lids still blink")
    add("--label", action="store_true", help="a visible plate: AI-generated")
    add("--watermark", action="store_true", help="an invisible mark in the picture; 'verify' reads it back")
    add("--captions", default=_DEFAULTS.captions, metavar="none|srt|burn|both", help="beside the video, or in it")
    add("--option", action="append", default=[], metavar="NAME=VALUE", help="a choice of the engine's own")
    add("--renderer", default="", help="sadtalker: facevid2vid or pirender")


def add_reporting(parser: argparse.ArgumentParser) -> None:
    """Add the options on planning, resuming and talking."""
    add = parser.add_argument
    add("--plan-only", action="store_true", help="print the plan and its reasons, and stop")
    add("--no-resume", action="store_true", help="do not use an interrupted run's segments")
    add("--work", type=Path, default=None, metavar="FOLDER", help="where segments are kept; beside the output")
    add("--quiet", action="store_true")
    add("--json", action="store_true", help="progress and result as JSON lines")


def settings_from(options: argparse.Namespace) -> RenderSettings:
    """Return the settings that the options stand for.

    Raises:
        InputError: an ``--option`` without ``=``.
    """
    values = {name: value for name, value in vars(options).items() if name in _FIELDS}
    choices = dict(_choice(text) for text in options.option)
    if options.renderer:
        choices["renderer"] = options.renderer
    return RenderSettings(**values, options=tuple(sorted(choices.items())))


def _choice(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InputError(f"--option {text}: write NAME=VALUE")
    return name, value


def run(options: argparse.Namespace) -> int:
    """Render, say where the video is, and sign it when credentials are given."""
    credentials = credentials_from(options)
    if credentials is None or options.plan_only:
        return _render(options)
    from lipsync_colab.marks.credentials import check
    from lipsync_colab.pipeline.signing import sign_video

    check(credentials, options.output)
    code = _render(options)
    sign_video(options.output, credentials)
    return code


def _render(options: argparse.Namespace) -> int:
    if check_sources(options) != "audio":
        return run_told(options, settings_from(options))
    from lipsync_colab.pipeline.render import prepare
    from lipsync_colab.pipeline.render import run as render

    settings = settings_from(options)
    job = prepare(options.portrait, options.audio, options.output, settings, options.work, probe=options.plan_only)
    if options.plan_only:
        print_plan(job.plan, options.json)
        return 0
    with progress_for(options.quiet, options.json) as progress:
        result = render(job, progress, resume=not options.no_resume)
    print_result(result, options.quiet, options.json)
    return 0
