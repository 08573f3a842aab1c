"""The demo: a simulated Tesla with two cars, the home at which they charge, and a Home Assistant for both.

    scripts/demo            everything set up, to look around in
    scripts/demo --fresh    without the integration: walk through its set-up yourself
    scripts/demo --check    without a person: set up, charge a car, look for complaints, end

Everything listens on 127.0.0.1 and lives in .demo; Ctrl-C ends all of it. It also ends, and says so, when Home Assistant
or the simulated Tesla has ended.
"""

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
import signal
import sys
import time
from types import FrameType

from devtools.docs.dashboard import create_dashboard, our_devices, our_entities
from devtools.home.config_entry import DOMAIN, add_entry, remove_entries
from devtools.home.energy import INTEGRATION, TIME_ZONE, add_cars, add_simulated_home
from devtools.home.home import RESTART, Home, HomeError, port_of
from devtools.home.person import PageError
from devtools.home.process import ROOT, free_port
from devtools.home.simulated_tesla import (
    CLIENT_ID,
    CLIENT_SECRET,
    EMAIL,
    PASSWORD,
    SimulatedTesla,
    TeslaError,
)

DIRECTORY = ROOT / ".demo"
COMPONENT = ROOT / "custom_components" / DOMAIN
BLUEPRINTS = ROOT / "blueprints"
#: The name under which Tesla sees this home.
PUBLIC_NAME = "home.example.com"
CAR = "Pearl"
SLEEPER = "Midnight"
#: Within how many seconds a push is expected to be shown.
PUSH_SECONDS = 2.0
WATCH_SECONDS = 0.5
#: The home at which the demo's cars charge, and for how many days somebody has lived there.
HOME_OPTIONS = ("--home", "--home-past", "14")
UNKNOWN = ("unknown", "unavailable")


@contextmanager
def demo(
    directory: Path,
    *,
    speed: float = 20,
    keep: bool = False,
    tesla_port: int = 0,
    tesla_options: tuple[str, ...] = (),
    simulated_home: bool = False,
) -> Iterator[tuple[Home, SimulatedTesla]]:
    """Run a simulated Tesla and a Home Assistant that know of each other, in a directory.

    With keep, the Home Assistant of last time goes on; the simulated Tesla always starts anew. With simulated_home, there
    is a home at which the cars charge, and Home Assistant can show it (devtools.home.energy).
    """
    port = free_port(port_of(directory) or 8123 if keep else 8123)
    tesla = SimulatedTesla(
        directory,
        redirect_uri=f"http://localhost:{port}/auth/external/callback",
        domains={PUBLIC_NAME: f"http://127.0.0.1:{port}"},
        port=tesla_port,
        speed=speed,
        options=(*tesla_options, *(HOME_OPTIONS if simulated_home else ())),
    )
    environment: dict[str, str] = {}
    home = Home(
        directory,
        port=port,
        components=[COMPONENT, *([INTEGRATION] if simulated_home else [])],
        time_zone=TIME_ZONE if simulated_home else "UTC",
        external_url=f"https://{PUBLIC_NAME}",
        blueprints=BLUEPRINTS,
        environment=environment,
    )
    home.prepare(fresh=not keep)
    with ExitStack() as running:
        tesla.start()
        running.callback(tesla.stop)
        environment["TESLA_CHARGING_SIMULATOR"] = tesla.base_url
        say(f"simulated Tesla at {tesla.base_url}")
        home.start()
        running.callback(home.stop)
        say(f"Home Assistant at {home.url}")
        yield home, tesla


def set_up(home: Home, tesla: SimulatedTesla) -> None:
    """Add the integration, wait for its cars and show them."""
    remove_entries(home)  # of a kept home: the simulated Tesla of last time is gone, and its tokens
    add_entry(home, tesla)
    say("the integration is added")
    known = home.wait_for(lambda: known_states(home), 60, "the entities of the cars")
    say(f"{len(known)} entities know their state")
    add_cars(home)
    create_dashboard(home, tesla.base_url, simulated_home=True)


