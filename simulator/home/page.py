"""The home's page: what flows, and buttons to plug in, to make clouds and outages."""

from datetime import datetime
from html import escape

from aiohttp import web

from simulator.cloud.auth import pages
from simulator.home.battery import KWH
from simulator.home.home import Home, Powers

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


def show(home: Home) -> web.Response:
    """Return the page."""
    powers = home.present()
    local = datetime.fromtimestamp(home.now, home.settings.zone)
    cards = [_flows(home, powers), _sky(home, powers), _services(home), *_cars(home)]
    what = "Energy flows" if home.settings.follows == "wall" else "Time in it runs"
    content = f"""
<h1>Simulated home</h1>
<p class="note">{escape(local.strftime("%A %d %B %Y, %H:%M:%S"))}. {what} {home.clock.speed:g} times as fast.
<a href="/">The simulated Tesla</a></p>
<div class="grid">{"".join(cards)}</div>"""
    return pages.page("Simulated home", content, wide=True, head=_REFRESH)


def _button(action: str, text: str, key: str = "", **fields: str) -> str:
    identity = escape(f"{action}-{key}" if key else action)
    return (
        f'<form method="post" action="/_sim/home/{action}">{pages.hidden(fields)}'
        f'<button id="{identity}">{escape(text)}</button></form>'
    )


def _card(identity: str, title: str, rows: dict[str, str], *buttons: str) -> str:
    listed = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in rows.items())
    shown = f'<div class="buttons">{"".join(buttons)}</div>' if buttons else ""
    return (
        f'<section class="card" id="{escape(identity)}"><h2>{escape(title)}</h2>'
        f"<dl>{listed}</dl>{shown}</section>"
    )


def _watts(watts: float) -> str:
    return f"{watts:,.0f} W"


def _kwh(joules: float) -> str:
    return f"{joules / KWH:,.2f} kWh"


def _flows(home: Home, powers: Powers) -> str:
    totals, fuse = home.totals, home.fuse
    currents = " / ".join(f"{amps:.1f}" for amps in powers.amps[: fuse.phases])
    rows = {
        "Grid": f"{_watts(abs(powers.grid))} {'import' if powers.grid >= 0 else 'export'}",
        "Household": _watts(powers.load),
        "Cars": _watts(powers.cars),
        "Currents": f"{currents} A",
        "Main fuse": f"{fuse.amps:g} A, {sum(fuse.seconds_over):,.0f} s above it",
        "Imported": _kwh(totals.imported),
        "Exported": _kwh(totals.exported),
    }
    if home.battery is not None:
        doing = "rests"
        if powers.battery:
            verb = "gives" if powers.battery > 0 else "takes"
            doing = f"{verb} {_watts(abs(powers.battery))}"
        rows["Battery"] = f"{home.battery.level:.0f} %, {doing}"
    return _card("flows", "Energy", rows)


def _sky(home: Home, powers: Powers) -> str:
    covered = home.sky.covered(home.now)
    rows = {
        "Sun": _watts(powers.solar),
        "Made so far": _kwh(home.totals.solar),
        "Clouds": "made by hand" if covered else "as the weather is",
    }
    button = (
        _button("clear_sky", "Let the clouds go") if covered else _button("clouds", "Make clouds")
    )
    return _card("sky", "Sun", rows, button)


def _services(home: Home) -> str:
    now = home.now
    market = home.market.at(now)[0]
    out, blind = home.prices.outages.now(now), home.forecast.outages.now(now)
    known = home.prices.known(now)
    until = (
        datetime.fromtimestamp(known[-1].end, home.settings.zone).strftime("%A %H:%M")
        if known
        else "no time"
    )
    rows = {
        "Import": f"{market[0]:.3f} {home.settings.tariff.currency}/kWh",
        "Export": f"{market[1]:.3f} {home.settings.tariff.currency}/kWh",
        "Known until": until,
        "Price service": "out of order" if out else "works",
        "Forecast service": "out of order" if blind else "works",
    }
    buttons = (
        _outage_button("price_outage", "price", out=out),
        _outage_button("forecast_outage", "forecast", out=blind),
    )
    return _card("services", "Prices and forecast", rows, *buttons)


def _outage_button(action: str, name: str, *, out: bool) -> str:
    if out:
        return _button(action, f"End the {name} outage", on="false")
    return _button(action, f"Make a {name} outage")


def _cars(home: Home) -> list[str]:
    cards = []
    for vin, load in home.loads.items():
        car = load.car
        state = car.snapshot()
        rows = {
            "State": state.charging_state,
            "Battery": f"{state.battery_level:.1f} %",
            "Place": "at home" if state.at_home else "away",
            "From this home": _kwh(load.joules),
        }
        button = (
            _button("unplug", "Unplug", vin, vin=vin)
            if state.plugged_in
            else _button("plug_in", "Plug in", vin, vin=vin)
        )
        cards.append(_card(f"car-{vin}", car.name, rows, button))
    return cards
