"""A real browser without a screen, on a machine without a network."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM: Final = shutil.which("chromium")
# Names lead nowhere; a page that needs the internet would show it.
OFFLINE: Final = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"

PATIENCE_SECONDS: Final = 60
"""With the page, in all that is expected of it."""


class Browser:
    """Debian's Chromium; each page is opened by a visitor who was never there before."""

    @staticmethod
    def is_installed() -> bool:
        """Whether there is a Chromium to start."""
        return CHROMIUM is not None

    def __enter__(self) -> Self:
        """Start Chromium."""
        expect.set_options(timeout=PATIENCE_SECONDS * 1000)
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", OFFLINE],  # the sandbox refuses root
        )
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._chromium.close()
        self._playwright.stop()

    @contextmanager
    def page(
        self, url: str, *, width: int = 1280, height: int = 900, **visitor_options: Any
    ) -> Iterator[Page]:
        """Open a page of a service; fails if it asks another host or complains on its console.

        `visitor_options` are what Playwright's `new_context` takes, such as `color_scheme`.
        """
        origin = "/".join(url.split("/")[:3])
        asked: list[str] = []
        complaints: list[str] = []
        viewport = {"width": width, "height": height}
        with self._chromium.new_context(viewport=viewport, **visitor_options) as visitor:
            visitor.set_default_timeout(PATIENCE_SECONDS * 1000)
            page = visitor.new_page()
            page.on("request", lambda request: asked.append(request.url))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on(
                "console",
                lambda message: message.type == "error" and complaints.append(message.text),
            )
            page.goto(url)
            yield page
        abroad = [each for each in asked if not each.startswith((f"{origin}/", "data:"))]
        assert not abroad, f"the page asked for {abroad}"
        assert not complaints, f"the page complains: {complaints}"
