"""``lipsync-colab narrate``: a prompt, a document or a script to a voice."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from lipsync_colab.cli.progress import progress_for
from lipsync_colab.errors import InputError
from lipsync_colab.types import Progress

LARGEST_DOCUMENT = 1_000_000
"""Bytes."""


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("narrate", help="a prompt to a script, and the script to a voice")
    add = parser.add_argument
    add("prompt", nargs="?", default="", metavar="PROMPT", help="what to speak about; without it --script is read")
    add("-o", "--output", type=Path, required=True, metavar="speech.wav")
    add("--document", type=Path, metavar="FILE", help="a text to speak about, after the prompt if there is one")
    add("--script", type=Path, metavar="script.json", help="where the script is written, or read without a prompt")
    add("--llm", default="auto", metavar="NAME", help="auto, embedded, mistral-v0.3, openhermes-2.5, llama3-8b …")
    add("--voice", default="hibari", metavar="NAME", help="hibari, joe, another of `voices`, or a Piper .onnx")
    add("--language", default="en", help="of the script and the voice")
    add("--seconds", type=float, default=20.0, metavar="N", help="how long it should take, within 10 %%")
    add("--style", default="", help="further wishes for the text; the embedded model takes none")
    add("--device", default="auto", help="auto, cpu or cuda: where the language model runs")
    add("--seed", type=int, default=0)
    add("--quiet", action="store_true")
    add("--json", action="store_true", help="progress and result as JSON lines")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write or read a script, speak it, and say what came of it."""
    from lipsync_colab.narrate.narration import speak_script
    from lipsync_colab.narrate.script import read_script, write_script

    _check_folders(options)
    prompt = _prompt(options)
    with progress_for(options.quiet, options.json) as progress:
        if prompt:
            said, reason = _written(options, prompt, progress)
        elif options.script:
            said, reason = speak_script(read_script(options.script), options.voice, options.seed, progress), ""
        else:
            raise InputError("there is nothing to speak about: give a PROMPT, --document FILE or --script FILE")
    said.write(options.output)
    if prompt and options.script:
        write_script(options.script, said.script)
    _report(options, said, reason)
    return 0


def _written(options: argparse.Namespace, prompt: str, progress: Progress) -> tuple[Any, str]:
    from lipsync_colab.narrate.borrowed_model import BorrowedModel
    from lipsync_colab.narrate.narration import check_request, narrate

    check_request(prompt, options.seconds, options.language, options.voice, options.style, options.seed)
    with BorrowedModel(options.llm, options.device, progress) as borrowed:
        said = narrate(
            borrowed.model,
            prompt,
            options.seconds,
            options.language,
            options.voice,
            options.style,
            options.seed,
            progress,
        )
    return said, borrowed.reason


def _prompt(options: argparse.Namespace) -> str:
    asked = str(options.prompt)
    if options.document is None:
        if not asked.strip() and not options.script:
            raise InputError("the prompt is empty: say what to speak about, or give --document or --script")
        return asked
    try:
        if options.document.stat().st_size > LARGEST_DOCUMENT:
            raise InputError(f"{options.document.name} has more than {LARGEST_DOCUMENT:,} bytes: give a part of it")
        text = options.document.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{options.document.name} cannot be read ({error}): give a text file in UTF-8") from error
    if not text.strip():
        raise InputError(f"{options.document.name} is empty: give a text file")
    return f"{asked}\n\n{text}".strip()


def _check_folders(options: argparse.Namespace) -> None:
    """Find out before minutes of writing that a result could not be kept."""
    if options.output.suffix.lower() != ".wav":
        raise InputError(f"-o {options.output.name}: a voice is written as WAV; choose a name that ends with .wav")
    for path, name in ((options.output, "-o"), (options.script, "--script")):
        if path is not None and (not path.absolute().parent.is_dir() or path.is_dir()):
            raise InputError(
                f"{path.name or path} cannot be written: choose a file in a folder that exists with {name}"
            )


def _report(options: argparse.Namespace, said: Any, reason: str) -> None:
    notes = [*([reason] if reason else []), *said.script.notes]
    if options.json:
        lines = [{"scene": line.scene, "text": line.text, "start": line.start, "end": line.end} for line in said.lines]
        record = {
            "stage": "done",
            "path": str(options.output),
            "seconds": said.speech.seconds,
            "writer": said.script.writer,
            "notes": notes,
            "lines": lines,
        }
        print(json.dumps(record), flush=True)
    elif not options.quiet:
        for note in notes:
            print(note)
        print(said.script.text)
        writer = said.script.writer or "a person"
        print(f"{options.output}: {said.speech.seconds:.1f} s, written by {writer}, spoken by {options.voice}")
