"""The engine on rule-filled weights: mechanics that hold whatever the network draws."""

from __future__ import annotations

import dataclasses
import itertools
import tracemalloc
from fractions import Fraction

import cv2
import numpy as np
import pytest
import soundfile
from golden import PARITY, Golden
from viseme_portraits import portrait

torch = pytest.importorskip("torch")

from lipsync_colab import networks  # noqa: E402
from lipsync_colab.audio.mel import log_mel  # noqa: E402
from lipsync_colab.engines.registry import get_engine  # noqa: E402
from lipsync_colab.engines.wav2lip.crop import FaceCrop  # noqa: E402
from lipsync_colab.engines.wav2lip.engine import Mouth, Wav2LipEngine  # noqa: E402
from lipsync_colab.engines.wav2lip.generator import MouthGenerator, network_input  # noqa: E402
from lipsync_colab.engines.wav2lip.mask import FEATHER  # noqa: E402
from lipsync_colab.engines.wav2lip.windows import MelWindows  # noqa: E402
from lipsync_colab.errors import InputError, WeightsError  # noqa: E402
from lipsync_colab.types import (  # noqa: E402
    Image,
    Patches,
    Portrait,
    RenderPlan,
    RenderSettings,
    Speech,
    frame_count,
)

RATE = 16_000


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return Golden("wav2lip").load_into(networks.build("wav2lip")).state_dict()


@pytest.fixture
def engine(state: dict[str, torch.Tensor]) -> Wav2LipEngine:
    """The engine with rule-filled weights in the place of the released ones."""

    def load(row: str) -> torch.nn.Module:
        assert row in ("wav2lip.pth", "wav2lip_gan.pth")
        network = networks.build("wav2lip")
        network.load_state_dict(state)
        return network

    return Wav2LipEngine(load)


@pytest.fixture(scope="module")
def still() -> Portrait:
    return portrait("hopper", 640)


@pytest.fixture(scope="module")
def speech() -> Speech:
    return Speech(soundfile.read(PARITY.parent / "audio" / "golden_2s_16k.wav", dtype="float32")[0], RATE)


def plan_for(speech: Speech, fps: str = "25", batch: int = 4, **options: str) -> RenderPlan:
    settings = RenderSettings(engine="wav2lip", options=tuple(sorted(options.items())))
    frames = frame_count(speech.seconds, Fraction(fps))
    return RenderPlan(settings, "wav2lip", "", "", 640, 640, fps, frames, 250, batch=batch)


def part(speech: Speech, seconds: float) -> Speech:
    return dataclasses.replace(speech, samples=speech.samples[: round(seconds * RATE)])


def shown(still: Portrait, patches: Patches) -> Image:
    """Lay patches over the still, as slowly and plainly as can be."""
    frame = still.image.astype(np.float64)
    for patch in patches:
        pixels = cv2.warpAffine(patch.pixels, patch.transform, still.size, flags=cv2.INTER_LINEAR)
        mask = cv2.warpAffine(patch.mask, patch.transform, still.size, flags=cv2.INTER_LINEAR)[..., None]
        frame = frame * (1 - mask) + pixels * mask
    return np.rint(frame).astype(np.uint8)


@pytest.mark.parametrize("fps", ["30000/1001", "10"])
def test_full_length_at_any_rate(engine: Wav2LipEngine, still: Portrait, speech: Speech, fps: str) -> None:
    voice = part(speech, 0.63)
    stream = engine.animate(still, voice, plan_for(voice, fps))
    frames = list(stream)
    assert len(frames) == stream.total == frame_count(0.63, Fraction(fps))
    assert all(len(patches) == 1 for patches in frames)
    assert stream.fps == Fraction(fps) and stream.size == (640, 640)
    for (patch,) in frames:
        assert patch.pixels.shape == (*patch.mask.shape, 3) and patch.pixels.dtype == np.uint8
        assert max(patch.mask[0].max(), patch.mask[-1].max(), patch.mask[:, 0].max(), patch.mask[:, -1].max()) == 0


def test_a_frame_does_not_depend_on_where_the_stream_began(
    engine: Wav2LipEngine, still: Portrait, speech: Speech
) -> None:
    voice = part(speech, 0.45)
    whole = list(engine.animate(still, voice, plan_for(voice)))
    for start in (1, 10):
        late = list(engine.animate(still, voice, plan_for(voice), start))
        assert len(late) == len(whole) - start
        for (one,), (other,) in zip(whole[start:], late, strict=True):
            assert np.array_equal(one.pixels, other.pixels) and np.array_equal(one.mask, other.mask)


def test_the_sound_moves_the_mouth(engine: Wav2LipEngine, still: Portrait, speech: Speech) -> None:
    voice = part(speech, 0.6)
    frames = [patches[0].pixels.astype(int) for patches in engine.animate(still, voice, plan_for(voice))]
    moves = [np.abs(later - earlier).mean() for earlier, later in itertools.pairwise(frames)]
    assert min(moves) > 0.05


