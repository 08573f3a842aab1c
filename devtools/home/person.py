"""A person with a browser, as far as web pages without scripts go.

Opens pages, keeps cookies, fills in forms and presses buttons, so that a script can sign in at the
simulated Tesla exactly the way its owner would.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import override
import urllib.error
from urllib.parse import urlencode, urljoin
import urllib.request

MAX_PAGE = 1 << 20


class PageError(Exception):
    """A page is not there, or is not what a person would expect."""


@dataclass(slots=True)
class Form:
    """One form of a page: where it goes, what is filled in already, and its buttons."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    blank: list[str] = field(default_factory=list)  # names of the fields for a person's text
    checkboxes: list[tuple[str, str]] = field(default_factory=list)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> name, value

    def filled(self, texts: dict[str, str], button: str) -> list[tuple[str, str]]:
        """Return what a browser sends: texts filled in, every box ticked, the button pressed."""
        name, value = self.buttons[button]
        pressed = [(name, value)] if name else []
        written = [(name, texts.get(name, "")) for name in self.blank]
        return self.fields + written + self.checkboxes + pressed


class _Forms(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._inside: Form | None = None
        self.feed(page)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = {name: value or "" for name, value in attrs}
        name, value = have.get("name", ""), have.get("value", "")
        kind = have.get("type", "submit" if tag == "button" else "text")
        if tag == "form":
            self._inside = Form(have.get("action", ""), have.get("method", "get").lower())
            self.forms.append(self._inside)
        elif self._inside is None or "disabled" in have or tag not in ("input", "button"):
            return
        elif kind == "submit":
            self._inside.buttons[have.get("id", "")] = (name, value)
        elif kind == "checkbox":
            self._inside.checkboxes.append((name, value or "on"))
        elif kind == "hidden":
            self._inside.fields.append((name, value))
        else:
            self._inside.blank.append(name)

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = None


class Person:
    """Somebody with an e-mail address, a password and a browser that keeps cookies."""

    def __init__(self, email: str, password: str) -> None:
        """Start with an empty browser."""
        self._texts = {"email": email, "password": password}
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def walk(self, url: str, buttons: tuple[str, ...], *, until: str) -> str:
        """Open a page and go from form to form until a page has the words; return that page.

        On every page the first of the buttons (by id) that is there gets pressed. Raises PageError
        where a page offers none of them, or after more pages than anybody would put up with.
        """
        page, at = self._open(url)
        for _ in range(6):
            if until in page:
                return page
            found = next(
                ((f, b) for b in buttons for f in _Forms(page).forms if b in f.buttons), None
            )
            if found is None:
                raise PageError(f"none of the buttons {buttons} is on the page:\n{page[:2000]}")
            form, button = found
            target = urljoin(at, form.action)
            data = urlencode(form.filled(self._texts, button))
            if form.method == "post":
                page, at = self._open(target, data.encode())
            else:
                page, at = self._open(target.partition("?")[0] + "?" + data)
        raise PageError(f"no page with {until!r} in sight:\n{page[:2000]}")

    def _open(self, url: str, data: bytes | None = None) -> tuple[str, str]:
        try:
            with self._opener.open(url, data, timeout=30) as answer:
                return answer.read(MAX_PAGE).decode(errors="replace"), answer.url
        except urllib.error.HTTPError as error:
            words = error.read(MAX_PAGE).decode(errors="replace")[:2000]
            raise PageError(f"{error.url}: {error.code} {words}") from error
        except OSError as error:
            raise PageError(f"{url}: {error}") from error
