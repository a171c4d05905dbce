"""What the figures of a report mean: each beside what real speech gives and what a silent track gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

WEAK = 0.25
"""A correlation below this says nothing, however little chance gives."""
ABOVE_CHANCE = 0.05
"""How far a correlation must lie above what one in twenty unrelated voices reaches."""
WAVERING = 0.01
"""Eye distances: a mouth that ranges less does not move, and what correlates is the landmarks' wavering (0.002)."""
QUIET_SHARE = 0.15
"""Lips that move more than this in silence, compared with speech, are seen to move (Wav2Lip .08, MuseTalk .46)."""
REAL_RANGE = (0.08, 0.25)
"""Eye distances between the 10th and 90th percentile of the opening in people's speech."""
SILENT_RANGE = 0.03
"""What landmarks waver by on a mouth that does not speak stays well under this."""


@dataclass(frozen=True)
class Reading:
    """One figure for a person to read.

    Attributes:
        title: what was measured.
        shown: the figure with its unit.
        real: what real speech gives.
        silent: what a track gives whose mouth was made from silence, held against the same voice.
        sentence: what the figure means, in plain words.
        fine: whether it is as it should be; None where it is not to be judged.
    """

    title: str
    shown: str
    real: str
    silent: str
    sentence: str
    fine: bool | None = None


def readings(figures: dict[str, Any], sync_sentence: str) -> tuple[Reading, ...]:
    """Return the readings that the figures allow, the most telling first.

    Args:
        figures: of :func:`lipsync_colab.report.measure.measure`.
        sync_sentence: what SyncNet's row says.
    """
    found = [
        _lag(figures),
        _follows(figures),
        _closures(figures),
        _silence(figures),
        _articulation(figures),
        _sharpness(figures),
        _flicker(figures),
        _length(figures),
        _faces(figures),
        _loudness(figures),
        _sync(figures, sync_sentence),
        _provenance(figures),
    ]
    return tuple(reading for reading in found if reading is not None)


def follows(figures: dict[str, Any]) -> bool:
    """Whether the lips follow the sound at some shift better than chance does."""
    correlation = figures["lag_correlation"]
    if correlation is None or figures["articulation"] < WAVERING:
        return False
    return bool(correlation >= max(WEAK, (figures["chance_correlation"] or 0) + ABOVE_CHANCE))


def _lag(figures: dict[str, Any]) -> Reading:
    late, frames = figures["lag_ms"], figures["lag_frames"]
    real, silent = "0 ± 40 ms", "any: no shift stands out"
    if not follows(figures):
        said = "The lips do not follow the sound: no shift makes them agree better than chance."
        return Reading("Lag of the lips", "none found", real, silent, said, False)
    shown = f"{late:+.0f} ms ({frames:+.1f} frames)"
    if abs(frames) <= 1:
        said = f"Lips and sound agree within a frame (lag {late:.0f} ms)."
    else:
        said = f"The lips are {abs(late):.0f} ms {'behind' if late > 0 else 'ahead of'} the sound."
    return Reading("Lag of the lips", shown, real, silent, said, abs(frames) <= 1)


def _follows(figures: dict[str, Any]) -> Reading:
    correlation, chance = figures["lag_correlation"], figures["chance_correlation"]
    if correlation is None:
        return Reading("Agreement", "none", "well above chance", "chance", "Nothing in the lips varies with the sound.")
    bar = "chance unknown: the clip is short" if chance is None else f"chance {chance:.2f}"
    said = f"The opening goes with the sound at r {correlation:.2f} ({bar})."
    return Reading("Agreement", f"r {correlation:.2f}", "well above chance", bar, said, follows(figures))


def _closures(figures: dict[str, Any]) -> Reading | None:
    share, chance, asked = figures["closures"], figures["chance_closures"], figures["closures_asked"]
    if share is None:
        return None
    said = f"The lips are shut at {100 * share:.0f} % of {asked} m, b and p ({figures['phonemes_from']})"
    if chance is not None:
        said += f"; anywhere else it would be {100 * chance:.0f} %"
    # Too few closures, or a mouth that hardly opens, tell nothing either way.
    telling = asked >= 4 and (chance or 0) < 0.7
    return Reading(
        "Closures hit",
        f"{100 * share:.0f} % of {asked}",
        "90 to 100 %",
        "100 %, and as much by chance",
        f"{said}.",
        share >= 0.75 if telling else None,
    )


def _silence(figures: dict[str, Any]) -> Reading | None:
    share = figures["motion_in_silence"]
    if share is None:
        return None
    said = f"In silence the mouth moves {100 * share:.0f} % as much as in speech (people: about 0)."
    return Reading("Motion in silence", f"{100 * share:.0f} %", "about 0 %", "100 %", said, share <= QUIET_SHARE)


