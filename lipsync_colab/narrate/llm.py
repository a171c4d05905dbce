"""Language models by name: what each needs, which one fits this machine, and the one protocol they share."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from lipsync_colab.device import Machine, inspect_machine
from lipsync_colab.errors import InputError, MachineError
from lipsync_colab.types import Progress
from lipsync_colab.weights.manifest import WeightFile
from lipsync_colab.weights.store import Store

EMBEDDED = "smollm2-135m-gguf"
NF4_BYTES = 0.516
"""Bytes a quantised parameter takes: 4 bits, and its share of the doubly quantised block scales."""
CACHE_BYTES = 600 << 20
"""Room for the cache of about 3,000 tokens of a 7B model (134 MB per 1,000) and for work buffers."""
CHARACTERS_PER_TOKEN = 3
"""A low mean of English, so that a prompt that is let through fits."""
ANSWER_TOKENS = 1024


class LanguageModel(Protocol):
    """A loaded model; a context manager that frees it.

    Attributes:
        name: of the registry.
        structured: whether it can be asked for JSON (a model of 135 million parameters cannot).
    """

    name: str
    structured: bool

    def complete(
        self,
        request: str,
        tokens: int,
        seed: int = 0,
        schema: dict[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> str:
        """Answer one request.

        Args:
            request: what the model is asked, as the user's turn of a chat.
            tokens: at most in the answer.
            seed: of the sampling; the same seed gives the same answer on the same machine.
            schema: JSON schema that the answer is held to where the runtime can.
            progress: ``("tokens", done, tokens)`` for each one.
        """
        ...

    def close(self) -> None:
        """Free the model's memory, on the device too."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass(frozen=True)
class ModelSpec:
    """What is known of a model before it is loaded.

    Attributes:
        name: what ``--llm`` takes.
        runtime: ``"transformers"`` (4 bits by bitsandbytes) or ``"llama.cpp"``.
        weights: prefix of its folder of weights, or the name of its one GGUF file.
        linear: parameters that are quantised (all linear layers but the head).
        other: parameters that are kept in the compute type: embeddings, head, norms.
        size: bytes of a GGUF file.
        context: tokens that we use of its context.
        structured: whether it is asked for JSON.
    """

    name: str
    runtime: str
    weights: str
    linear: float = 0
    other: float = 0
    size: int = 0
    context: int = 8192
    structured: bool = True

    def memory(self, device: str) -> int:
        """Return the bytes it takes on a device (``"cpu"`` or ``"cuda"``), cache included."""
        kept = 2 if device == "cuda" else 4
        cache = CACHE_BYTES if self.structured else CACHE_BYTES // 8
        return round(self.linear * NF4_BYTES + self.other * kept) + self.size + cache

    @property
    def longest_prompt(self) -> int:
        """Characters of the longest prompt that leaves room for the answer."""
        return (self.context - ANSWER_TOKENS - 300) * CHARACTERS_PER_TOKEN


# Parameters from the models' published shapes: vocabulary × width for the embedding and an untied head.
MODELS: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        ModelSpec("mistral-v0.3", "transformers", "mistral-v0.3", 6.98e9, 0.269e9),
        ModelSpec("mistral-v0.3-4bit", "transformers", "mistral-v0.3-4bit", 6.98e9, 0.269e9),
        ModelSpec("openhermes-2.5", "transformers", "openhermes-2.5", 6.98e9, 0.262e9),
        ModelSpec("llama3-8b", "transformers", "llama3-8b", 6.98e9, 1.051e9),
        ModelSpec("qwen2.5-1.5b", "transformers", "qwen2.5-1.5b", 1.31e9, 0.234e9),
        ModelSpec("qwen2.5-0.5b", "transformers", "qwen2.5-0.5b", 0.358e9, 0.136e9),
        ModelSpec("mistral-v0.3-gguf", "llama.cpp", "Mistral-7B-Instruct-v0.3-Q4_K_M.gguf", size=4_372_812_000),
        ModelSpec("openhermes-2.5-gguf", "llama.cpp", "openhermes-2.5-mistral-7b.Q5_K_M.gguf", size=5_131_000_000),
        ModelSpec(
            EMBEDDED, "llama.cpp", "SmolLM2-135M-Instruct.Q4_1.gguf", size=98_362_432, context=2048, structured=False
        ),
    )
}
ALIASES = {"smollm2": EMBEDDED, "embedded": EMBEDDED, "mistral": "mistral-v0.3", "openhermes": "openhermes-2.5"}
PREFERENCE = (
    *("mistral-v0.3-4bit", "mistral-v0.3", "mistral-v0.3-gguf", "openhermes-2.5", "openhermes-2.5-gguf", "llama3-8b"),
    *("qwen2.5-1.5b", "qwen2.5-0.5b"),
)
"""What ``auto`` looks for on this machine, in order; below them all stands the embedded model."""

PACKAGES = {"transformers": ("torch", "transformers", "bitsandbytes", "accelerate"), "llama.cpp": ("xllamacpp",)}


