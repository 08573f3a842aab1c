"""Every page of the flows, as Home Assistant sends it, and the way to show it in any language without walking there again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
import json
from pathlib import Path
import re
from typing import Any

from playwright.sync_api import Page as BrowserPage, Request, Route

from custom_components.tesla_charging.vehicle_command import VirtualKey
from devtools.home.config_entry import DOMAIN, FLOW, proposed
from devtools.home.home import Home
from devtools.home.simulated_tesla import CLIENT_ID, CLIENT_SECRET, SimulatedTesla
from tests.e2e.steps import ITEMS

OPTIONS = "/api/config/config_entries/options/flow"
TRANSLATIONS = Path(__file__).parents[2] / "custom_components" / DOMAIN / "translations"
WORDS: dict[str, Any] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in TRANSLATIONS.glob("*.json")
}

# The parts of the dialog that scroll, and the lines that are cut off
MEASURE = """() => {
  const scrolled = [], cut = [];
  const children = (node) => [...(node.shadowRoot ? node.shadowRoot.childNodes : []), ...node.childNodes];
  const find = (node) => {
    if (node.nodeName === 'DIALOG-DATA-ENTRY-FLOW') return node;
    for (const child of children(node)) { const found = find(child); if (found) return found; }
    return null;
  };
  const walk = (node) => {
    if (node.nodeType === 1) {
      const style = getComputedStyle(node);
      const over = node.scrollHeight - node.clientHeight;
      if (/auto|scroll/.test(style.overflowY) && node.clientHeight > 50 && over > 1) scrolled.push(over);
      if (style.textOverflow === 'ellipsis' && node.scrollWidth > node.clientWidth + 1) cut.push(node.nodeName);
    }
    children(node).forEach(walk);
  };
  walk(find(document.body));
  return [Math.max(0, ...scrolled), cut];
}"""


@dataclass(frozen=True, slots=True)
class FlowPage:
    """One page: a step as Home Assistant sends it."""

    flow: str
    """`config` or `options`."""
    step: dict[str, Any]

    def text(self, language: str) -> str:
        """Return all that the page says in a language."""
        words = WORDS[language][self.flow]
        errors = [words["error"].get(key, "") for key in (self.step.get("errors") or {}).values()]
        return json.dumps([words["step"][self.step["step_id"]], errors], ensure_ascii=False)

    @property
    def longest(self) -> str:
        """The language in which it says it with the most letters."""
        return max(WORDS, key=lambda language: len(self.text(language)))


def collect(home: Home, tesla: SimulatedTesla) -> list[FlowPage]:
    """Walk every flow through Home Assistant's API, with mistakes, and return the pages; leaves an entry behind."""
    walk = _Walk(home, tesla)
    walk.leave(walk.begin())
    home.ws(
        {
            "type": "application_credentials/create",
            "domain": DOMAIN,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "name": "Demo",
        }
    )
    (home.directory / "tesla_fleet.key").write_bytes(VirtualKey.generate().private_pem())
    walk.leave(walk.fill(walk.up_to_domain(), shown="elsewhere"))
    walk.leave(walk.fill(walk.up_to_domain(), key="import"))
    step = walk.fill(walk.up_to_domain(), domain="home.example.org", key="new")
    step = walk.fill(step, domain="home.example.com", key="new")
    while step["step_id"] == "pair":
        step = walk.fill(step, later=True)
    step = walk.pick(step, "telemetry_embedded")
    inside = {"listen_host": "127.0.0.1", "listen_port": tesla.telemetry_port}
    while step["type"] == "form":  # the public name leads nowhere, which is said first
        step = walk.fill(step, inside=inside)
    entry = step["result"]["entry_id"]
    for choice in ("pair_cars", "location", "domain", "replace_key", "application"):
        walk.leave(walk.pick(walk.begin(entry_id=entry), choice))
    walk.flow = OPTIONS
    for choice in ("telemetry", "budget", "home"):
        step = walk.pick(walk.begin(handler=entry), choice)
        if choice == "telemetry":
            step = walk.pick(step, "telemetry_embedded")
        if choice == "budget":
            step = walk.fill(step, budget=0)
        walk.leave(step)
    return [*walk.pages, *_worst(walk.pages)]


