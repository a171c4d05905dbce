"""The 4-bit path on the CPU, with a tiny random Mistral that is made here."""

from __future__ import annotations

import gc
import json
import weakref
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from lipsync_colab.errors import RenderError, WeightsError  # noqa: E402
from lipsync_colab.narrate.transformers_llm import TransformersModel, quantisation  # noqa: E402

transformers = pytest.importorskip("transformers")
bitsandbytes = pytest.importorskip("bitsandbytes")
TEMPLATE = "{% for message in messages %}[INST] {{ message['content'] }} [/INST]{% endfor %}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Mistral of two layers with random weights and a tokenizer of bytes, as a repository holds them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    place = tmp_path_factory.mktemp("tiny")
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: index + 3 for index, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", chat_template=TEMPLATE
    )
    fast.save_pretrained(place)
    torch.manual_seed(0)
    config = transformers.MistralConfig(
        vocab_size=320,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
    )
    transformers.MistralForCausalLM(config).save_pretrained(place)
    return place


def dequantised(model: TransformersModel) -> torch.Tensor:
    weight = model.model.model.layers[0].self_attn.q_proj.weight
    return bitsandbytes.functional.dequantize_4bit(weight, weight.quant_state).clone()


def test_weights_are_nf4_with_double_quantisation(folder: Path) -> None:
    with TransformersModel("tiny", folder, "cpu") as model:
        layer = model.model.model.layers[0].self_attn.q_proj
        assert isinstance(layer, bitsandbytes.nn.Linear4bit)
        assert layer.weight.dtype == torch.uint8 and layer.weight.numel() == 64 * 64 // 2
        state = layer.weight.quant_state
        assert state.quant_type == "nf4" and state.nested
        assert layer.compute_dtype == torch.float32
        assert model.model.lm_head.weight.dtype == torch.float32


def test_the_compute_type_follows_the_device() -> None:
    assert quantisation("cuda").bnb_4bit_compute_dtype == torch.float16
    assert quantisation("cpu").bnb_4bit_compute_dtype == torch.float32


def test_a_seed_gives_one_answer_and_counts_its_tokens(folder: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    state = torch.random.get_rng_state()
    with TransformersModel("tiny", folder, "cpu") as model:
        first = model.complete("Hello", 12, seed=1, progress=lambda *step: seen.append(step))
        again, other = model.complete("Hello", 12, seed=1), model.complete("Hello", 12, seed=2)
    assert first == again != other
    assert torch.equal(state, torch.random.get_rng_state())
    assert 1 <= len(seen) <= 12
    assert seen == [("tokens", done, 12) for done in range(1, len(seen) + 1)]


def test_a_closed_model_is_freed(folder: Path) -> None:
    with TransformersModel("tiny", folder, "cpu") as model:
        inner = weakref.ref(model.model)
        assert inner() is not None
    gc.collect()
    assert inner() is None
    with pytest.raises(RenderError, match="closed"):
        model.complete("Hello", 4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpus_memory_is_back_at_its_level(folder: Path) -> None:
    before = torch.cuda.memory_allocated()
    with TransformersModel("tiny", folder, "cuda") as model:
        model.complete("Hello", 4)
        assert torch.cuda.memory_allocated() > before
    assert torch.cuda.memory_allocated() == before


def test_a_repository_that_is_quantised_already_computes_in_the_devices_type(folder: Path, tmp_path: Path) -> None:
    with TransformersModel("tiny", folder, "cpu") as model:
        model.model.save_pretrained(tmp_path)
        weights = dequantised(model)
    for file in folder.glob("tokenizer*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    config["quantization_config"]["bnb_4bit_compute_dtype"] = "bfloat16"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with TransformersModel("ready", tmp_path, "cpu") as ready:
        layer = ready.model.model.layers[0].self_attn.q_proj
        assert layer.compute_dtype == torch.float32 and layer.weight.quant_state.nested
        torch.testing.assert_close(dequantised(ready), weights)


def test_a_folder_without_a_model_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="weights verify"):
        TransformersModel("nothing", tmp_path, "cpu")
    (tmp_path / "config.json").write_text("{broken")
    with pytest.raises(WeightsError):
        TransformersModel("nothing", tmp_path, "cpu")
