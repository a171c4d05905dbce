"""A language model whose answers a test writes down beforehand."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from lipsync_colab.types import Progress


class ScriptedModel:
    """Gives the answers in order, and keeps the requests."""

    def __init__(self, *answers: str, structured: bool = True) -> None:
        self.name = "scripted"
        self.structured = structured
        self.answers = list(answers)
        self.requests: list[str] = []
        self.schemas: list[dict[str, Any] | None] = []
        self.closed = False

    def complete(
        self,
        request: str,
        tokens: int,
        seed: int = 0,
        schema: dict[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> str:
        self.requests.append(request)
        self.schemas.append(schema)
        if progress is not None:
            progress("tokens", tokens, tokens)
        return self.answers[min(len(self.requests), len(self.answers)) - 1]

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
