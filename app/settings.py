"""The settings: read from the environment once, checked, then fixed."""

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import limits
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import URL, make_url

from app.api_keys import ApiKey, parse_api_keys
from app.database_url import with_our_driver
from app.errors import ConfigurationError

PROJECT: Final = Path(__file__).resolve().parent.parent
_SECRETS: Final = frozenset({"DATABASE_URL", "API_KEYS"})
"""What is wrong with these is said without quoting them."""
LONGEST_WORK_SECONDS: Final = 86_400
"""What nobody means; a number of hundreds of digits would be infinite."""


def _seconds_range(value: object) -> object:
    """Turn `0.5-1.5` or `2` into a pair of seconds."""
    if not isinstance(value, str):
        return value
    number = r"\s*(\d+(?:\.\d+)?)\s*"
    match = re.fullmatch(rf"{number}(?:-{number})?", value)
    if match is None:
        raise ValueError("should be a number of seconds or a range such as 0.5-1.5")
    shortest, longest = float(match[1]), float(match[2] or match[1])
    if shortest > longest:
        raise ValueError("the range should begin with its smaller end")
    if longest > LONGEST_WORK_SECONDS:
        raise ValueError(f"should be at most {LONGEST_WORK_SECONDS}")
    return shortest, longest


class Settings(BaseSettings):
    """What can be set, by the environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    database_url: Annotated[str, AfterValidator(with_our_driver)] = Field(
        f"sqlite:///{PROJECT}/instance/orders.db",
        description="`mysql://`, `mysql+pymysql://`, `mariadb://`, `postgresql://`, `sqlite:///`",
    )
    host: str = Field("127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on")
    processes: int = Field(2, ge=1, le=256, description="uWSGI worker processes")
    threads: int = Field(32, ge=1, le=1024, description="request threads per worker")
    processing_seconds: Annotated[
        tuple[float, float], NoDecode, BeforeValidator(_seconds_range)
    ] = Field((0.5, 1.5), description="simulated work per order: a number or a range; `0` for none")
    order_handler: str = Field(
        "",
        description="`package.module:function`, called with each order instead of simulated work",
    )
    processor_threads: int = Field(
        1,
        ge=1,
        le=256,
        description="orders a worker handles at once; 1 keeps first come, first served",
    )
    lease_seconds: float = Field(
        15,
        ge=5,
        le=3600,
        description="a worker silent for longer is dead, its orders taken over; at least 5",
    )
    max_attempts: int = Field(5, ge=1, le=1000, description="then the order is `FAILED`")
    retry_base_seconds: float = Field(
        1, gt=0, le=900, description="exponential backoff with full jitter starts here"
    )
    max_backlog: int = Field(
        1_000_000, ge=1, description="from so many unfinished orders on create answers 503"
    )
    max_body_bytes: int = Field(1_048_576, ge=1, description="a larger body is answered with 413")
    api_keys: Annotated[tuple[ApiKey, ...], NoDecode, BeforeValidator(parse_api_keys)] = Field(
        (),
        description="`name:role:sha256hex,...`, who is let in; empty: everybody; roles `read`, "
        "`write`, `admin`, each including the one before",
    )
    allow_anonymous: bool = Field(
        default=False,
        description="`1`: with `API_KEYS` empty listen on other addresses than loopback, too",
    )
    rate_limit: str = Field(
        "", description="requests per key, or else per address, such as `100/second`; empty: any"
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="log lines for people, or `json` for programs"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO",
        description="the least severe messages that are logged: `DEBUG`, `INFO`, `WARNING` or "
        "`ERROR`",
    )

    @classmethod
    def load(cls) -> Self:
        """Return the settings of this process's environment.

        Raises:
            ConfigurationError: One of them makes no sense.

        """
        try:
            return cls()
        except ValidationError as error:
            sentences = [_sentence(dict(each)) for each in error.errors(include_url=False)]
            raise ConfigurationError("; ".join(sentences)) from None

    @field_validator("host")
    @classmethod
    def _be_no_ipv6(cls, value: str) -> str:
        if ":" in value:  # uWSGI would take the first colon for that before the port
            raise ValueError("should be a name or an IPv4 address")
        return value

    @field_validator("port", "processes", "threads", mode="before")
    @classmethod
    def _be_read_alike(cls, value: object) -> object:
        """Refuse what uWSGI, which reads these by itself, would take for another number."""
        if isinstance(value, str) and not re.fullmatch("0|[1-9][0-9]*", value):
            raise ValueError("should be a whole number")
        return value

    @field_validator("order_handler")
    @classmethod
    def _name_a_function(cls, value: str) -> str:
        if not re.fullmatch(r"([\w.]+:\w+)?", value):
            raise ValueError("should be package.module:function")
        return value

    @field_validator("rate_limit")
    @classmethod
    def _limit_once(cls, value: str) -> str:
        if value and not _is_one_limit(value):
            raise ValueError("should be one limit, of at least 1, such as 100/second")
        return value

    @property
    def url(self) -> URL:
        """The database's URL; its `str` hides the password."""
        return make_url(self.database_url)

    def masked(self) -> dict[str, Any]:
        """Return the settings by environment variable, without secrets."""
        shortest, longest = self.processing_seconds
        shown = self.model_dump() | {
            "database_url": str(self.url),
            "processing_seconds": f"{shortest:g}-{longest:g}",
            "api_keys": ",".join(map(str, self.api_keys)),
            "allow_anonymous": int(self.allow_anonymous),
        }
        return {
            name.upper(): f"{value:g}" if isinstance(value, float) else value
            for name, value in shown.items()
        }


def _is_one_limit(value: str) -> bool:
    try:
        quotas = limits.parse_many(value)
    except ValueError:
        return False
    return len(quotas) == 1 and quotas[0].amount > 0


def _sentence(error: dict[str, Any]) -> str:
    name = str(error["loc"][0]).upper()
    given = "" if name in _SECRETS else f" (it is {str(error['input'])[:80]!r})"
    sentence = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{name}: {sentence}{given}"