def test_silence_shows_the_still(engine: Wav2LipEngine, still: Portrait, speech: Speech) -> None:
    voice = Speech(
        np.concatenate([np.zeros(RATE, np.float32), speech.samples[:8000], np.zeros(RATE, np.float32)]), RATE
    )
    frames = list(engine.animate(still, voice, plan_for(voice, batch=3)))
    assert [len(patches) for patches in frames[:21]] == [0] * 21
    assert [len(patches) for patches in frames[-15:]] == [0] * 15
    assert frames[30][0].mask.max() == 1
    edge = next(patches[0] for patches in frames if patches)
    assert 0 < edge.mask.max() < 1, "the mouth fades in"


def test_delayed_sound_gives_the_same_mouths_later(engine: Wav2LipEngine, still: Portrait, speech: Speech) -> None:
    """Measures the lag: the frames of a clip whose sound starts 10 frames (32 mel columns) later match best there."""
    first = Speech(speech.samples[4000:12_000], RATE)
    later = Speech(np.concatenate([np.zeros(10 * 640, np.float32), first.samples]), RATE)
    early = [patches[0].pixels.astype(int) for patches in engine.animate(still, first, plan_for(first))]
    late = [p[0].pixels.astype(int) if p else None for p in engine.animate(still, later, plan_for(later))]
    costs = {
        shift: np.mean([np.abs(early[i] - late[i + shift]).mean() for i in range(4, 8) if late[i + shift] is not None])
        for shift in range(6, 14)
    }
    assert min(costs, key=costs.__getitem__) == 10
    assert costs[10] < 0.02


def test_lag_moves_the_mouths_by_its_seconds(engine: Wav2LipEngine, still: Portrait, speech: Speech) -> None:
    voice = part(speech, 0.6)
    plain, lagged = (list(engine.animate(still, voice, plan_for(voice, **extra))) for extra in ({}, {"lag": "0.04"}))
    for earlier, later in zip(plain[4:], lagged[5:], strict=False):
        assert np.abs(earlier[0].pixels.astype(int) - later[0].pixels).max() <= 1


def test_nothing_outside_the_mask_changes(engine: Wav2LipEngine, still: Portrait, speech: Speech) -> None:
    voice = part(speech, 0.3)
    for patches in engine.animate(still, voice, plan_for(voice)):
        frame = shown(still, patches)
        changed = (frame != still.image).any(axis=2)
        rows, columns = np.nonzero(changed)
        marks = still.face.landmarks
        assert changed.any()
        assert rows.min() > marks[[145, 374], 1].max(), "the eyes and what lies above stay"
        tip = np.round(marks[4]).astype(int)
        assert not changed[tip[1], tip[0]], "the nose stays"
        left, _, right, bottom = still.face.box
        assert left < columns.min() and columns.max() < right and rows.max() < bottom + 0.06 * still.face.box[3]


def test_gradients_at_the_seam_are_those_of_a_feather(engine: Wav2LipEngine, still: Portrait, speech: Speech) -> None:
    """Blending S and P by m adds at most |P - S| |grad m| to their own gradients; a hard edge would add |P - S|."""
    voice = part(speech, 0.3)
    patches = list(engine.animate(still, voice, plan_for(voice)))[4]
    patch = patches[0]
    pixels = cv2.warpAffine(patch.pixels, patch.transform, still.size).astype(np.float64).mean(axis=2)
    mask = cv2.warpAffine(patch.mask, patch.transform, still.size)
    under, over = still.image.astype(np.float64).mean(axis=2), shown(still, patches).astype(np.float64).mean(axis=2)
    scale = float(np.sqrt(np.linalg.det(patch.transform[:, :2])))

    def slope(image: np.ndarray) -> np.ndarray:
        return np.hypot(*np.gradient(image))

    seam = (mask > 0.02) & (mask < 0.98)
    excess = slope(over) - np.maximum(slope(under), slope(pixels))
    allowed = np.abs(pixels - under) * 2.2 / (FEATHER * scale) + 2
    assert seam.sum() > 1000 and np.abs(pixels - under)[seam].mean() > 10, "the mouths must differ strongly"
    assert (excess[seam] <= allowed[seam]).mean() > 0.99
    hard = slope(np.where(mask > 0.5, pixels, under)) - np.maximum(slope(under), slope(pixels))
    assert np.percentile(hard[seam], 99) > 3 * np.percentile(excess[seam], 99)


def test_the_bound_generator_equals_the_plain_network(
    state: dict[str, torch.Tensor], still: Portrait, speech: Speech
) -> None:
    network = networks.build("wav2lip")
    network.load_state_dict(state)
    crop = FaceCrop.of_face(still.face).cut(still.image)
    mel = MelWindows(speech.samples, Fraction(25)).stack(8, 3)
    with torch.inference_mode():
        faces = torch.from_numpy(network_input(crop)).expand(3, -1, -1, -1)
        plain = network(torch.from_numpy(mel), faces).permute(0, 2, 3, 1).numpy()[..., ::-1]
    drawn = MouthGenerator(network, crop).draw(mel)
    assert np.abs(drawn / 255 - plain).max() <= 0.5 / 255 + 2e-5