def _articulation(figures: dict[str, Any]) -> Reading:
    reach = figures["articulation"]
    low, high = REAL_RANGE
    said = f"The opening ranges over {reach:.2f} eye distances (people: {low:.2f} to {high:.2f})."
    return Reading(
        "Articulation", f"{reach:.3f}", f"{low:.2f} to {high:.2f}", f"under {SILENT_RANGE:.2f}", said, reach >= low
    )


def _sharpness(figures: dict[str, Any]) -> Reading | None:
    mouth, still = figures["mouth_sharpness"], figures["portrait_sharpness"]
    if mouth is None:
        return None
    if still:
        share = mouth / still
        said = f"The mouth is {100 * share:.0f} % as sharp as the portrait's own, each against its nose."
        return Reading("Sharpness", f"{100 * share:.0f} %", "100 %", "100 %", said, share >= 0.6)
    said = (
        f"The mouth has {mouth:.2f} times the detail of eyes and nose; give the portrait to know what it should have."
    )
    return Reading("Sharpness", f"{mouth:.2f}", "0.2 to 3, by the face", "the portrait's own", said)


def _flicker(figures: dict[str, Any]) -> Reading | None:
    levels = figures["flicker_levels"]
    if levels is None:
        return None
    said = f"Away from face and body the picture changes by {levels:.2f} of 255 levels from frame to frame."
    return Reading("Flicker", f"{levels:.2f} levels", "a camera's grain", "under 0.1 from a still", said)


def _length(figures: dict[str, Any]) -> Reading:
    apart, repeated = figures["length_difference_frames"], figures["repeated_frames"]
    shown = f"{figures['frames']} at {_rate(figures['fps'])}/s, {figures['seconds']:.2f} s"
    if abs(apart) > 1:
        said = f"Picture and sound differ by {apart:.1f} frames in length."
    else:
        said = f"Picture and sound end within a frame of each other ({figures['seconds']:.2f} s)."
    if repeated:
        said += f" {repeated} frames repeat the one before."
    return Reading("Frames and length", shown, "ends within a frame", "the same", said, abs(apart) <= 1)


def _rate(fps: str) -> str:
    top, _, bottom = fps.partition("/")
    return f"{int(top) / int(bottom):.2f}" if bottom else fps


def _faces(figures: dict[str, Any]) -> Reading:
    share = figures["faces_found"]
    said = f"A face was found in {100 * share:.0f} % of the frames."
    return Reading("Face found", f"{100 * share:.0f} %", "100 %", "100 %", said, share >= 0.9)


def _loudness(figures: dict[str, Any]) -> Reading:
    loud, peak = figures["loudness_lufs"], figures["true_peak_dbfs"]
    real, silent = "−24 (television) to −14 (streams)", "no loudness"
    if loud is None:
        return Reading("Loudness", "silence", real, silent, "The sound is silence.", False)
    said = f"The sound is at {loud:.1f} LUFS with a true peak of {peak:.1f} dBFS."
    if peak > 0:
        said += " It clips."
    return Reading("Loudness", f"{loud:.1f} LUFS, peak {peak:.1f}", real, silent, said, loud >= -30 and peak <= 0)


def _sync(figures: dict[str, Any], sentence: str) -> Reading:
    confidence, distance = figures["lse_c"], figures["lse_d"]
    shown = "not measured" if confidence is None else f"C {confidence:.2f}, D {distance:.2f}"
    return Reading("SyncNet", shown, "C 7 to 8, D 6 to 7", "C near 0", sentence)


def _provenance(figures: dict[str, Any]) -> Reading:
    reading = _origin(figures)
    if not figures["watermark"]:
        return reading
    said = f"{reading.sentence} The picture carries our watermark ({figures['watermark_bits']} of 32 bits)."
    return replace(reading, shown=f"{reading.shown}, watermark", sentence=said)


def _origin(figures: dict[str, Any]) -> Reading:
    maker, credentials = figures["made_by"], figures["credentials"]
    if credentials is not None:
        whole = credentials == "intact"
        said = "The file is what was signed" if whole else "The file was changed since it was signed"
        by = figures["credentials_signer"] or "an unnamed signer"
        made = f", and says that it is generated by {maker}" if maker else ""
        return Reading(
            "Provenance", f"signed: {credentials}", "a camera's mark", "the same", f"{said} by {by}{made}.", whole
        )
    if maker is None:
        said = "The file does not say how it was made."
        return Reading("Provenance", "no mark", "a camera's tags", "–", said)
    said = f"The file says that it is generated, by {maker} with the engine {figures['engine']}."
    return Reading("Provenance", maker, "a camera's tags", "the same", said)
