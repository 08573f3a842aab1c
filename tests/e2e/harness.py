"""A headless browser on the frontend of a real Home Assistant.

with frontend(home, screenshots=directory) as browser:
    browser.page.goto("/config/integrations/dashboard")

What the browser would fetch from anywhere but this machine is noted and refused.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
import json
from pathlib import Path
import re
from typing import Any

from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Route,
    WebError,
    sync_playwright,
)
import pytest_socket

from devtools.home.browser import find_browser
from devtools.home.home import Home

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
OWN_ADDRESS = re.compile(r"(https?|wss?)://(localhost|127\.0\.0\.1|\[::1\])[:/]")
BRAND_IMAGE = re.compile(r"/api/brands/(?:integration|brand)/([^/]+)/")
TRANSPARENT_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f6454000000000"
    "49454e44ae426082"
)
#: A websocket call cut off by leaving the page.
HARMLESS_ERRORS = ("disconnected",)

# On localhost the frontend registers a service worker, which reloads the page some 15 s after the
# first visit and so closes every dialog. A registration that never settles keeps it away.
NO_SERVICE_WORKER = """
if (navigator.serviceWorker) navigator.serviceWorker.register = () => new Promise(() => {})
"""
SIGNED_IN = """
if (location.origin === %s && !localStorage.hassTokens) localStorage.setItem("hassTokens", %s)
"""


@dataclass(slots=True)
class Frontend:
    """A page in a fresh profile, and what went wrong in it."""

    page: Page
    context: BrowserContext
    screenshots: Path
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)  # addresses of others that were asked for

    def shot(self, name: str, page: Page | None = None) -> None:
        """Keep a picture of the page (or of another one, such as a popup)."""
        self.screenshots.mkdir(parents=True, exist_ok=True)
        (page or self.page).screenshot(path=self.screenshots / f"{name}.png")


@contextmanager
def frontend(
    home: Home,
    *,
    screenshots: Path,
    signed_in: bool = True,
    own_brands: frozenset[str] = frozenset({"tesla_charging"}),
    elsewhere: Mapping[str, Callable[[Route], None]] | None = None,
    **context_options: Any,
) -> Iterator[Frontend]:
    """Open a browser on the frontend.

    signed_in skips the login page. Brand images come from Home Assistant only for own_brands, for
    all others it would ask the internet. elsewhere answers addresses of others, by their beginning.
    context_options are Playwright's (viewport, color_scheme ...). A picture named FAILED is kept
    if the block raises.
    """
    options: dict[str, Any] = {
        "viewport": {"width": 1280, "height": 900},
        "locale": "en-US",
        "timezone_id": "UTC",
        "accept_downloads": True,
    } | context_options
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), headless=True, args=FLAGS
        )
        try:
            context = browser.new_context(base_url=home.url, **options)
            context.set_default_timeout(20_000)
            context.add_init_script(NO_SERVICE_WORKER)
            if signed_in:
                session = json.dumps(json.dumps(home.access.frontend_session))
                context.add_init_script(SIGNED_IN % (json.dumps(home.url), session))
            opened = Frontend(context.new_page(), context, screenshots)
            _watch(opened, own_brands, elsewhere or {})
            try:
                yield opened
            except BaseException:
                opened.shot("FAILED")
                raise
        finally:
            browser.close()


def _watch(
    opened: Frontend, own_brands: frozenset[str], elsewhere: Mapping[str, Callable[[Route], None]]
) -> None:
    def route(route: Route, request: Request) -> None:
        if OWN_ADDRESS.match(request.url):
            brand = BRAND_IMAGE.search(request.url)
            if brand and brand[1] not in own_brands:
                route.fulfill(status=200, content_type="image/png", body=TRANSPARENT_PIXEL)
            else:
                route.continue_()
            return
        opened.outside.append(request.url)
        for beginning, handler in elsewhere.items():
            if request.url.startswith(beginning):
                handler(route)
                return
        route.abort()

    def console(message: ConsoleMessage) -> None:
        if message.type == "error":
            opened.errors.append(f"console: {message.text} ({message.location['url']})")

    def error(error: WebError) -> None:
        if str(error.error) not in HARMLESS_ERRORS:
            opened.errors.append(f"script: {error.error}")

    opened.context.route("**/*", route)
    opened.context.on("console", console)
    opened.context.on("weberror", error)


@contextmanager
def real_sockets() -> Iterator[None]:
    """Allow sockets: Home Assistant's test plugin takes them away before every test."""
    pytest_socket.enable_socket()
    try:
        yield
    finally:
        pytest_socket.disable_socket(allow_unix_socket=True)