def missing_packages(runtime: str) -> list[str]:
    """Return the packages that a runtime needs and that are not installed."""
    return [name for name in PACKAGES[runtime] if importlib.util.find_spec(name) is None]


def device_of(spec: ModelSpec, machine: Machine) -> str:
    """Return where a model would run: the prebuilt llama.cpp computes on the CPU, transformers where torch does."""
    return machine.device if spec.runtime == "transformers" else "cpu"


def room_for(spec: ModelSpec, machine: Machine) -> tuple[int, int]:
    """Return the bytes that a model needs and those that are free where it would run."""
    device = device_of(spec, machine)
    return spec.memory(device), machine.device_memory if device == "cuda" else machine.memory


def choose(name: str, machine: Machine, store: Store, progress: Progress | None = None) -> tuple[ModelSpec, str]:
    """Return the model that a name means, and the reason in one sentence.

    Args:
        name: of the registry, an alias, or ``"auto"``: the best one that is already on this machine and fits.
        machine: whose memory counts.
        store: that knows which weights are present.
        progress: of the bytes that are read to check a file which was not checked before.

    Raises:
        InputError: there is no such model.
        MachineError: it does not fit, or its runtime is not installed.
    """
    if name == "auto":
        return _best(machine, store, progress)
    spec = MODELS.get(ALIASES.get(name, name))
    if spec is None:
        raise InputError(f"there is no language model {name!r}: choose auto or one of {', '.join(MODELS)}")
    missing = missing_packages(spec.runtime)
    if missing:
        raise MachineError(f"{spec.name} needs {', '.join(missing)}: pip install 'lipsync-colab[llm]'")
    need, free = room_for(spec, machine)
    if need > free:
        place = device_of(spec, machine)
        raise MachineError(
            f"{spec.name} needs {need / 1e9:.1f} GB and {free / 1e9:.1f} GB are free on the {place}: "
            "choose a smaller one (--llm qwen2.5-0.5b or --llm embedded)"
        )
    return spec, f"{spec.name} was asked for"


def _best(machine: Machine, store: Store, progress: Progress | None) -> tuple[ModelSpec, str]:
    passed: list[str] = []
    for name in ranked(machine):
        spec = MODELS[name]
        need, free = room_for(spec, machine)
        missing = missing_packages(spec.runtime)
        if need <= free and not missing and is_present(spec, store, progress):
            return spec, f"{name} is on this machine and fits ({need / 1e9:.1f} of {free / 1e9:.1f} GB)"
        if (need > free or missing) and _lies_here(spec, store):
            lack = ", ".join(missing) if missing else f"{need / 1e9:.1f} GB, of which {free / 1e9:.1f} GB are free"
            passed.append(f"{name} is on this machine and needs {lack}")
    missing = missing_packages("llama.cpp")
    if missing:
        raise MachineError(f"the embedded language model needs {', '.join(missing)}: pip install 'lipsync-colab[llm]'")
    none = "no larger model is on this machine; `lipsync-colab weights fetch NAME` brings one"
    return MODELS[EMBEDDED], f"{'; '.join(passed)}: the embedded model takes its place" if passed else none


def ranked(machine: Machine) -> list[str]:
    """Return :data:`PREFERENCE` for a machine: on a CPU llama.cpp's models first, since NF4 is slow there."""
    if machine.device == "cuda":
        return list(PREFERENCE)
    return sorted(PREFERENCE, key=lambda name: MODELS[name].runtime != "llama.cpp")


def _rows(spec: ModelSpec, store: Store) -> list[WeightFile]:
    return [row for row in store.manifest.rows.values() if spec.name in row.engines]


def _lies_here(spec: ModelSpec, store: Store) -> bool:
    """Whether every file of a model seems to be here; nothing is read."""
    rows = _rows(spec, store)
    return bool(rows) and all(next(store.inventory.candidates(row), None) is not None for row in rows)


def is_present(spec: ModelSpec, store: Store, progress: Progress | None = None) -> bool:
    """Whether every file of a model is on this machine, checked."""
    rows = _rows(spec, store)
    return bool(rows) and all(store.inventory.find(row, progress) is not None for row in rows)


def open_model(name: str = "auto", device: str = "auto", progress: Progress | None = None) -> tuple[LanguageModel, str]:
    """Load a model, fetching its weights where they are missing.

    Args:
        name: see :func:`choose`.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        progress: of the bytes that are checked and fetched.

    Returns:
        The model, and why it is this one.

    Raises:
        InputError, MachineError: see :func:`choose`.
        WeightsError: the weights cannot be had, or their terms are not accepted.
    """
    machine, store = inspect_machine(device), Store()
    spec, reason = choose(name, machine, store, progress)
    if spec.runtime == "llama.cpp":
        from lipsync_colab.narrate.llama_cpp_llm import LlamaCppModel

        path = store.path_of(spec.weights, progress)
        return LlamaCppModel(spec.name, path, spec.context, spec.structured, threads=max(1, machine.cores - 1)), reason
    from lipsync_colab.narrate.transformers_llm import TransformersModel

    return TransformersModel(spec.name, store.folder_of(spec.weights, progress), machine.device), reason
