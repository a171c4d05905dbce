"""The manifest that comes with the package, row by row."""

from __future__ import annotations

import json
import re
from importlib import resources

import pytest

from lipsync_colab.engines.registry import ENGINES
from lipsync_colab.errors import WeightsError
from lipsync_colab.weights.manifest import (
    COMMERCIAL,
    COMMIT,
    DIGEST,
    SAFE_NAME,
    HubHome,
    LinkHome,
    PackageHome,
    WeightFile,
    manifest,
)
from lipsync_colab.weights.trust import refusal

DOCUMENT = json.loads(resources.files("lipsync_colab.weights").joinpath("manifest.json").read_text("utf-8"))
ROWS = list(manifest().rows.values())
FORMATS = {"pickle", "safetensors", "gguf", "onnx", "tflite", "ncnn", "json", "text", "mat", "sentencepiece"}
WANTED = {
    "wav2lip": ["wav2lip.pth", "wav2lip_gan.pth", "s3fd.pth"],
    "report": ["syncnet_v2.model"],
    "sadtalker": ["SadTalker_V0.0.2_256.safetensors", "mapping_00109-model.pth.tar", "mapping_00229-model.pth.tar"],
    "sadtalker-512": ["SadTalker_V0.0.2_512.safetensors"],
    "gfpgan": ["GFPGANv1.4.pth"],
    "gfpgan-1.3": ["GFPGANv1.3.pth"],
    "restoreformer": ["RestoreFormer.pth"],
    "codeformer": ["codeformer.pth"],
    "facexlib": ["detection_Resnet50_Final.pth", "parsing_parsenet.pth"],
    "realesrgan-x4plus": ["RealESRGAN_x4plus.pth"],
    "realesrgan-x2plus": ["RealESRGAN_x2plus.pth"],
    "realesr-general-x4v3": ["realesr-general-x4v3.pth", "realesr-general-wdn-x4v3.pth"],
    "realesr-animevideov3": ["realesr-animevideov3.pth"],
    "mistral-v0.3": [f"mistral-v0.3/model-0000{number}-of-00003.safetensors" for number in (1, 2, 3)],
    "mistral-v0.3-gguf": ["Mistral-7B-Instruct-v0.3-Q4_K_M.gguf"],
    "mistral-v0.3-4bit": ["mistral-v0.3-4bit/model.safetensors"],
    "openhermes-2.5": ["openhermes-2.5/model-00001-of-00002.safetensors"],
    "llama3-8b": [f"llama3-8b/model-0000{number}-of-00004.safetensors" for number in (1, 2, 3, 4)],
    "qwen2.5-0.5b": ["qwen2.5-0.5b/model.safetensors"],
    "qwen2.5-1.5b": ["qwen2.5-1.5b/model.safetensors"],
    "smollm2-135m": ["smollm2-135m/model.safetensors"],
    "smollm2-360m": ["smollm2-360m/model.safetensors"],
    "sd-x4": ["sd-x4/unet/diffusion_pytorch_model.fp16.safetensors"],
    "kokoro": ["kokoro/kokoro-v1_0.pth", "kokoro/config.json", "kokoro/voices/af_heart.pt"],
    "piper-ljspeech": ["piper/ljspeech-high.onnx"],
    "yunet": ["face_detection_yunet_2023mar.onnx"],
    "viseme": ["face_landmarker.task"],
    "watermark": ["rivagan_encoder.onnx", "rivagan_decoder.onnx"],
    "pirender": ["epoch_00190_iteration_000400000_checkpoint.pt"],
    "audio2head": ["audio2head.pth.tar"],
    "hallo": ["hallo/net.pth", "antelopev2/glintr100.onnx", "wav2vec2-base-960h/model.safetensors"],
}


