"""The web server of the dashboard: Streamlit's, with the address of the root and safe headers."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import streamlit as st
from streamlit.config import get_option

from paretoscope.settings import Settings
from paretoscope.workspace import PROJECT

SCRIPT = PROJECT / "app.py"
Asgi = MutableMapping[str, Any]
"""A scope or a message of ASGI."""
Receive = Callable[[], Awaitable[Asgi]]
Send = Callable[[Asgi], Awaitable[None]]

HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""No other site may show the dashboard in a frame, where its visitor would not see what acts."""
REFUSED = b"This dashboard is read-only."
ROOT_SCRIPT = (
    "<script>window.__streamlit = {{BACKEND_BASE_URL: location.origin + '{base}',"
    " MAIN_PAGE_BASE_URL: location.origin + '{base}'}};</script>"
)
"""Without it the browser looks for the server below every page of a deep link first (404)."""


class Server(st.App):
    """Streamlit's application with `HEADERS` and the root address in its page.

    A read-only dashboard refuses uploads before they are read.
    """

    async def __call__(self, scope: Asgi, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if is_upload(scope) and Settings.from_environment().read_only:
                await _refuse(send)
                return
            plain = [each for each in scope["headers"] if each[0] != b"accept-encoding"]
            is_page = scope["method"] == "GET" and b"text/html" in dict(plain).get(b"accept", b"")
            scope = {**scope, "headers": plain} if is_page else scope
            send = _Answer(send, extends=is_page).send
        await super().__call__(scope, receive, send)


def is_upload(scope: Asgi) -> bool:
    """Whether a request sends a file: Streamlit's uploader, or any other method that writes."""
    return scope["method"] not in ("GET", "HEAD", "OPTIONS")


async def _refuse(send: Send) -> None:
    await send({"type": "http.response.start", "status": 403, "headers": []})
    await send({"type": "http.response.body", "body": REFUSED})


def run(options: Mapping[str, Any]) -> None:
    """Serve the dashboard until it is stopped; `options` are Streamlit's, by dotted name."""
    sys.argv = [str(SCRIPT)]  # Streamlit reads .streamlit/config.toml beside the started script
    Server(SCRIPT).run(config=options)


class _Answer:
    """One answer on its way: HTML is collected, extended and sent as a whole."""

    def __init__(self, send: Send, *, extends: bool) -> None:
        self._send = send
        self._extends = extends
        self._start: Asgi = {}
        self._html: bytes | None = None

    async def send(self, message: Asgi) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            added = [(key.encode(), value.encode()) for key, value in HEADERS.items()]
            message["headers"] = [*message["headers"], *added]
            if self._extends and _is_html(message):
                self._html = b""
                return
        elif self._html is not None and message["type"] == "http.response.body":
            self._html += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_html()
            return
        await self._send(message)

    async def _send_html(self) -> None:
        body = (self._html or b"").replace(b"<head>", b"<head>" + _root_script(), 1)
        length = (b"content-length", str(len(body)).encode())
        kept = [each for each in self._start["headers"] if each[0].lower() != length[0]]
        await self._send({**self._start, "headers": [*kept, length]})
        await self._send({"type": "http.response.body", "body": body})


def _is_html(start: Asgi) -> bool:
    kind = dict(start["headers"]).get(b"content-type", b"")
    return start["status"] == 200 and kind.startswith(b"text/html")


def _root_script() -> bytes:
    base = "/".join(["", *get_option("server.baseUrlPath").strip("/").split("/")]).rstrip("/")
    return ROOT_SCRIPT.format(base=base).encode()
