"""Hub models in 4 bits: transformers with bitsandbytes' NF4, on a GPU or on the CPU."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from logging import ERROR, getLogger
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lipsync_colab.errors import MachineError, RenderError, WeightsError
from lipsync_colab.types import Progress

TEMPERATURE, TOP_P = 0.7, 0.9


def quantisation(device: str) -> Any:
    """Return the configuration of the weights: NF4, doubly quantised (Dettmers et al. 2023, arXiv 2305.14314).

    Args:
        device: ``"cuda"`` computes in float16, since a T4 has no bfloat16; ``"cpu"`` in float32, which is faster there.
    """
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.float16 if device == "cuda" else torch.float32,
    )


class TransformersModel:
    """A causal model from a folder of safetensors, quantised as it is loaded.

    Args:
        name: of the registry.
        folder: configuration, tokenizer and weights; no code of theirs is run and nothing is fetched.
        device: ``"cpu"`` or ``"cuda"``.

    Raises:
        MachineError: a package is missing, or memory ran out.
        WeightsError: the folder holds no such model.
    """

    structured = True

    def __init__(self, name: str, folder: Path, device: str) -> None:
        self.name = name
        self.device = device
        try:
            with _quiet():
                self._tokenizer, self._model = _load(folder, device)
        except ImportError as error:
            raise MachineError(f"{name} needs {error.name or error}: pip install 'lipsync-colab[llm]'") from error
        except (MemoryError, RuntimeError) as error:
            raise _memory_error(name, error) from error
        except (OSError, ValueError, KeyError) as error:
            raise WeightsError(f"{name} cannot be read ({error}): `lipsync-colab weights verify {name}`") from error

    @property
    def model(self) -> Any:
        """The loaded ``PreTrainedModel``, or None once closed."""
        return self._model

    def complete(
        self,
        request: str,
        tokens: int,
        seed: int = 0,
        schema: dict[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> str:
        """Answer one request; ``schema`` cannot be enforced here, the answer is checked by its reader.

        Raises:
            RenderError: the model is closed.
            MachineError: memory ran out.
        """
        if self._model is None:
            raise RenderError(f"{self.name} is closed: open it again")
        import torch

        ids = torch.tensor([self._encoded(request)], device=self._model.device)
        options = {"max_new_tokens": tokens, "do_sample": True, "temperature": TEMPERATURE, "top_p": TOP_P}
        fill = self._tokenizer.pad_token_id if self._tokenizer.pad_token_id is not None else self._end
        devices = [self._model.device] if self.device == "cuda" else []
        try:
            with torch.random.fork_rng(devices=devices), torch.inference_mode(), _quiet():
                torch.manual_seed(seed)
                answer = self._model.generate(
                    ids,
                    attention_mask=torch.ones_like(ids),
                    pad_token_id=fill,
                    streamer=_Counter(tokens, progress),
                    **options,
                )
        except (MemoryError, RuntimeError) as error:
            raise _memory_error(self.name, error) from error
        return str(self._tokenizer.decode(answer[0, ids.shape[1] :], skip_special_tokens=True))

    @property
    def _end(self) -> int:
        end = self._tokenizer.eos_token_id
        return 0 if end is None else int(end)

    def _encoded(self, request: str) -> list[int]:
        # One user turn and no system turn: Mistral's own template refuses systems, every template knows users.
        if self._tokenizer.chat_template is None:
            return list(self._tokenizer(request)["input_ids"])
        turn = [{"role": "user", "content": request}]
        text = self._tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def close(self) -> None:
        """Free the model's memory, the GPU's too, so that rendering finds it."""
        self._model = self._tokenizer = None
        gc.collect()
        if self.device == "cuda":
            import torch

            torch.cuda.empty_cache()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Counter:
    """Counts tokens as transformers' streamer protocol hands them over; the first call is the prompt."""

    def __init__(self, tokens: int, progress: Progress | None) -> None:
        self._done = -1
        self._tokens = tokens
        self._progress = progress

    def put(self, value: Any) -> None:
        """Count one token."""
        self._done += 1
        if self._done > 0 and self._progress is not None:
            self._progress("tokens", self._done, self._tokens)

    def end(self) -> None:
        """Nothing is left to count."""


def _load(folder: Path, device: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    local = {"local_files_only": True, "trust_remote_code": False}
    config = AutoConfig.from_pretrained(folder, **local)
    ready = getattr(config, "quantization_config", None)  # a repository that is 4-bit already
    if isinstance(ready, dict):  # such repositories ask for bfloat16, which a T4 has not
        ready["bnb_4bit_compute_dtype"] = "float16" if device == "cuda" else "float32"
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        config=config,
        dtype=torch.float16 if device == "cuda" else torch.float32,
        device_map={"": 0 if device == "cuda" else "cpu"},
        use_safetensors=True,
        **({} if ready is not None else {"quantization_config": quantisation(device)}),
        **local,
    )
    return AutoTokenizer.from_pretrained(folder, **local), model.eval()


def _memory_error(name: str, error: BaseException) -> MachineError | RenderError:
    if isinstance(error, MemoryError) or "memory" in str(error).lower():
        return MachineError(f"memory ran out under {name}: choose a smaller one (--llm qwen2.5-0.5b, --llm embedded)")
    return RenderError(f"{name} failed: {error}")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' bars and advice off the terminal while it works for us."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    quantiser = getLogger("bitsandbytes")
    quantiser_level = quantiser.level
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    quantiser.setLevel(ERROR)  # it recommends a package whenever it computes on a CPU
    try:
        yield
    finally:
        logging.set_verbosity(level)
        quantiser.setLevel(quantiser_level)
        if bars:
            logging.enable_progress_bar()
