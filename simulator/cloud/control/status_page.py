"""The simulator's front page: the cars, and buttons to play with them."""

from html import escape
from typing import Any

from aiohttp import web

from simulator.cloud.auth import pages
from simulator.cloud.context import Cloud
from simulator.cloud.control.overview import overview

#: Shown while the page stays open; without scripts it is a page to reload by hand.
_REFRESH = """<script>
setInterval(async () => {
  try {
    const text = await (await fetch(location.href)).text();
    const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("main");
    if (fresh) document.querySelector("main").replaceChildren(...fresh.childNodes);
  } catch { /* the simulator is not running: try again */ }
}, 2000);
</script>"""


def _button(vin: str, action: str, text: str) -> str:
    return (
        f'<form method="post" action="/_sim/cars/{escape(vin)}/{action}">'
        f'<button id="{action}-{escape(vin)}">{escape(text)}</button></form>'
    )


def _telemetry(told: dict[str, Any]) -> str:
    if not told["configs"]:
        return "not configured"
    signals = told["counts"]["signals"]
    return f"{'connected' if told['connected'] else 'not connected'}, {signals} signals"


def _card(car: dict[str, Any]) -> str:
    vin, level = car["vin"], car["battery_level"]
    buttons = [
        _button(vin, "unplug", "Unplug")
        if car["plugged_in"]
        else _button(vin, "plug_in", "Plug in"),
        _button(vin, "drive_away", "Drive away")
        if car["at_home"]
        else _button(vin, "arrive_home", "Come home"),
        _button(vin, "sleep", "Sleep")
        if car["state"] == "online"
        else _button(vin, "wake", "Wake up"),
        _button(vin, "online", "Into coverage")
        if car["state"] == "offline"
        else _button(vin, "offline", "Out of coverage"),
    ]
    location = "driving" if car["driving"] else "parked"
    rows = {
        "State": car["state"],
        "Charging": car["charging_state"],
        "Limit": f"{car['charge_limit']} %",
        "Set current": f"{car['charge_amps']} A",
        "Power": f"{car['charge_kw']:.1f} kW",
        "Energy added": f"{car['energy_added_kwh']:.1f} kWh",
        "Location": "at home" if car["at_home"] else location,
        "Keys": str(len(car["keys"])),
        "Telemetry": _telemetry(car["telemetry"]),
    }
    listed = "".join(f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in rows.items())
    return f"""<section class="card" id="car-{escape(vin)}"><h2>{escape(car["name"])}</h2>
<p class="note">{escape(vin)}</p><div class="bar"><i style="width:{level:.1f}%"></i></div>
<strong>{level:.1f} %</strong><dl>{listed}</dl><div class="buttons">{"".join(buttons)}</div>
</section>"""


class StatusPage:
    """Serves `/`."""

    def __init__(self, cloud: Cloud) -> None:
        """Show this cloud."""
        self._cloud = cloud

    async def handle(self, _request: web.Request) -> web.Response:
        """Answer the page."""
        state = overview(self._cloud)
        cards = "".join(_card(car) for car in state["cars"]) or "<p>There are no cars.</p>"
        bill = state["billing"]
        counts = ", ".join(f"{count} {name}" for name, count in bill["counts"].items())
        home = ' <a href="/home">The simulated home</a>' if self._cloud.home else ""
        content = f"""
<h1>Simulated Tesla</h1>
<p class="note">Time in the cars runs {state["clock"]["speed"]:g} times as fast.
Requests: {counts}. Cost: ${bill["cost"]:.3f}.{home}</p>
<div class="grid">{cards}</div>"""
        return pages.page("Simulated Tesla", content, wide=True, head=_REFRESH)
