"""Several scenes to one video: each is rendered as any other video is, then they are joined by cuts and cross-fades."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lipsync_colab import encode
from lipsync_colab.audio.splice import splice
from lipsync_colab.device import peak_memory
from lipsync_colab.errors import InputError
from lipsync_colab.finish.background import parse_background
from lipsync_colab.finish.framing import output_size
from lipsync_colab.narrate.caption_files import write_captions
from lipsync_colab.narrate.captions import later
from lipsync_colab.narrate.storyboard import (
    Shot,
    Storyboard,
    check_storyboard,
    one_background,
    parse_storyboard,
    read_storyboard,
)
from lipsync_colab.pipeline.crossfade import check_moviepy, write_crossfade
from lipsync_colab.pipeline.output import check_output
from lipsync_colab.pipeline.provenance import storyboard_provenance, write_record
from lipsync_colab.pipeline.render import Render, make_segments, prepare, silent, timed
from lipsync_colab.pipeline.segments import Segments, file_digest
from lipsync_colab.pipeline.shot_sound import SOUND_RATE, Room, ShotSound, shot_sound
from lipsync_colab.pipeline.storage import plain_failures
from lipsync_colab.plan import check_settings, parse_fps
from lipsync_colab.portrait import load_portrait
from lipsync_colab.types import UNHASHED, Caption, Progress, RenderPlan, RenderSettings, plan_digest


@dataclass(frozen=True)
class StoryboardResult:
    """What rendering a storyboard gave.

    Attributes:
        path: the video.
        plans: what was carried out, scene by scene.
        starts: second at which each scene begins, its cross-fade included.
        seconds: wall seconds by stage.
        peak_memory: highest resident memory in bytes.
        report: frames, reused frames, notes, and what told each scene's mouth how to move.
    """

    path: Path
    plans: tuple[RenderPlan, ...]
    starts: tuple[float, ...]
    seconds: dict[str, float]
    peak_memory: int
    report: dict[str, Any]


@dataclass(frozen=True)
class Reel:
    """A storyboard whose inputs have been accepted.

    Attributes:
        jobs: one render for each scene.
        fades: frames of cross-fade before each scene, the first 0.
        voices: sha256 of each scene's recording, or of what a voice spoke.
        output: the video's path.
        work: where the scenes' segments and sounds are kept.
    """

    jobs: tuple[Render, ...]
    fades: tuple[int, ...]
    voices: tuple[str, ...]
    output: Path
    work: Path

    @property
    def plans(self) -> tuple[RenderPlan, ...]:
        """What will be done, scene by scene."""
        return tuple(job.plan for job in self.jobs)

    @property
    def starts(self) -> tuple[int, ...]:
        """Frame at which each scene begins."""
        found = [0]
        for plan, fade in zip(self.plans, self.fades[1:], strict=False):
            found.append(found[-1] + plan.frames - fade)
        return tuple(found)

    @property
    def frames(self) -> int:
        """Length of the video in frames."""
        return self.starts[-1] + self.plans[-1].frames

    @property
    def captions(self) -> tuple[Caption, ...]:
        """All scenes' captions in the time of the whole video."""
        rate = self.plans[0].rate
        ends = [*(float(start / rate) for start in self.starts[1:]), float(self.frames / rate)]
        found: list[Caption] = []
        for start, end, job in zip(self.starts, ends, self.jobs, strict=True):
            found += later(job.captions, float(start / rate), end)
        return tuple(found)

    def segments(self, index: int) -> Segments:
        """Return one scene's segments: what a cross-fade takes is a segment of its own."""
        plan, head = self.plans[index], self.fades[index]
        tail = self.fades[index + 1] if index + 1 < len(self.fades) else 0
        return Segments(self.work / f"{plan.digest}-{head}-{tail}", plan, head, tail)

    def to_json(self) -> dict[str, Any]:
        """Return the whole plan as JSON values."""
        scenes = [plan.to_json() for plan in self.plans]
        for scene in scenes:
            for name in UNHASHED:
                scene.pop(name)
        return {"scenes": scenes, "fades": list(self.fades)}


