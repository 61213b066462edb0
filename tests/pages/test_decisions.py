"""What the call page's modules decide, asked by Node's test runner: no browser is needed for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.test.js"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.removesuffix(".test.js"))
async def test_the_decisions_of_the_call_page_hold(file: Path) -> None:
    node = await asyncio.create_subprocess_exec(
        "node", "--test", str(file),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(60):
        output, _ = await node.communicate()

    assert node.returncode == 0, output.decode()
