"""The jobs behind the buttons: preview, generate, listen, write a script. They know no widget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lipsync_colab.panel.order import Order
from lipsync_colab.panel.pictures import png, preview_sound, preview_video
from lipsync_colab.panel.session import Outcome, Session
from lipsync_colab.panel.unfinished import find_unfinished, record_of
from lipsync_colab.panel.worker import Run
from lipsync_colab.pipeline.render import Render, prepare, preview
from lipsync_colab.pipeline.render import run as render
from lipsync_colab.types import RenderPlan, Speech

PREVIEW_SIDE = 960
"""Pixels of the longer side of the one-frame preview."""


def describe(plan: RenderPlan) -> str:
    """Return a plan in one line."""
    return f"{plan.width}×{plan.height}, {plan.frames} frames at {plan.fps} a second. " + "; ".join(plan.reasons) + "."


def make_preview(session: Session, order: Order, run: Run) -> None:
    """Draw one finished frame.

    Raises:
        LipSyncError: with the remedy.
    """
    job, voice = _prepared(session, order, run)
    run.say("Drawing one frame…")
    still = png(preview(job), PREVIEW_SIDE)
    run.check()
    session.outcome = Outcome(None, order.portrait, voice, still=still)
    session.note(describe(job.plan))
    plan = job.plan
    session.say(f"One frame of {plan.width}×{plan.height}, as the video will show it.")


def make_video(session: Session, order: Order, embed: int, run: Run) -> None:
    """Render the video, going on where an earlier run of the same order was stopped.

    Args:
        session: the folder's.
        order: what to make.
        embed: bytes that the page can take for the small copy.
        run: the job's ear and mouth.

    Raises:
        LipSyncError: with the remedy.
    """
    session.outcome = None
    job, voice = _prepared(session, order, run)
    state = session.load()
    session.keep({**state, "render": record_of(job.output, job.work, job.plan.digest), "ordered": order.to_json()})
    session.note(describe(job.plan))
    waiting = find_unfinished(session.folder, record_of(job.output, job.work, job.plan.digest))
    run.say(str(waiting) if waiting else "Preparing the still…")
    result = render(job, run.progress, run.cancel)
    session.keep({name: value for name, value in session.load().items() if name not in ("render", "ordered")})
    seconds = result.plan.frames / float(result.plan.rate)
    run.say("Making a small copy to watch here…")
    clip = preview_video(result.path, seconds, session.home, embed)
    session.outcome = Outcome(result, order.portrait, voice, clip=clip)
    reused = result.report["reused_frames"]
    again = f", {reused} of {result.plan.frames} frames were there already" if reused else ""
    for note in result.report["notes"]:
        session.note(note)
    session.say(f"Done: {result.path.name}, made in {sum(result.seconds.values()):.0f} s{again}.", "good")


def listen(session: Session, order: Order, embed: int, run: Run) -> bytes:
    """Speak the text and return it as MP3."""
    speech = order.speech(session.home, run.progress)
    run.check()
    track = speech.track if isinstance(speech, Speech) else speech
    assert track is not None
    return preview_sound(track, embed)


def write_script(session: Session, request: dict[str, Any], run: Run) -> None:
    """Let a language model write what is said, and lay it before the person.

    Args:
        session: gets the script.
        request: ``prompt``, ``model``, ``seconds``, ``voice``, ``seed``.
        run: the job's ear and mouth.

    Raises:
        LipSyncError: with the remedy.
    """
    from lipsync_colab.narrate.borrowed_model import BorrowedModel
    from lipsync_colab.narrate.narration import check_request, narrate
    from lipsync_colab.narrate.voices import voice_info

    voice, seconds = str(request["voice"]), float(request["seconds"])
    language = voice_info(voice).language
    check_request(request["prompt"], seconds, language, voice, seed=request["seed"])
    run.say("Loading the language model…")
    with BorrowedModel(request["model"], "auto", run.progress) as borrowed:
        session.note(borrowed.reason)
        model = borrowed.model
        run.say(f"{model.name} is writing…")
        said = narrate(model, request["prompt"], seconds, language, voice, seed=request["seed"], progress=run.progress)
    session.note(borrowed.account)
    run.check()
    session.script = said.script.text
    notes = f" {'. '.join(said.script.notes)}." if said.script.notes else ""
    session.say(
        f"Written by {said.script.writer}: {said.speech.seconds:.0f} s. Read it, and change what you like.{notes}"
    )


def _prepared(session: Session, order: Order, run: Run) -> tuple[Render, str]:
    order.check()
    run.say("Speaking the text…" if order.mode == "text" else "Reading the recording…")
    speech = order.speech(session.home, run.progress)
    run.say("Reading the portrait…")
    output = output_of(session, order)
    job = prepare(Path(order.portrait), speech, output, order.render_settings)
    voice = str(speech.track) if isinstance(speech, Speech) else str(speech)
    run.check()
    return job, voice


def output_of(session: Session, order: Order) -> Path:
    """Return the name of the order's video: that of its unfinished render, or a new one beside the finished ones."""
    state = session.load()
    ending = order.settings.container or "mp4"
    waiting = find_unfinished(session.folder, state.get("render"))
    if waiting is not None and state.get("ordered") == order.to_json():
        return waiting.output
    stem = f"{Path(order.portrait).stem}-talking"
    names = [f"{stem}.{ending}", *(f"{stem}-{number}.{ending}" for number in range(2, 1000))]
    return next(path for path in (session.folder / name for name in names) if not path.exists())
