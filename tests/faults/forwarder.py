"""Forwards a TCP address to a Unix socket, which any network namespace can reach.

python -m tests.faults.forwarder 10.0.0.2 5432 /tmp/socket
"""

import asyncio
import sys
from contextlib import suppress


async def main(host: str, port: str, socket: str) -> None:
    """Serve until killed."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(socket)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_hand_on(reader, far_writer), _hand_on(far_reader, writer))

    server = await asyncio.start_server(connected, host, int(port))
    await server.serve_forever()


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