def car_known(home: Home, name: str) -> bool:
    """Tell whether a car has been heard of once."""
    device = next((d["id"] for d in our_devices(home) if d["name"] == name), None)
    return device is not None and len(known_states(home, device)) > 5


def put_to_sleep(home: Home, tesla: SimulatedTesla) -> None:
    """Have the second car asleep, as most cars are most of the time, and let the home notice."""
    tesla.control("POST", f"cars/{tesla.cars()[SLEEPER]['vin']}/sleep", {})
    device = next(d["id"] for d in our_devices(home) if d["name"] == SLEEPER)
    entity = next(row["entity_id"] for row in our_entities(home) if row["device_id"] == device)
    home.rest("POST", "/api/services/homeassistant/update_entity", {"entity_id": entity})


def known_states(home: Home, device: str | None = None) -> dict[str, str]:
    """Return entity id -> state of the integration's entities (of one device) that have one."""
    wanted = {row["entity_id"] for row in our_entities(home) if device in (None, row["device_id"])}
    return {
        state["entity_id"]: state["state"]
        for state in home.rest("GET", "/api/states")
        if state["entity_id"] in wanted and state["state"] not in UNKNOWN
    }


def check(home: Home, tesla: SimulatedTesla) -> None:
    """Charge a car through the integration's actions; raise HomeError unless all is well."""
    device = next((d["id"] for d in our_devices(home) if d["name"] == CAR), None)
    if device is None:
        raise HomeError(f"Home Assistant has no car named {CAR}")
    for action, in_car, shown in (
        ("stop_charging", "Stopped", "stopped"),
        ("start_charging", "Charging", "charging"),
    ):
        home.rest(
            "POST",
            f"/api/services/{DOMAIN}/{action}?return_response",
            {"device_id": device},
            timeout=90,
        )
        home.wait_for(partial(car_is, tesla, in_car), 60, f"{CAR} to be in the state {in_car}")
        home.wait_for(partial(shows, home, device, shown), 60, f"{CAR} to be shown as {shown}")
        say(f"{action}: {CAR} has done it, and Home Assistant shows it")
    watch_pushes(home, tesla, device)
    if bad := home.bad_log():
        raise HomeError("the log has complaints:\n" + "\n".join(bad))
    say("no complaint in the log")


#: What is done at the car, and the entity and state that show it: home from a trip, plugged in and charging.
PUSHED = (
    ("unplug", "plugged_in", "off"),
    ("drive_away", "at_home", "off"),
    ("arrive_home", "at_home", "on"),
    ("plug_in", "charging_state", "charging"),
)


def watch_pushes(home: Home, tesla: SimulatedTesla, device: str) -> None:
    """See what happens at the car arrive within two seconds, without anything being asked."""
    home.wait_for(partial(shows, home, device, "connected"), 60, f"{CAR} to be connected")
    vin = tesla.cars()[CAR]["vin"]
    before = data_requests(tesla)
    for act, key, shown in PUSHED:
        started = time.monotonic()
        tesla.control("POST", f"cars/{vin}/{act}", {})
        home.wait_for(partial(entity_is, home, device, key, shown), 10, f"{act} to be shown")
        took = time.monotonic() - started
        say(f"{act}: shown after {took:.1f} s")
        if took > PUSH_SECONDS:
            raise HomeError(f"{act} took {took:.1f} s to be shown")
    if data_requests(tesla) != before:
        raise HomeError("data were polled although the car pushes them")


def data_requests(tesla: SimulatedTesla) -> int:
    """Count the requests for data that Tesla has billed."""
    requests = tesla.control("GET", "billing")["requests"]
    return sum(request["category"] == "data" for request in requests)


