"""The rate limit under uWSGI: one count for all workers."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.processes import wait_until

LIMIT = 100
REQUESTS = 300
SECONDS = 60

# The count is in uWSGI, whatever the database is.
pytestmark = pytest.mark.databases("sqlite")


def test_exactly_as_many_as_the_limit_get_through_whichever_worker_answers(start_service) -> None:
    service = start_service(processes=2, RATE_LIMIT=f"{LIMIT}/hour")
    answers: list[requests.Response] = []

    def both_have_answered() -> bool:
        with ThreadPoolExecutor(16) as pool:
            asked = [pool.submit(requests.get, f"{service.url}/metrics") for _ in range(REQUESTS)]
            answers.extend(each.result() for each in asked)
        return min(service.requests_served()) > LIMIT / 4

    wait_until(both_have_answered, SECONDS, "answers of both workers")
    others = len(answers) - LIMIT
    assert Counter(answer.status_code for answer in answers) == {200: LIMIT, 429: others}
    assert {answer.headers["RateLimit"].split(";")[1] for answer in answers} > {"r=0"}
    assert requests.get(f"{service.url}/readyz", timeout=60).status_code == 200


def test_a_killed_worker_takes_no_count_with_it(start_service) -> None:
    service = start_service(processes=2, RATE_LIMIT="5/hour")
    before = [requests.get(f"{service.url}/metrics", timeout=60).status_code for _ in range(5)]
    for pid in service.worker_pids():
        service.kill_worker(pid)
    after = requests.get(f"{service.url}/metrics", timeout=60)
    assert (before, after.status_code) == ([200] * 5, 429)


def test_without_a_limit_there_is_none(start_service) -> None:
    service = start_service(processes=1)
    answer = requests.get(f"{service.url}/metrics", timeout=60)
    assert "RateLimit" not in answer.headers
