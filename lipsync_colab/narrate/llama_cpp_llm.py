"""GGUF models by llama.cpp, through the prebuilt ``xllamacpp`` binding."""

from __future__ import annotations

import secrets
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lipsync_colab.errors import InputError, MachineError, RenderError
from lipsync_colab.types import Progress

TEMPERATURE, TOP_P, REPEAT_PENALTY = 0.4, 0.9, 1.1
"""Cool and slightly averse to repetition: small models loop without it and invent with more."""


TOO_LONG = "exceed_context_size_error"
"""What llama.cpp calls a request that its context does not hold."""


class LlamaCppModel:
    """One GGUF file, on the CPU.

    Args:
        name: of the registry.
        path: the GGUF file; its own chat template is used.
        context: tokens of prompt and answer together.
        structured: whether it is asked for JSON.
        threads: to compute with.

    Raises:
        MachineError: the binding is missing, or llama.cpp cannot load the file.
    """

    def __init__(self, name: str, path: Path, context: int = 2048, structured: bool = True, threads: int = 1) -> None:
        self.name = name
        self.structured = structured
        self._server: Any = _load(path, context, threads)

    def complete(
        self,
        request: str,
        tokens: int,
        seed: int = 0,
        schema: dict[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> str:
        """Answer one request; see :class:`~lipsync_colab.narrate.llm.LanguageModel`.

        Raises:
            InputError: the request is longer than the context.
            RenderError: the model is closed, or llama.cpp refuses the request.
        """
        if self._server is None:
            raise RenderError(f"{self.name} is closed: open it again")
        question: dict[str, Any] = {
            "messages": [{"role": "user", "content": request}],
            "max_tokens": tokens,
            "temperature": TEMPERATURE,
            "top_p": TOP_P,
            "repeat_penalty": REPEAT_PENALTY,
            "seed": seed,
            "cache_prompt": False,  # a reused prefix is summed in another order: the same seed must give the same words
            "stream": True,
        }
        if schema is not None:
            question["response_format"] = {"type": "json_schema", "json_schema": {"name": "script", "schema": schema}}
        listener = _Listener(tokens, progress)
        refused = self._server.handle_chat_completions(question, listener)
        if listener.failure is not None:
            raise listener.failure
        error = listener.error or (refused or {}).get("error")
        if error:
            raise _refusal(self.name, error)
        return "".join(listener.pieces)

    def close(self) -> None:
        """Free the model's memory."""
        self._server = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Listener:
    """Takes an answer piece by piece; True stops the model.

    An exception must not leave it, since the binding would print it and go on: it is kept for the caller.
    """

    def __init__(self, tokens: int, progress: Progress | None) -> None:
        self.pieces: list[str] = []
        self.error: dict[str, Any] | None = None
        self.failure: BaseException | None = None
        self._tokens = tokens
        self._progress = progress

    def __call__(self, chunk: dict[str, Any]) -> bool:
        try:
            self._take(chunk)
        except BaseException as failure:  # an interrupt too
            self.failure = self.failure or failure
        return self.failure is not None or self.error is not None

    def _take(self, chunk: dict[str, Any]) -> None:
        if "error" in chunk:
            self.error = chunk["error"]
            return
        for choice in chunk.get("choices", []):
            piece = choice["delta"].get("content")
            if piece:
                self.pieces.append(piece)
                if self._progress is not None:
                    self._progress("tokens", min(len(self.pieces), self._tokens), self._tokens)


def _refusal(name: str, error: dict[str, Any]) -> InputError | RenderError:
    """Return the error to raise for what llama.cpp said."""
    if error.get("type") == TOO_LONG:
        asked, most = error.get("n_prompt_tokens", "more"), error.get("n_ctx", "its context")
        return InputError(f"the prompt takes {asked} tokens of {name}, which holds {most}: give a shorter one")
    return RenderError(f"{name} gave no answer: {error.get('message', error)}")


def _load(path: Path, context: int, threads: int) -> Any:
    try:
        import xllamacpp
    except ImportError as error:
        raise MachineError("llama.cpp's binding is missing: pip install 'lipsync-colab[llm]'") from error
    wanted = xllamacpp.CommonParams()
    wanted.model.path = str(path)
    wanted.n_ctx, wanted.n_parallel, wanted.n_gpu_layers = context, 1, 0
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = threads
    wanted.cpuparams.poll = wanted.cpuparams_batch.poll = 0  # waiting threads sleep: spinning starves a busy machine
    wanted.warmup, wanted.verbosity = False, -1
    # The binding always listens on a loopback port. We never use it, and a random key shuts other users of the
    # machine out.
    wanted.api_keys = [secrets.token_hex(16)]
    wanted.ui = wanted.endpoint_props = wanted.endpoint_slots = False
    try:
        server = xllamacpp.Server(wanted)
    except RuntimeError as error:
        raise MachineError(f"llama.cpp cannot load {path.name} ({error}): see whether memory is free") from error
    # A server that is dropped before its own loop runs waits for it for ever: one token shows that it does.
    server.handle_chat_completions({"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1})
    return server
