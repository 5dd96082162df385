"""A server that answers 200 to whatever comes, without looking: what the load generator itself can do.

python benchmarks/live_bare.py     prints its port; ends with its stdin
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any


async def serve() -> None:
    """Until stdin ends."""
    answer = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{"success":true}'

    class Bare(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport, self.left = transport, 0

        def data_received(self, data: bytes) -> None:
            while data:
                if not self.left:
                    end = data.find(b"\r\n\r\n")
                    place = data.find(b"Content-Length: ")
                    length = int(data[place + 16 : data.find(b"\r\n", place)]) if 0 <= place < end else 0
                    self.left = end + 4 + length
                taken = min(self.left, len(data))
                self.left -= taken
                data = data[taken:]
                if not self.left:
                    self.transport.write(answer)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(Bare, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve())
