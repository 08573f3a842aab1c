"""Just enough of a browser: reads the forms of a page and sends them as a person would."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import aiohttp


@dataclass
class Form:
    """A form: where it goes, what it holds, and the buttons by id."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    boxes: dict[str, tuple[bool, bool]] = field(default_factory=dict)  # value: ticked, disabled
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)


class Page(HTMLParser):
    """One page, already loaded."""

    def __init__(self, url: str, status: int, location: str, text: str) -> None:
        super().__init__()
        self.url, self.status, self.location, self.text = url, status, location, text
        self.forms: list[Form] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.ids.add(given["id"])
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        if not self.forms or tag not in {"input", "button"}:
            return
        form, name, value = self.forms[-1], given.get("name", ""), given.get("value", "")
        if tag == "button":
            form.buttons[given.get("id", "")] = (name, value)
        elif given.get("type") == "checkbox":
            form.boxes[value] = ("checked" in given, "disabled" in given)
        else:
            form.fields.append((name, value))

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the redirect."""
        return dict(parse_qsl(urlsplit(self.location).query))

    def form_with(self, button: str) -> Form:
        return next(form for form in self.forms if button in form.buttons)


class Browser:
    """Follows no redirects: a test looks at each."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def open(self, url: str, **query: str) -> Page:
        async with self._http.get(url, params=query, allow_redirects=False) as got:
            return Page(str(got.url), got.status, got.headers.get("Location", ""), await got.text())

    async def press(
        self, page: Page, button: str, *, untick: frozenset[str] = frozenset(), **typed: str
    ) -> Page:
        """Fill in what was typed, untick boxes, press the button with this id."""
        form = page.form_with(button)
        data = [(name, typed.get(name, value)) for name, value in form.fields]
        for value, (ticked, disabled) in form.boxes.items():
            if ticked and not disabled and value not in untick:
                data.append(("scope", value))
        name, value = form.buttons[button]
        if name:
            data.append((name, value))
        target = urljoin(page.url, form.action) if form.action else page.url
        async with self._http.post(target, data=data, allow_redirects=False) as got:
            return Page(str(got.url), got.status, got.headers.get("Location", ""), await got.text())

    async def sign_in(self, page: Page, password: str = "demo") -> Page:
        return await self.press(page, "signin", email="driver@example.com", password=password)
