"""How long we wait for a database, in seconds."""

from typing import Final

LOCK_SECONDS: Final = 3
STATEMENT_SECONDS: Final = 8
SOCKET_SECONDS: Final = 10
IDLE_TRANSACTION_SECONDS: Final = 8
IDLE_CONNECTION_SECONDS: Final = 60