def test_the_document_has_its_schema() -> None:
    assert set(DOCUMENT) == {"schema", "licences", "files"}
    assert DOCUMENT["schema"] == 1
    needed = {"name", "engines", "size", "sha256", "format", "licence", "source", "homes"}
    for values in DOCUMENT["files"]:
        assert needed <= set(values) <= needed | {"memory", "confirmed", "note"}
        assert values["licence"] in DOCUMENT["licences"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_is_whole(row: WeightFile) -> None:
    assert SAFE_NAME.fullmatch(row.name)
    assert row.engines
    assert row.format in FORMATS
    assert row.sha256 is None or DIGEST.fullmatch(row.sha256)
    assert row.size is None or row.size > 0
    assert row.memory is None or row.memory > 0
    assert row.source.startswith("https://")
    assert row.homes or refusal(row, row.sha256)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_home_is_pinned_as_it_must_be(row: WeightFile) -> None:
    assert len(set(row.homes)) == len(row.homes)
    for home in row.homes:
        if isinstance(home, HubHome):
            assert re.fullmatch(r"[\w.\-]+/[\w.\-]+", home.repo)
            assert SAFE_NAME.fullmatch(home.filename)
            assert home.revision == "" or COMMIT.fullmatch(home.revision)
            assert home.repo_type in ("model", "dataset", "space")
        elif isinstance(home, LinkHome):
            assert home.url.startswith("https://")
            assert row.sha256, "a link without a hash proves nothing"
        else:
            assert isinstance(home, PackageHome)
            assert DIGEST.fullmatch(home.wheel)
            assert SAFE_NAME.fullmatch(home.member)
            assert re.fullmatch(r"[\d.]+", home.version)
            assert row.sha256


@pytest.mark.parametrize("licence", DOCUMENT["licences"].items(), ids=lambda item: item[0])
def test_every_licence_tells_its_terms_in_two_sentences(licence: tuple[str, dict[str, str]]) -> None:
    _, values = licence
    assert values["commercial"] in COMMERCIAL
    assert values["name"]
    assert values["source"].startswith("https://")
    assert len(re.findall(r"[.](?= |$)", values["terms"])) == 2


def test_names_and_bytes_are_unique() -> None:
    assert len(DOCUMENT["files"]) == len({row["name"] for row in DOCUMENT["files"]}) == len(ROWS)
    # Qwen's and SmolLM2's sizes share their tokenizer files; a weight itself has one row only.
    hashes = [row.sha256 for row in ROWS if row.sha256 and row.format not in ("json", "text")]
    assert len(hashes) == len(set(hashes))


def test_sums_per_engine() -> None:
    sums = manifest().engines()
    for engine, total in sums.items():
        assert total == sum(row.size or 0 for row in manifest().select([engine]))
    assert sums["wav2lip"] == 435_801_865 + 435_807_851 + 89_843_225
    assert 14.4e9 < sums["mistral-v0.3"] < 14.6e9
    assert sums["viseme"] == 3_758_596


@pytest.mark.parametrize("engine", WANTED)
def test_what_each_engine_needs_is_there(engine: str) -> None:
    assert set(WANTED[engine]) <= {row.name for row in manifest().select([engine])}


def test_every_row_that_an_engine_names_is_there() -> None:
    for info in ENGINES.values():
        rows = [*info.weights, *(row for values in info.variants.values() for rows in values.values() for row in rows)]
        for row in rows:
            assert manifest()[row].name == row


def test_only_pickles_without_a_hash_are_refused() -> None:
    refused = [row.name for row in ROWS if refusal(row, row.sha256)]
    assert refused == ["epoch_00190_iteration_000400000_checkpoint.pt", "audio2head.pth.tar", "hallo/net.pth"]


def test_short_names_mean_one_row() -> None:
    assert manifest()["wav2lip_gan"].name == "wav2lip_gan.pth"
    assert manifest()["s3fd"].name == "s3fd.pth"
    with pytest.raises(WeightsError, match="say which"):
        manifest()["RealESRGAN_x4plus"]


def test_no_package_index_is_named() -> None:
    text = json.dumps(DOCUMENT)
    assert "pypi" not in text
    assert "pythonhosted" not in text
