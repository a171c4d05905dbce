"""The synthetic voices that the viseme network learns from, and those that it is tested on.

Every program but the embedded voice is only used to make training sound; the package does not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lipsync_colab.types import Speech

TRAIN, TUNE, TEST = "train", "tune", "test"


@dataclass(frozen=True)
class TrainingVoice:
    """One voice.

    Attributes:
        name: of the voice within its program.
        program: ``"own"`` (the package's voices), ``"kokoro"``, ``"flite"``, ``"festival"`` or ``"pico"``.
        language: a key of :data:`~lipsync_colab.training.phone_sets.PHONE_SETS`.
        sentences: how many it says.
        use: what for. A voice that is tuned or tested on is never trained on.
        offset: seconds to add to the times that its program tells, measured against forced alignment.
        encoding: what its program reads.
        likely: True when it says sentences that a language model finds likely, not words put together at random.
    """

    name: str
    program: str
    language: str = "en"
    sentences: int = 200
    use: str = TRAIN
    offset: float = 0.0
    encoding: str = "ascii"
    likely: bool = False

    @property
    def key(self) -> str:
        """A name among all voices."""
        return f"{self.program}-{self.name}"


KOKORO_OFFSET = -0.065
ENGLISH = (
    *("af_alloy af_aoede af_bella af_heart af_jessica af_kore af_nicole af_nova af_river af_sarah af_sky".split()),
    *("am_adam am_echo am_eric am_fenrir am_liam am_michael am_onyx am_puck am_santa".split()),
    *("bf_alice bf_emma bf_isabella bf_lily bm_daniel bm_fable bm_george bm_lewis".split()),
)
"""American and British speakers of Kokoro."""
ABROAD = (
    *("ef_dora em_alex em_santa ff_siwis hf_alpha hf_beta hm_omega hm_psi if_sara im_nicola pf_dora pm_alex".split()),
    *("zf_xiaobei zf_xiaoni zf_xiaoxiao zf_xiaoyi zm_yunjian zm_yunxi zm_yunxia zm_yunyang".split()),
    *("jf_alpha jf_gongitsune jf_nezumi jf_tebukuro jm_kumo".split()),
)
"""Spanish, French, Hindi, Italian, Portuguese, Chinese and Japanese speakers of Kokoro, all speaking English here."""

LIKELY = (("own", "hibari", 1800, 0.0), ("flite", "kal16", 250, -0.005), ("flite", "awb", 250, -0.005))
"""Programs, voices, sentences and offsets of those besides Kokoro's that say likely sentences too."""
LIKELY_OF_KOKORO = 8
"""Sentences of every speaker of Kokoro, which takes as long to speak as to hear."""

VOICES = (
    TrainingVoice("hibari", "own", sentences=1500),
    TrainingVoice("joe", "own", sentences=60, use=TEST),
    TrainingVoice("kal16", "flite", sentences=250, offset=-0.005),
    TrainingVoice("awb", "flite", sentences=300, offset=-0.005),
    TrainingVoice("rms", "flite", sentences=60, use=TEST, offset=-0.005),
    TrainingVoice("slt", "flite", sentences=60, use=TUNE, offset=-0.005),
    TrainingVoice("ked_diphone", "festival", sentences=250),
    TrainingVoice("lp_diphone", "festival", "it", sentences=120, encoding="latin-1"),
    TrainingVoice("pc_diphone", "festival", "it", sentences=150, encoding="latin-1"),
    TrainingVoice("czech_dita", "festival", "cs", sentences=120, encoding="iso-8859-2"),
    TrainingVoice("czech_machac", "festival", "cs", sentences=120, encoding="iso-8859-2"),
    TrainingVoice("czech_krb", "festival", "cs", sentences=100, encoding="iso-8859-2"),
    TrainingVoice("czech_ph", "festival", "cs", sentences=100, encoding="iso-8859-2"),
    TrainingVoice("hy_fi_mv_diphone", "festival", "fi", sentences=120, encoding="latin-1"),
    TrainingVoice("suo_fi_lj_diphone", "festival", "fi", sentences=120, encoding="latin-1"),
    TrainingVoice("msu_ru_nsh_clunits", "festival", "ru", sentences=150, encoding="utf-8"),
    TrainingVoice("en-US", "pico", sentences=250),
    TrainingVoice("en-GB", "pico", sentences=250),
    *(
        TrainingVoice(name, program, sentences=count, offset=offset, likely=True)
        for program, name, count, offset in LIKELY
    ),
    *(
        TrainingVoice(name, "kokoro", sentences=LIKELY_OF_KOKORO, offset=KOKORO_OFFSET, likely=True)
        for name in (*ENGLISH, *ABROAD)
    ),
)


def spoken(voice: TrainingVoice, texts: Sequence[str], seed: int) -> Iterator[Speech]:
    """Yield texts as the voice says them, 16 kHz with phonemes.

    Raises:
        MachineError: the voice's program is not installed.
    """
    from lipsync_colab.training import festival_voice, flite_voice, kokoro_voice, own_voice, pico_voice

    programs = {
        "own": own_voice.spoken,
        "kokoro": kokoro_voice.spoken,
        "flite": flite_voice.spoken,
        "festival": festival_voice.spoken,
        "pico": pico_voice.spoken,
    }
    yield from programs[voice.program](voice, texts, seed)
