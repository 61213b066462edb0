"""Debian's Janus with its plugin for calls of two, in a folder and on a port of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.call_sdp import symmetric
from benchmarks.callers import Caller

PROGRAM = Path("/usr/bin/janus")
_PATIENCE = 20.0  # seconds


class Janus:
    """A running Janus; `pid` is its process. Calls are placed over its WebSocket."""

    def __init__(self, pid: int, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.pid = pid
        self._socket = socket
        self._session = 0
        self._transaction = 0
        self._waiting: list[dict[str, Any]] = []

    async def open(self) -> None:
        """Begin a session, in which all calls are placed."""
        self._session = (await self._ask(janus="create"))["data"]["id"]

    def sent_on(self) -> None:
        """Janus does not count what it sends on."""

    async def call(self, caller: Caller, called: Caller) -> tuple[str, str]:
        """Have two callers call each other; give the SDP each is to connect with."""
        first, second = [await self._register(each) for each in (caller, called)]
        await self._tell(
            first, {"request": "call", "username": str(called.ssrc)}, "offer", symmetric(caller)
        )
        offer = (await self._event(second, "incomingcall"))["jsep"]["sdp"]
        await self._tell(second, {"request": "accept"}, "answer", symmetric(called))
        answer = (await self._event(first, "accepted"))["jsep"]["sdp"]
        return answer, offer

    async def _register(self, caller: Caller) -> int:
        attached = await self._ask(janus="attach", plugin="janus.plugin.videocall")
        handle = int(attached["data"]["id"])
        await self._tell(handle, {"request": "register", "username": str(caller.ssrc)})
        await self._event(handle, "registered")
        return handle

    async def _tell(self, handle: int, body: dict[str, str], kind: str = "", sdp: str = "") -> None:
        jsep = {"jsep": {"type": kind, "sdp": sdp, "trickle": False}} if kind else {}
        await self._ask("ack", janus="message", handle_id=handle, body=body, **jsep)

    async def _ask(self, wanted: str = "success", **message: Any) -> dict[str, Any]:
        self._transaction += 1
        name = str(self._transaction)
        if self._session:
            message["session_id"] = self._session
        await self._socket.send_json({**message, "transaction": name})
        return await self._next(
            lambda each: each.get("transaction") == name and each["janus"] in {wanted, "error"}
        )

    async def _event(self, handle: int, name: str) -> dict[str, Any]:
        return await self._next(
            lambda each: (
                each.get("sender") == handle
                and each["janus"] == "event"
                and each["plugindata"]["data"].get("result", {}).get("event") == name
            )
        )

    async def _next(self, matches: Any) -> dict[str, Any]:
        for each in self._waiting:
            if matches(each):
                self._waiting.remove(each)
                return each
        async with asyncio.timeout(_PATIENCE):
            while True:
                message: dict[str, Any] = json.loads(await self._socket.receive_str())
                if message["janus"] == "error":
                    raise RuntimeError(f"Janus refuses: {message['error']['reason']}")
                if matches(message):
                    return message
                self._waiting.append(message)


@asynccontextmanager
async def running(host: str, port: int) -> AsyncIterator[Janus]:
    """Run Janus with media on `host` and its WebSocket on a loopback `port`."""
    with tempfile.TemporaryDirectory(prefix="sprechzeit-janus-") as name:
        folder = Path(name)
        process = _start(folder, host, port)
        try:
            async with aiohttp.ClientSession() as http:
                socket = await _dial(http, port)
                janus = Janus(process.pid, socket)
                await janus.open()
                yield janus
                await socket.close()
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _start(folder: Path, host: str, port: int) -> subprocess.Popen[bytes]:
    installed = next(Path("/usr/lib").glob("*/janus"))
    for kind, library in (("plugins", "videocall"), ("transports", "websockets")):
        (folder / kind).mkdir()
        (folder / kind / f"libjanus_{library}.so").symlink_to(
            installed / kind / f"libjanus_{library}.so"
        )
    for kind in ("events", "loggers"):
        (folder / kind).mkdir()
    (folder / "janus.jcfg").write_text(
        f"""general: {{
  configs_folder = "{folder}"
  plugins_folder = "{folder}/plugins"
  transports_folder = "{folder}/transports"
  events_folder = "{folder}/events"
  loggers_folder = "{folder}/loggers"
  debug_level = 2
  session_timeout = 0
}}
nat: {{ ice_lite = false, ice_tcp = false, ice_enforce_list = "{host}" }}
media: {{ ipv6 = false }}
"""
    )
    (folder / "janus.transport.websockets.jcfg").write_text(
        f'general: {{ json = "compact", ws = true, ws_port = {port}, ws_ip = "127.0.0.1" }}\n'
    )
    return subprocess.Popen(
        [PROGRAM, "-F", str(folder), "-C", str(folder / "janus.jcfg")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


async def _dial(
    http: aiohttp.ClientSession, port: int
) -> aiohttp.ClientWebSocketResponse:  # fmt: skip
    began = time.monotonic()
    while True:
        try:
            return await http.ws_connect(
                f"http://127.0.0.1:{port}", protocols=("janus-protocol",), max_msg_size=0
            )
        except aiohttp.ClientError:
            if time.monotonic() - began > _PATIENCE:
                raise
            await asyncio.sleep(0.1)