def entity_is(home: Home, device: str, key: str, wanted: str) -> bool:
    """Tell whether a car's entity has this state."""
    entity = next(
        row["entity_id"]
        for row in our_entities(home)
        if row["device_id"] == device and row["translation_key"] == key
    )
    return bool(home.rest("GET", f"/api/states/{entity}")["state"] == wanted)


def car_is(tesla: SimulatedTesla, charging_state: str) -> bool:
    """Tell whether the car itself is in this charging state."""
    return bool(tesla.cars()[CAR]["charging_state"] == charging_state)


def shows(home: Home, device: str, state: str) -> bool:
    """Tell whether an entity of the device has this state."""
    return state in known_states(home, device).values()


def show(home: Home, tesla: SimulatedTesla, *, fresh: bool) -> None:
    """Tell the person where everything is, and wait for Ctrl-C. Raises an error when a part of it has ended."""
    start = "/config/integrations/dashboard" if fresh else "/tesla-charging/0"
    print(f"""
  Home Assistant    {home.url}{start}
                    user {home.access.username}, password {home.access.password}
  simulated Tesla   {tesla.base_url}/
                    account {EMAIL}, password {PASSWORD}
  simulated home    {tesla.base_url}/home
                    plug in, make clouds or a price outage; what it meters is at {home.url}/energy""")
    if fresh:
        print(f"""
  Add the integration "Tesla Charging". It asks for application credentials:
                    client ID {CLIENT_ID}, client secret {CLIENT_SECRET}
  Tesla knows this home as {PUBLIC_NAME}, and its cars find it there at port {tesla.telemetry_port}:
  enter this port, outside and inside, where a page asks for one.""")
    print("\n  Ctrl-C ends everything.\n", flush=True)
    watch(home, tesla)


def watch(home: Home, tesla: SimulatedTesla) -> None:
    """Wait until a part of the demo ends, and raise an error then; a restart from within Home Assistant is none."""
    while True:
        if (status := home.ended) == RESTART:
            say("Home Assistant is restarted")
            home.start()
        elif status is not None:
            raise HomeError(
                f"Home Assistant has ended (exit status {status}), so the demo ends too"
            )
        elif tesla.ended is not None:
            status = tesla.ended
            raise TeslaError(
                f"the simulated Tesla has ended (exit status {status}), so the demo ends too"
            )
        time.sleep(WATCH_SECONDS)


def say(words: str) -> None:
    """Tell how far we are."""
    print(f"[demo {time.monotonic() - STARTED:5.1f}s] {words}", flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # once is enough: a second Ctrl-C would leave processes behind
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


STARTED = time.monotonic()


def main() -> int:
    """Run what the arguments ask for; return the exit status."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--fresh", action="store_true", help="leave the set-up to the person")
    mode.add_argument("--check", action="store_true", help="charge a car, then end")
    parser.add_argument(
        "--keep", action="store_true", help="go on with the Home Assistant of last time"
    )
    parser.add_argument(
        "--speed", type=float, default=20, help="of charging and driving (%(default)s)"
    )
    arguments = parser.parse_args()
    if arguments.check and arguments.keep:
        parser.error("--check always starts from nothing")
    # SIGINT too: a shell that starts this in the background has it ignored
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with demo(
            DIRECTORY,
            speed=arguments.speed,
            keep=arguments.keep,
            tesla_port=0 if arguments.check else 8790,
            simulated_home=True,
        ) as (home, tesla):
            add_simulated_home(home, tesla.base_url)
            say("the simulated home is added, with its past")
            if not arguments.fresh:
                set_up(home, tesla)
            if arguments.check:
                check(home, tesla)
            else:
                show(home, tesla, fresh=arguments.fresh)
    except KeyboardInterrupt:
        say("stopping")
        return 130 if arguments.check else 0
    except (HomeError, TeslaError, PageError) as error:
        print(f"\ndemo: {error}\n(everything that was said is in {DIRECTORY})", file=sys.stderr)
        return 1
    say("all is well" if arguments.check else "stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
