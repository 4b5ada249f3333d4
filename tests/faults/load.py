"""The load of a run: orders placed by threads, each call in the journal before and after it."""

import http.client
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, Self
from urllib.parse import urlsplit

from tests.faults.journal import Journal

ANSWER_SECONDS = 20  # what the service promises is 15
IDLE_SECONDS = 4  # the router closes a connection that was idle for 5
GIVE_UP_SECONDS = 40
PAUSE_SECONDS = (0.05, 0.25)

Body = dict[str, Any]
MakeBody = Callable[[str, int], Body]


@dataclass(frozen=True)
class Answer:
    """How one request went; times are monotonic seconds, without the journal's own."""

    sent: float
    seconds: float
    status: int | None
    """None if the connection broke."""

    @property
    def came(self) -> float:
        """When it was there."""
        return self.sent + self.seconds


def plain_order(key: str, number: int) -> Body:
    """Return an order that is like no other: its key is among its items."""
    return {"user_id": number % 97 + 1, "item_ids": [key, 101], "total_amount": 59.99}


class Sender:
    """One client with one connection; not to be shared by threads."""

    def __init__(self, url: str, journal: Journal, *, keyed: bool = True) -> None:
        """Send to `url`; without `keyed` the service is not told the keys."""
        host = urlsplit(url).netloc
        self._connection = http.client.HTTPConnection(host, timeout=ANSWER_SECONDS)
        self._journal = journal
        self._keyed = keyed
        self._used_at = time.monotonic()
        self.order_id: str | None = None
        """Of the last answer."""

    def place(self, key: str, body: Body) -> Answer:
        """Ask once for this order."""
        call = self._journal.sent("POST", "/orders", key=key, body=body)
        sent = time.monotonic()
        status, answer = self._post(key, body)
        seconds = time.monotonic() - sent
        self.order_id = answer.get("order_id") if status == 201 else None
        self._journal.answered(
            call,
            status,
            order_id=self.order_id,
            row_id=answer.get("id") if status == 201 else None,
            replayed=bool(answer.get("replayed")),
        )
        return Answer(sent, seconds, status)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _post(self, key: str, body: Body) -> tuple[int | None, Body]:
        if time.monotonic() > self._used_at + IDLE_SECONDS:
            self._connection.close()  # the next request opens another
        headers = {"Content-Type": "application/json"}
        if self._keyed:
            headers["Idempotency-Key"] = key
        try:
            self._connection.request("POST", "/orders", json.dumps(body), headers)
            response = self._connection.getresponse()
            content = json.loads(response.read())
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            self._connection.close()
            return None, {}
        self._used_at = time.monotonic()
        replayed = response.headers.get("Idempotent-Replayed") == "true"
        return response.status, content | {"replayed": replayed}


class Load:
    """Threads that place orders until `finish`.

    An order whose connection broke, or that was answered 503, is asked for again with its key.

    Args:
        url: The service.
        journal: Shared with whoever else asks.
        senders: How many ask at once.
        per_second: How many orders all of them place together, at most.
        make_body: Returns the order for a key and its number.
        keyed: Send the idempotency key; without it nothing is asked for again.
        again: Ask again at all.

    """

    def __init__(
        self,
        url: str,
        journal: Journal,
        *,
        senders: int = 8,
        per_second: float = 80,
        make_body: MakeBody = plain_order,
        keyed: bool = True,
        again: bool = True,
    ) -> None:
        self._url = url
        self._journal = journal
        self._pause = senders / per_second
        self._make_body = make_body
        self._keyed = keyed
        self._again = again and keyed
        self._numbers = count()
        self._prefix = f"{random.getrandbits(40):x}"
        self._stopping = threading.Event()
        self._resting = threading.Event()
        self._resting.set()
        self._give_up_at = float("inf")
        self.answers: list[Answer] = []
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(senders)]

    def __enter__(self) -> Self:
        """Begin to send."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Place nothing new; what was begun is asked for until it is answered."""
        self._give_up_at = time.monotonic() + GIVE_UP_SECONDS
        self._stopping.set()
        self._resting.set()
        for thread in self._threads:
            thread.join()

    def rest(self) -> None:
        """Ask for nothing until `go_on`."""
        self._resting.clear()

    def go_on(self) -> None:
        """Go on after `rest`."""
        self._resting.set()

    def since(self, moment: float) -> list[Answer]:
        """Return the answers to what was sent after this monotonic time."""
        return [answer for answer in list(self.answers) if answer.sent >= moment]

    def accepted_since(self, moment: float) -> list[Answer]:
        """Return those of them that were 201."""
        return [answer for answer in self.since(moment) if answer.status == 201]

    def _send(self) -> None:
        sender = Sender(self._url, self._journal, keyed=self._keyed)
        while not self._stopping.wait(random.uniform(0, 2 * self._pause)):
            number = next(self._numbers)
            key = f"{self._prefix}-{number}"
            self._place(sender, key, self._make_body(key, number))
        sender.close()

    def _place(self, sender: Sender, key: str, body: Body) -> None:
        while True:
            self._resting.wait()
            answer = sender.place(key, body)
            self.answers.append(answer)
            if answer.status not in {None, 503} or not self._again:
                return
            if time.monotonic() > self._give_up_at:
                return
            time.sleep(random.uniform(*PAUSE_SECONDS))