def _worst(pages: Sequence[FlowPage]) -> Iterator[FlowPage]:
    """Yield every form that can have an error with the longest one that fits, and the pages of detours."""
    address = "https://home.example.com/.well-known/appspecific/com.tesla.3p.public-key.pem"
    by_name = {page.step["step_id"]: page for page in pages}
    for name, error in (
        ("domain", "key_not_fetched"),
        ("pair", "not_paired"),
        ("telemetry_embedded", "reach_foreign"),
    ):
        step = by_name[name].step
        words = {**step["description_placeholders"], "url": address, "detail": "not downloaded"}
        yield FlowPage(
            "config", {**step, "errors": {"base": error}, "description_placeholders": words}
        )
    menu = by_name["telemetry"].step
    ways = ["telemetry_embedded", "telemetry_mqtt", "telemetry_polling"]
    yield FlowPage("config", {**menu, "menu_options": ways})
    for name, step in WORDS["en"]["config"]["step"].items():
        if name.startswith("permission_"):
            yield FlowPage(
                "config",
                {
                    **menu,
                    "step_id": name,
                    "menu_options": [*step["menu_options"]],
                    "description_placeholders": {"portal_url": address},
                },
            )
    words = {"title": "Pearl, Midnight", "application": f"Demo: {CLIENT_ID}"}
    form = {**by_name["replace_key"].step, "data_schema": [], "errors": {}}
    yield FlowPage(
        "config", {**form, "step_id": "reauth_confirm", "description_placeholders": words}
    )


class _Walk:
    """A person without a browser, who keeps every page."""

    def __init__(self, home: Home, tesla: SimulatedTesla) -> None:
        self._home, self._tesla = home, tesla
        self.flow = FLOW
        self.pages: list[FlowPage] = []

    def begin(self, handler: str = DOMAIN, **more: str) -> dict[str, Any]:
        return self._keep(self._home.rest("POST", self.flow, {"handler": handler, **more}))

    def fill(self, step: dict[str, Any], **entered: Any) -> dict[str, Any]:
        answer = proposed(step.get("data_schema") or []) | entered
        return self._keep(self._post(step, answer))

    def pick(self, step: dict[str, Any], choice: str) -> dict[str, Any]:
        return self._keep(self._post(step, {"next_step_id": choice}))

    def leave(self, step: dict[str, Any]) -> None:
        if step["type"] in {"form", "menu"}:
            self._home.rest("DELETE", f"{self.flow}/{step['flow_id']}")

    def up_to_domain(self) -> dict[str, Any]:
        step = self.begin()
        external = self._post(step, proposed(step["data_schema"]))
        self._tesla.consent(external["url"])
        return self._keep(self._home.rest("GET", f"{FLOW}/{step['flow_id']}"))

    def _post(self, step: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        path = f"{self.flow}/{step['flow_id']}"
        following: dict[str, Any] = self._home.rest("POST", path, answer, timeout=90)
        return following

    def _keep(self, step: dict[str, Any]) -> dict[str, Any]:
        if step["type"] in {"form", "menu"}:
            self.pages.append(FlowPage("options" if self.flow == OPTIONS else "config", step))
        return step


@contextmanager
def shown_in_turn(
    page: BrowserPage, pages: Sequence[FlowPage]
) -> Iterator[Callable[[FlowPage], None]]:
    """Have the dialog of a flow show these pages, whatever is answered; each call turns to a page of them."""
    now: dict[str, Any] = {}

    def answer(route: Route, request: Request) -> None:
        if request.method in {"POST", "GET"} and "progress" not in request.url:
            route.fulfill(json={**now, "flow_id": "shown"})
        else:
            route.fulfill(
                json={"message": "ok"}
            ) if request.method == "DELETE" else route.continue_()

    flow = OPTIONS if pages[0].flow == "options" else FLOW
    pattern = re.compile(re.escape(flow) + r"(/shown)?($|\?)")
    last: list[dict[str, Any]] = []

    def turn(following: FlowPage) -> None:
        now.clear()
        now.update(following.step)
        if not last:
            _open(page, following.flow)
        elif last[-1]["type"] == "menu":
            page.locator("step-flow-menu").locator(ITEMS).first.click()
        else:
            page.locator("dialog-data-entry-flow ha-dialog-footer ha-button").last.click()
        last.append(following.step)
        page.locator("step-flow-form, step-flow-menu").first.wait_for()
        page.wait_for_timeout(400)  # until it stands still

    page.context.route(pattern, answer)
    try:
        yield turn
    finally:
        page.context.unroute(pattern)


def _open(page: BrowserPage, flow: str) -> None:
    """Open the dialog; what is on its buttons depends on the language."""
    if flow == "options":
        page.goto(f"/config/integrations/integration/{DOMAIN}")
        page.locator("ha-config-entry-row ha-icon-button").nth(1).click()
        return
    page.goto("/config/integrations/dashboard")
    page.locator("ha-config-integrations-dashboard [slot=fab]").click()
    page.locator("dialog-add-integration ha-input-search input").fill("tesla charging")
    page.locator("ha-integration-list-item", has_text="Tesla Charging").click()
