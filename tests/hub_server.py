"""A server on loopback that speaks the Hub's download protocol, and misbehaves when it is told to."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

COMMIT = "c0ffee" * 6 + "c0ff"
PAGE = b"<!DOCTYPE html><html><body>Please log in to the hotel's network</body></html>"
PIECE = 1 << 16


@dataclass
class Entry:
    """One file of a repository.

    Attributes:
        content: its bytes.
        faults: what goes wrong, one for each GET, the last one for ever: ``cut:N`` ends the connection after N bytes,
            ``stall:N`` sends nothing after N bytes, ``slow:S`` waits S seconds between pieces, ``html`` sends a web
            page with status 200, ``truncated`` leaves out the last byte, ``wrong`` changes one, ``503`` is a status,
            ``norange`` ignores the wish to resume, an empty text is no fault.
        refusal: status and error code instead of the file (``(403, "GatedRepo")``).
        told_size: what HEAD says of the size; None for the truth, 0 for nothing.
        plain: whether HEAD answers 200 as for small files, rather than redirect as for large ones.
        etag: the name of the blob, by default the sha256.
    """

    content: bytes
    faults: list[str] = field(default_factory=list)
    refusal: tuple[int, str] | None = None
    told_size: int | None = None
    plain: bool = False
    etag: str = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def next_fault(self) -> str:
        return self.faults.pop(0) if len(self.faults) > 1 else (self.faults or [""])[0]


class HubServer:
    """Serves files by ``repo/filename`` at one commit.

    Attributes:
        entries: the files.
        requests: method, path and Range of each request, in order.
        tokens: the Authorization headers that the Hub saw.
        storage_tokens: the Authorization headers that the storage behind it saw.
    """

    def __init__(self, certificate: Path | None = None) -> None:
        self.entries: dict[str, Entry] = {}
        self.requests: list[tuple[str, str, str]] = []
        self.tokens: set[str | None] = set()
        self.storage_tokens: set[str | None] = set()
        self.released = threading.Event()
        server = self

        class Handler(_Handler):
            hub = server

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()  # the socket listens already: whoever connects now is served

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def port(self) -> int:
        return self._server.server_port

    def gets(self) -> list[str]:
        """Range headers of the requests for bytes, in order."""
        return [wanted for method, path, wanted in self.requests if method == "GET"]

    def __enter__(self) -> HubServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _entry(self) -> Entry | None:
        self.hub.requests.append((self.command, self.path, self.headers.get("Range", "")))
        storage = self.path.startswith("/cdn/")
        (self.hub.storage_tokens if storage else self.hub.tokens).add(self.headers.get("Authorization"))
        if storage:
            return self.hub.entries.get(self.path.removeprefix("/cdn/"))
        repo, _, rest = self.path.lstrip("/").partition("/resolve/")
        revision, _, filename = rest.partition("/")
        found = self.hub.entries.get(f"{repo}/{filename}")
        return found if revision in ("main", COMMIT) else None

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        entry = self._entry()
        if entry is None:
            self._refuse(404, "EntryNotFound")
        elif entry.refusal is not None:
            self._refuse(*entry.refusal)
        elif not self.path.startswith("/cdn/") and not entry.plain:
            self._redirect(entry)
        elif self.command == "HEAD":
            self._start(200, {"Content-Length": str(len(entry.content)), **self._told(entry)})
        else:
            self._send(entry)

    def _refuse(self, status: int, code: str) -> None:
        self._start(status, {"X-Error-Code": code, "X-Error-Message": code, "Content-Length": "0"})

    def _start(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _told(self, entry: Entry) -> dict[str, str]:
        return {"X-Repo-Commit": COMMIT, "ETag": f'"{entry.sha256[:40]}"'}

    def _redirect(self, entry: Entry) -> None:
        repo, _, rest = self.path.lstrip("/").partition("/resolve/")
        # Another host, as the real one's storage: the client asks the Hub alone for the metadata.
        location = f"http://localhost:{self.server.server_address[1]}/cdn/{repo}/{rest.partition('/')[2]}"
        headers = {"Location": location, "X-Repo-Commit": COMMIT, "X-Linked-Etag": f'"{entry.etag or entry.sha256}"'}
        size = len(entry.content) if entry.told_size is None else entry.told_size
        if size:
            headers["X-Linked-Size"] = str(size)
        self._start(302, {**headers, "Content-Length": "0"})

    def _send(self, entry: Entry) -> None:
        fault, _, value = entry.next_fault().partition(":")
        if fault == "html":
            self._start(200, {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(PAGE))})
            self.wfile.write(PAGE)
            return
        if fault.isdigit():
            self._refuse(int(fault), "")
            return
        content = {"wrong": _changed, "truncated": lambda content: content[:-1]}.get(fault, bytes)(entry.content)
        wanted = self.headers.get("Range", "")
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and fault != "norange" else 0
        if start > len(content):
            self._start(416, {"Content-Length": "0"})
            return
        headers = {"Content-Length": str(len(content) - start), "Content-Type": "application/octet-stream"}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._start(206 if start else 200, headers)
        self._body(content[start:], fault, value)

    def _body(self, content: bytes, fault: str, value: str) -> None:
        limit = int(value) if fault in ("cut", "stall") else len(content)
        try:
            for piece in _pieces(content[:limit]):
                self.wfile.write(piece)
                if fault == "slow":
                    self.hub.released.wait(float(value))
            if limit < len(content):
                self.wfile.flush()
                if fault == "stall":
                    self.hub.released.wait(60)
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:  # the client went away
            self.close_connection = True


def _pieces(content: bytes) -> Iterator[bytes]:
    return (content[start : start + PIECE] for start in range(0, len(content), PIECE))


def _changed(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
