"""The CHECKs of the table: no statement can leave a state without its times."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tests.builders import draft
from tests.integration.moves import OWNER, all_rows, place

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901)  # noqa: DTZ001 -- the tables hold naive UTC
PROCESSING = {"status": "PROCESSING", "started_at": NOW, "owner_id": OWNER}
NONSENSE = {
    "an unknown status": {"status": "LOST"},
    "pending with an end": {"completed_at": NOW},
    "processing without a start": PROCESSING | {"started_at": None},
    "processing without an owner": PROCESSING | {"owner_id": None},
    "processing with an end": PROCESSING | {"completed_at": NOW},
    "completed without an end": {"status": "COMPLETED", "started_at": NOW},
    "completed without a start": {"status": "COMPLETED", "completed_at": NOW},
    "failed without an end": {"status": "FAILED"},
    "cancelled without an end": {"status": "CANCELLED"},
    "started before it was created": PROCESSING | {"started_at": NOW - timedelta(microseconds=1)},
    "ended before it was started": {
        "status": "COMPLETED",
        "started_at": NOW,
        "completed_at": NOW - timedelta(microseconds=1),
    },
}


@pytest.mark.parametrize("columns", NONSENSE.values(), ids=NONSENSE)
def test_the_table_refuses_nonsense(engine: Engine, columns: dict[str, Any]) -> None:
    place(engine, draft(created_at=NOW))
    before = all_rows(engine)
    changes = ", ".join(f"{name} = :{name}" for name in columns)
    values = {
        name: value.isoformat(" ", "microseconds") if isinstance(value, datetime) else value
        for name, value in columns.items()
    }
    with pytest.raises(DBAPIError, match=r"(?i)constraint"), engine.begin() as connection:
        connection.execute(text(f"UPDATE orders SET {changes}"), values)
    assert all_rows(engine) == before