def render_storyboard(
    storyboard: str | Path | Mapping[str, Any] | Storyboard,
    output: Path,
    settings: RenderSettings | None = None,
    *,
    progress: Progress = silent,
    cancel: threading.Event | None = None,
    work: Path | None = None,
    resume: bool = True,
    accept: Iterable[str] = (),
) -> StoryboardResult:
    """Make one video of several scenes, each with its own portrait and voice.

    Scenes that were rendered before are taken from the folder ``OUTPUT.scenes``, which stays: after a change only the
    scenes that changed are rendered again.

    Args:
        storyboard: a JSON file, the values of one, or a storyboard.
        output: the video to write.
        settings: of every scene; size and aspect of the first portrait hold for all.
        progress: told ``("scene 2 of 3: frames", done, total)``.
        cancel: set it to stop before the next frame.
        work: where the folder of the scenes is made; beside the output by default.
        resume: use what was rendered before.
        accept: names of weights or engines whose terms the caller accepts.

    Raises:
        LipSyncError: with the remedy and the exit code; what can be refused is refused before anything is rendered.

    >>> from pathlib import Path
    >>> from lipsync_colab import RenderSettings, render_storyboard
    >>> scenes = [{"portrait": "portrait.jpg", "text": "Hello.", "expression": "happy"},
    ...           {"portrait": "portrait.jpg", "text": "And goodbye.", "fade": 0.4}]
    >>> result = render_storyboard({"scenes": scenes}, Path("both.mp4"), RenderSettings(size="160x160"))
    >>> len(result.plans), result.plans[0].moods[0].tag
    (2, 'happy')
    """
    board = _board(storyboard)
    reel = prepare_storyboard(board, output, settings or RenderSettings(), work, accept=accept, progress=progress)
    return run_storyboard(reel, progress, cancel, resume)


def _board(storyboard: str | Path | Mapping[str, Any] | Storyboard) -> Storyboard:
    if isinstance(storyboard, Storyboard):
        return storyboard
    if isinstance(storyboard, Mapping):
        return parse_storyboard(storyboard, Path())
    return read_storyboard(storyboard)


def prepare_storyboard(
    board: Storyboard,
    output: Path,
    settings: RenderSettings,
    work: Path | None = None,
    *,
    accept: Iterable[str] = (),
    progress: Progress = silent,
    probe: bool = False,
) -> Reel:
    """Read and speak everything and plan every scene; nothing is rendered.

    Raises:
        LipSyncError: names the scene where there is one.
    """
    check_request(board, output, settings)
    fps = parse_fps(settings.fps)
    fades = tuple(max(1, round(shot.fade * fps)) if shot.fade else 0 for shot in board.shots)
    folder = (work or output.absolute().parent) / f"{output.name}.scenes"
    fresh = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return _planned(board, output, settings, fades, folder, accept, progress, probe)
    except BaseException:
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _planned(
    board: Storyboard,
    output: Path,
    settings: RenderSettings,
    fades: tuple[int, ...],
    folder: Path,
    accept: Iterable[str],
    progress: Progress,
    probe: bool,
) -> Reel:
    """Speak and plan scene by scene."""
    fps = parse_fps(settings.fps)
    jobs: list[Render] = []
    voices: list[str] = []
    sounds: list[ShotSound] = []
    for index, shot in enumerate(board.shots):
        name = f"scene {index + 1} of {board.name}"
        with _named(name):
            following = fades[index + 1] if index + 1 < len(fades) else 0
            room = Room(float(fades[index] / fps), float(following / fps))
            sound = shot_sound(shot, room, folder, settings.seed, _told(progress, index, len(fades)))
            sounds.append(sound)
            chosen = _settings_of(shot, settings, jobs[0].plan if jobs else None, name)
            jobs.append(prepare(shot.portrait, sound.speech, output, chosen, folder, accept=accept, probe=probe))
            voices.append(file_digest(shot.recording) if shot.recording else jobs[-1].plan.speech)
    _check_fades(board, sounds)
    return Reel(tuple(jobs), fades, tuple(voices), output, folder)


def check_request(board: Storyboard, output: Path, settings: RenderSettings) -> None:
    """Refuse what can be refused before a word is spoken.

    Raises:
        LipSyncError: names the scene where there is one.
    """
    check_settings(settings)
    if settings.text or settings.face is not None:
        raise InputError("a storyboard's scenes have a text and a face of their own: write them there")
    check_storyboard(board)
    encode.choose_container(output, settings.container)
    inputs = [path for shot in board.shots for path in (shot.portrait, shot.recording) if path is not None]
    check_output(output, tuple(inputs))
    if any(shot.fade for shot in board.shots):
        check_moviepy()
    for index, shot in enumerate(board.shots):
        name = f"scene {index + 1} of {board.name}"
        with _named(name):
            parse_background(one_background(shot, name) or settings.background)
            picture = load_portrait(shot.portrait, shot.face)
        output_size(picture.size, settings.size, settings.aspect)


def _settings_of(shot: Shot, settings: RenderSettings, first: RenderPlan | None, name: str) -> RenderSettings:
    chosen = dataclasses.replace(settings, face=shot.face, background=one_background(shot, name) or settings.background)
    return (
        chosen if first is None else dataclasses.replace(chosen, size=f"{first.width}x{first.height}", aspect="match")
    )


