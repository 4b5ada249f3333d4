"""The rate limit under uWSGI: one count for all workers."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

LIMIT = 100
REQUESTS = 300

# The count is in uWSGI, whatever the database is.
pytestmark = pytest.mark.databases("sqlite")


def test_exactly_as_many_as_the_limit_get_through_whichever_worker_answers(start_service) -> None:
    service = start_service(processes=2, RATE_LIMIT=f"{LIMIT}/hour")
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda _: requests.get(f"{service.url}/metrics", timeout=20), range(REQUESTS))
        )
    assert Counter(answer.status_code for answer in answers) == {200: LIMIT, 429: REQUESTS - LIMIT}
    assert all(served > LIMIT / 4 for served in service.requests_served())
    assert {answer.headers["RateLimit"].split(";")[1] for answer in answers} > {"r=0"}
    assert requests.get(f"{service.url}/readyz", timeout=5).status_code == 200


def test_a_killed_worker_takes_no_count_with_it(start_service) -> None:
    service = start_service(processes=2, RATE_LIMIT="5/hour")
    before = [requests.get(f"{service.url}/metrics", timeout=5).status_code for _ in range(5)]
    for pid in service.worker_pids():
        service.kill_worker(pid)
    after = requests.get(f"{service.url}/metrics", timeout=20)
    assert (before, after.status_code) == ([200] * 5, 429)


def test_without_a_limit_there_is_none(start_service) -> None:
    service = start_service(processes=1)
    answer = requests.get(f"{service.url}/metrics", timeout=5)
    assert "RateLimit" not in answer.headers
