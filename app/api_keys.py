"""API keys: who may do what. Only the SHA-256 of a key is ever configured or kept."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Self

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""A request with one of these changes nothing."""
_KEY_BYTES: Final = 32
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WHAT_A_NAME_IS: Final = "1 to 64 characters of A-Z a-z 0-9 . _ -"
_DIGEST: Final = re.compile(r"[0-9A-Fa-f]{64}")


class Role(IntEnum):
    """What a key may do; each role includes the ones before it."""

    READ = 1
    """Look at orders and metrics."""
    WRITE = 2
    """Place, cancel and retry orders."""
    ADMIN = 3
    """Populate; on the dashboard cancel and retry all of a choice."""

    def __str__(self) -> str:
        """Return the role as it is written in `API_KEYS`."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key; two of one name overlap while the one replaces the other."""

    name: str
    role: Role
    digest: bytes = field(repr=False)

    @classmethod
    def parse(cls, entry: str) -> Self:
        """Return what an entry of `API_KEYS` describes.

        Raises:
            ValueError: It is not `name:role:sha256hex`. The message quotes nothing: what was put
                there by mistake may be the key itself.

        """
        name, role, digest = (*entry.strip().split(":"), "", "")[:3]
        if entry.count(":") != 2 or not _NAME.fullmatch(name):
            raise ValueError(f"should be name:role:sha256hex, the name {_WHAT_A_NAME_IS}")
        if role not in map(str, Role):
            raise ValueError("should have the role read, write or admin")
        if not _DIGEST.fullmatch(digest):
            raise ValueError("should end with the key's SHA-256 in 64 hexadecimal digits")
        return cls(name, Role[role.upper()], bytes.fromhex(digest))

    def __str__(self) -> str:
        """Return the entry, its digest masked."""
        return f"{self.name}:{self.role}:***"


def parse_api_keys(value: object) -> object:
    """Turn `name:role:sha256hex,...` into keys; what is no text is left to pydantic.

    Raises:
        ValueError: An entry is none, or describes the same key as another.

    """
    if not isinstance(value, str):
        return value
    keys: list[ApiKey] = []
    for number, entry in enumerate(value.split(",") if value else (), start=1):
        try:
            key = ApiKey.parse(entry)
        except ValueError as error:
            raise ValueError(f"entry {number} {error}") from None
        if any(key.digest == other.digest for other in keys):
            raise ValueError(f"entry {number} should not be a key that is there already")
        keys.append(key)
    return tuple(keys)


def make_key(name: str, role: str) -> tuple[str, str]:
    """Return a new key, and its entry for `API_KEYS`.

    Raises:
        ValueError: Name or role cannot be one.

    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"should be {_WHAT_A_NAME_IS}")
    key = secrets.token_urlsafe(_KEY_BYTES)
    entry = f"{name}:{role}:{hashlib.sha256(key.encode()).hexdigest()}"
    ApiKey.parse(entry)
    return key, entry


def find_key(keys: Iterable[ApiKey], presented: str) -> ApiKey | None:
    """Return which of the keys was presented; None if it was none of them, or empty.

    Takes as long for a key that is nearly right as for any other.
    """
    if not presented:  # an entry made from an unset variable should let nobody in
        return None
    digest = hashlib.sha256(presented.encode(errors="surrogateescape")).digest()
    found = None
    for key in keys:
        if hmac.compare_digest(key.digest, digest):
            found = key
    return found