def _check_fades(board: Storyboard, sounds: Sequence[ShotSound]) -> None:
    for index, shot in enumerate(board.shots):
        for place in (index - 1, index) if shot.fade else ():
            if shot.fade > sounds[place].spoken:
                raise InputError(
                    f"scene {index + 1} of {board.name}: its fade of {shot.fade:g} s is longer than what scene "
                    f"{place + 1} says ({sounds[place].spoken:.1f} s): choose a shorter one"
                )


class _named:  # noqa: N801 - used as a function
    """Put a scene's name before the message of an error that does not have it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        from lipsync_colab.errors import Cancelled, LipSyncError

        if isinstance(error, LipSyncError) and not isinstance(error, Cancelled) and not str(error).startswith("scene "):
            raise type(error)(f"{self._name}: {error}") from error


def _told(progress: Progress, index: int, scenes: int) -> Progress:
    def tell(stage: str, done: int, total: int) -> None:
        progress(f"scene {index + 1} of {scenes}: {stage}", done, total)

    return tell


def run_storyboard(
    reel: Reel,
    progress: Progress = silent,
    cancel: threading.Event | None = None,
    resume: bool = True,
    keep: bool = True,
    notes: Sequence[str] = (),
) -> StoryboardResult:
    """Render the scenes that are not there yet, join all, and publish the video and its JSON.

    Args:
        reel: from :func:`prepare_storyboard`.
        progress: told of every frame, with the scene's number.
        cancel: set it to stop before the next frame; what is finished stays for the next run.
        resume: use what was rendered before.
        keep: leave the folder of the scenes, so that after a change only what changed is rendered again.
        notes: on how the text came about, for the report.

    Raises:
        LipSyncError: with the remedy and the exit code; nothing is left under the output's name.
    """
    seconds: dict[str, float] = {}
    remarks: list[str] = list(notes)
    mouths: list[str] = []
    reused = 0
    for index, job in enumerate(reel.jobs):
        with timed(seconds, f"scene {index + 1}"):
            made = make_segments(job, reel.segments(index), _told(progress, index, len(reel.jobs)), cancel, resume)
        reused += made.reused
        mouths.append(made.mouth)
        remarks += [f"scene {index + 1}: {note}" for note in made.notes]
    plan = reel.to_json()
    said = storyboard_provenance(reel.plans, plan_digest(plan), reel.voices)
    with timed(seconds, "join"), plain_failures(reel.work):
        _join(reel, said, progress)
    if any(job.captions for job in reel.jobs):
        write_captions(reel.output, reel.captions)
    report: dict[str, Any] = {"frames": reel.frames, "reused_frames": reused, "scenes": len(reel.jobs)}
    report |= {"notes": remarks, "mouth_from": mouths}
    write_record(reel.output, said, plan, report, seconds)
    if keep:
        _prune(reel)
    else:
        shutil.rmtree(reel.work, ignore_errors=True)
    starts = tuple(float(start / reel.plans[0].rate) for start in reel.starts)
    return StoryboardResult(reel.output, reel.plans, starts, seconds, peak_memory(), report)


def _join(reel: Reel, said: dict[str, Any], progress: Progress) -> None:
    """Lay segments and cross-fades end to end, without encoding the segments again, under the joined sound."""
    fps, encoding = reel.plans[0].rate, reel.jobs[0].encoding
    with tempfile.TemporaryDirectory(prefix="joining-", dir=reel.work) as place:
        folder = Path(place)
        paths: list[Path] = []
        before: Segments | None = None
        for index, fade in enumerate(reel.fades):
            here = reel.segments(index)
            if fade and before is not None:
                faded = folder / f"{index:04d}.mp4"
                last = before.path(before.plan.frames - fade)
                write_crossfade(last, here.path(0), fade, fps, encoding, faded)
                paths.append(faded)
            paths += [here.path(start) for start in here.body]
            before = here
            progress("join", index + 1, len(reel.fades))
        tracks = [job.speech.track for job in reel.jobs if job.speech.track is not None]
        spans = [(_sample(start, fps), _sample(start + plan.frames, fps)) for start, plan in _placed(reel)]
        sound = splice(tracks, spans, SOUND_RATE, folder / "sound.wav")
        encode.join_segments(paths, sound, encoding, reel.output, encode.provenance_tags(said))


def _placed(reel: Reel) -> list[tuple[int, RenderPlan]]:
    return list(zip(reel.starts, reel.plans, strict=True))


def _sample(frame: int, fps: Any) -> int:
    return round(frame * SOUND_RATE / fps)


def _prune(reel: Reel) -> None:
    """Remove scenes and sounds that this storyboard no longer has."""
    kept = {reel.segments(index).folder for index in range(len(reel.jobs))}
    kept |= {job.speech.track for job in reel.jobs if job.speech.track is not None}
    for path in reel.work.iterdir():
        if path in kept:
            continue
        if path.is_dir() and (path / "plan.json").is_file():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name.startswith("voice-") and path.suffix == ".wav":
            path.unlink(missing_ok=True)
