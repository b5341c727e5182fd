"""A client that costs little: fixed requests over kept connections. `python -m bench.load PORT CONNECTIONS SECONDS`
reads one JSON array of `[path, authorization]` from its input and prints answers per second."""

import asyncio
import itertools
import json
import re
import sys
import time
from collections.abc import Iterator

import uvloop

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


async def _ask(port: int, requests: Iterator[bytes], until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = 0
    while time.perf_counter() < until:
        writer.write(next(requests))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        length = _LENGTH.search(head)
        await reader.readexactly(int(length[1]) if length else 0)
        answers += 1
    writer.close()
    return answers


async def main(port: int, connections: int, seconds: float) -> float:
    requests = itertools.cycle(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n\r\n".encode()
        for path, authorization in json.load(sys.stdin)
    )
    start = time.perf_counter()
    answers = await asyncio.gather(*(_ask(port, requests, start + seconds) for _ in range(connections)))
    return sum(answers) / (time.perf_counter() - start)


if __name__ == "__main__":
    print(uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))))
