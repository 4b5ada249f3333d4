"""Who looks, and what they may do: an API key is asked for once, a signed cookie carries it."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import Blueprint, current_app, g, redirect, request, url_for
from werkzeug.exceptions import Forbidden, Unauthorized
from werkzeug.wrappers import Response

from app.api_keys import SAFE_METHODS, ApiKey, Role, find_key
from app.settings import Settings

COOKIE: Final = "orders_dashboard"
SESSION_SECONDS: Final = 12 * 3600
_PATH: Final = "/dashboard"
_OPEN: Final = frozenset(
    {"dashboard.root", "dashboard.login", "dashboard.sign_in", "dashboard.static"}
)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever has sent the current request."""

    name: str
    """The key's; empty where no keys are asked for."""
    role: Role

    @property
    def may_act(self) -> bool:
        """Whether single orders may be cancelled and retried."""
        return self.role >= Role.WRITE

    @property
    def may_act_on_all(self) -> bool:
        """Whether all orders of a choice may be."""
        return self.role >= Role.ADMIN


def register_access(blueprint: Blueprint) -> None:
    """Have the blueprint ask for a key, if there are any, and take actions from itself only."""
    blueprint.before_request(_check)
    blueprint.app_context_processor(lambda: {"viewer": g.get("viewer")})


def viewer() -> Viewer:
    """Return who has sent the current request, which was let in."""
    known: Viewer = g.viewer
    return known


def need(role: Role) -> None:
    """Go on only with this role.

    Raises:
        Forbidden: The viewer's key has a smaller one.

    """
    if viewer().role < role:
        raise Forbidden(f"your key has the role {viewer().role}; this needs {role}")


def remember(response: Response, presented: str) -> bool:
    """Have the viewer's browser keep a session for this key; returns False if it is none."""
    key = find_key(_keys(), presented)
    if key is None:
        return False
    response.set_cookie(
        COOKIE,
        _seal(key).encrypt(presented.encode()).decode(),
        max_age=SESSION_SECONDS,
        path=_PATH,
        # uWSGI speaks http: where a proxy ends TLS only the browser knows that it came by https.
        secure=request.headers.get("Origin", "").startswith("https:"),
        httponly=True,
        samesite="Strict",
    )
    return True


def forget(response: Response) -> None:
    """Have the viewer's browser drop its session."""
    response.delete_cookie(COOKIE, path=_PATH, httponly=True, samesite="Strict")


def _check() -> Response | None:
    if request.method not in SAFE_METHODS:
        _check_origin()
    known = _viewer()
    if known is not None:
        g.viewer = known
    elif request.endpoint not in _OPEN:
        if request.endpoint == "dashboard.page":
            return redirect(url_for("dashboard.login"), 303)
        raise Unauthorized("sign in with an API key first")
    return None


def _check_origin() -> None:
    """Refuse what a page of somebody else has the viewer's browser send.

    Source: Filippo Valsorda, Cross-Site Request Forgery (2025); a browser says where a request
    comes from, and no page can forge that.
    """
    if request.headers.get("Sec-Fetch-Site") == "same-origin":
        return
    try:
        host = urlsplit(request.headers.get("Origin", "")).netloc
    except ValueError:  # such as half of an IPv6 address
        host = ""
    if host != request.host:
        raise Forbidden("this can be sent from the dashboard's own pages only")


def _viewer() -> Viewer | None:
    keys = _keys()
    if not keys:
        return Viewer("", Role.ADMIN)
    key = find_key(keys, _carried(request.cookies.get(COOKIE, ""), keys))
    return None if key is None else Viewer(key.name, key.role)


def _keys() -> tuple[ApiKey, ...]:
    settings: Settings = current_app.config["SETTINGS"]
    return settings.api_keys


def _carried(cookie: str, keys: tuple[ApiKey, ...]) -> str:
    """Return what the cookie carries, which need not be a key; empty if its seal is bad or old."""
    seals = MultiFernet(map(_seal, keys))
    try:
        carried = seals.decrypt(cookie.encode(), ttl=SESSION_SECONDS)
    except InvalidToken:
        return ""
    return carried.decode(errors="surrogateescape")


def _seal(key: ApiKey) -> Fernet:
    """Return what signs and encrypts the cookies that carry this key, the same in every worker.

    It bounds a session's age, and hides the key from whoever comes by the cookie alone. It lets
    nobody in: whoever reads the digests in the settings can seal a cookie, too, but has no key to
    put into it.
    """
    return Fernet(urlsafe_b64encode(key.digest))
