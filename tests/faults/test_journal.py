"""The journal holds every call, whoever writes it and however its writer ends."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.journal import Journal, read_journal


def test_a_call_is_read_as_it_was_sent_and_answered(tmp_path: Path):
    body = {"user_id": 1, "item_ids": ["é\n"], "total_amount": 1.5}
    with Journal(tmp_path / "journal") as journal:
        call = journal.sent("POST", "/orders", key="a", body=body)
        journal.answered(call, 201, order_id="order-a", row_id=3, replayed=True)

    (call,) = read_journal(tmp_path / "journal")

    assert (call.method, call.path, call.key, call.body) == ("POST", "/orders", "a", body)
    assert (call.status, call.order_id, call.row_id, call.replayed) == (201, "order-a", 3, True)
    assert call.sent_at <= call.answered_at
    assert call.sent_monotonic <= call.answered_monotonic


def test_the_line_before_a_call_is_there_without_the_one_after_it(tmp_path: Path):
    with Journal(tmp_path / "journal") as journal:
        journal.sent("POST", "/orders", key="a")

        (call,) = read_journal(tmp_path / "journal")

    assert (call.key, call.status, call.answered_at) == ("a", None, None)


def test_threads_share_a_journal(tmp_path: Path):
    with Journal(tmp_path / "journal") as journal, ThreadPoolExecutor(8) as threads:

        def place(number: int) -> None:
            call = journal.sent("POST", "/orders", key=f"{number}")
            journal.answered(call, 201, order_id=f"order-{number}")

        list(threads.map(place, range(200)))

    calls = read_journal(tmp_path / "journal")

    assert {(call.key, call.order_id) for call in calls} == {
        (f"{number}", f"order-{number}") for number in range(200)
    }
    assert len(calls) == 200


def test_a_torn_last_line_is_left_out(tmp_path: Path):
    with Journal(tmp_path / "journal") as journal:
        journal.sent("POST", "/orders", key="a")
    with (tmp_path / "journal").open("a") as torn:
        torn.write('{"call": "b", "meth')

    assert [call.key for call in read_journal(tmp_path / "journal")] == ["a"]
