"""What the clients of a run asked for and were told: a line before each call and one after it.

Each line is one fsynced write to the end of the file, so that threads and processes may share it
and no answer is known that is not written down.
"""

import json
import os
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Call:
    """One request. Wall times are seconds since the epoch, the others monotonic seconds."""

    method: str
    path: str
    key: str | None
    """What tells a creation from every other: its idempotency key, or the order id it asks for."""
    body: dict[str, Any] | None
    sent_at: float
    sent_monotonic: float
    status: int | None = None
    """None if no answer was read: the request may or may not have had its effect."""
    order_id: str | None = None
    row_id: int | None = None
    replayed: bool = False
    answered_at: float | None = None
    """When the answer came or the connection broke; None if the client ended before."""
    answered_monotonic: float | None = None


class Journal:
    """Writes the journal; to be shared by threads."""

    def __init__(self, path: Path) -> None:
        """Open the file at `path`, made if missing, to go on at its end."""
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def __enter__(self) -> Self:
        """Nothing more: the file is open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        os.close(self._file)

    def sent(
        self, method: str, path: str, *, key: str | None = None, body: dict[str, Any] | None = None
    ) -> str:
        """Write that this is about to be asked; returns what `answered` has to be told."""
        call = uuid.uuid4().hex
        times = {"sent_at": time.time(), "sent_monotonic": time.monotonic()}
        self._write(
            {"call": call, "method": method, "path": path, "key": key, "body": body} | times
        )
        return call

    def answered(
        self,
        call: str,
        status: int | None,
        *,
        order_id: str | None = None,
        row_id: int | None = None,
        replayed: bool = False,
    ) -> None:
        """Write what came back; `status` is None if the connection broke or the time ran out."""
        answer = {"status": status, "order_id": order_id, "row_id": row_id, "replayed": replayed}
        times = {"answered_at": time.time(), "answered_monotonic": time.monotonic()}
        self._write({"call": call} | answer | times)

    def _write(self, line: dict[str, Any]) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")
        os.fsync(self._file)


def read_journal(path: Path) -> list[Call]:
    """Return the calls in the order they were sent; a torn last line was never acted on."""
    calls: dict[str, Call] = {}
    *lines, _torn = path.read_bytes().split(b"\n")
    for line in lines:
        fields = json.loads(line)
        call = fields.pop("call")
        calls[call] = replace(calls[call], **fields) if call in calls else Call(**fields)
    return list(calls.values())