def test_input_is_the_released_layout() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    values = network_input(crop)
    assert values.shape == (1, 6, 96, 96) and values.dtype == np.float32
    assert (values[0, :3, 48:] == 0).all()
    assert np.array_equal(values[0, :3, :48], values[0, 3:, :48])
    assert np.array_equal(values[0, 3], (crop[..., 2] / 255.0).astype(np.float32)), "blue first"


def test_frames_are_the_golden_ones(state: dict[str, torch.Tensor], speech: Speech) -> None:
    """The public release's own crops on the golden sound, box and picture, where the sound has whole windows."""
    with np.load(PARITY / "wav2lip" / "pipeline.npz") as stored:
        image, (top, bottom, left, right) = stored["image_bgr"], stored["box_tblr"]
        indices, expected = stored["frame_index"], stored["frames_crop_bgr"]
    network = networks.build("wav2lip")
    network.load_state_dict(state)
    square = cv2.resize(image[top:bottom, left:right], (96, 96))[..., ::-1]
    generator = MouthGenerator(network, np.ascontiguousarray(square))
    windows = MelWindows(speech.samples, Fraction(25))
    for index, golden in zip(indices[:-1], expected, strict=False):
        drawn = generator.draw(windows.stack(int(index), 1))[0][..., ::-1]
        pasted = cv2.resize(drawn, (right - left, bottom - top))
        # The release truncates to whole levels, this package rounds.
        assert np.abs(pasted.astype(int) - golden).max() <= 2
        others = [i for i in range(46) if abs(i - index) > 2][::9]
        wrong = [generator.draw(windows.stack(i, 1))[0][..., ::-1].astype(int) for i in others]
        assert min(np.abs(other - drawn).mean() for other in wrong) > 0.1, "only its own window gives a frame"


def test_options_are_checked_before_weights_are_looked_for(still: Portrait, speech: Speech) -> None:
    for options in ({"lag": "soon"}, {"pads": "1"}, {"checkpoint": "other"}, {"detector": "eyes"}):
        with pytest.raises(InputError):
            get_engine("wav2lip").animate(still, speech, plan_for(speech, **options))


def test_without_an_accepted_licence_nothing_is_drawn(
    still: Portrait, speech: Speech, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIPSYNC_COLAB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match="weights accept wav2lip"):
        get_engine("wav2lip").animate(still, speech, plan_for(speech))


def test_the_golden_sound_is_what_the_mel_tests_use(speech: Speech) -> None:
    assert log_mel(speech.samples).shape == (80, 161)


def test_the_patch_lies_where_the_crop_was_cut(still: Portrait) -> None:
    mouth = Mouth.on(still, FaceCrop.of_face(still.face))
    frame = shown(still, mouth.patches(mouth.still, 1.0)).astype(int)
    moved = Portrait(np.roll(still.image, 4, axis=1), still.face)
    assert np.abs(frame - still.image).mean() < np.abs(frame - moved.image).mean() / 5


def test_a_box_without_a_mouth_is_refused(still: Portrait) -> None:
    left, top, right, _ = still.face.box
    with pytest.raises(InputError, match="pads"):
        Mouth.on(still, FaceCrop.of_box((left, top, right, top + 60)))


def test_a_mouth_with_no_share_has_no_patch(still: Portrait) -> None:
    mouth = Mouth.on(still, FaceCrop.of_face(still.face))
    assert mouth.patches(mouth.still, 0.0) == ()
    assert np.allclose(mouth.patches(mouth.still, 0.5)[0].mask, mouth.mask / 2)


def test_frames_are_drawn_when_they_are_asked_for(
    engine: Wav2LipEngine, still: Portrait, speech: Speech, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What keeps memory flat: a stream draws one batch at a time, and none after it was closed."""
    drawn: list[int] = []

    def draw(self: MouthGenerator, mel: np.ndarray) -> Image:
        drawn.append(len(mel))
        return np.zeros((len(mel), 96, 96, 3), np.uint8)

    monkeypatch.setattr(MouthGenerator, "draw", draw)
    minutes = Speech(np.tile(speech.samples, 300), RATE)
    stream = engine.animate(still, minutes, plan_for(minutes))
    assert drawn == [], "nothing before the first frame"
    for _ in range(5):
        next(stream)
    assert drawn == [4, 4]
    stream.close()
    assert next(stream, None) is None and drawn == [4, 4]
    late = engine.animate(still, minutes, plan_for(minutes), start=14_990)
    assert sum(1 for _ in late) == 10 and drawn == [4, 4, 4, 4, 4]


def test_ten_minutes_of_sound_are_never_a_whole_spectrogram(speech: Speech) -> None:
    minutes = np.tile(speech.samples, 300)
    windows = MelWindows(minutes, Fraction(25))
    windows.stack(0, 4)
    tracemalloc.start()
    try:
        windows.stack(7_000, 4)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000
