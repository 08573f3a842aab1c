"""`python -m simulator`: a simulated Tesla for a person to play with.

Prints one JSON line when it is ready and stops on SIGINT or SIGTERM.
"""

import argparse
import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
import ipaddress
import json
from pathlib import Path
import signal
import sys
from urllib.parse import urlsplit

from simulator.car import Car
from simulator.clock import SimulatedClock
from simulator.cloud.accounts import REGIONS
from simulator.cloud.fleet.partner import KeyNotUsable, read_key
from simulator.drivers import PEOPLE, Driver
from simulator.drivers.days import is_away
from simulator.home import BatterySettings, Home, HomeSettings, Roof, Tariff
from simulator.tesla import TeslaSimulator

EMAIL, PASSWORD = "driver@example.com", "demo"
REDIRECT_URIS = (
    "https://my.home-assistant.io/redirect/oauth",
    "http://localhost:8123/auth/external/callback",
)


def _served_domain(text: str) -> tuple[str, str]:
    domain, found, url = text.partition("=")
    parts = urlsplit(url)
    if not (domain and found and parts.scheme in {"http", "https"} and parts.hostname):
        raise argparse.ArgumentTypeError("expected DOMAIN=http://HOST:PORT")
    return domain, url.rstrip("/")


def _telemetry_host(text: str) -> tuple[str, tuple[str, int]]:
    name, found, where = text.partition("=")
    address, _, port = where.rpartition(":")
    address = address.strip("[]")
    if not (name and found and port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise argparse.ArgumentTypeError("expected NAME=127.0.0.1:PORT")
    return name.lower(), (_loopback(address), int(port))


def _loopback(text: str) -> str:
    try:
        if ipaddress.ip_address(text).is_loopback:
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError("the simulator listens on loopback addresses only")


def _public_key(text: str) -> bytes:
    try:
        return read_key(Path(text).read_bytes(), text)
    except (OSError, KeyNotUsable) as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; exits with a message for anything unusable."""
    parser = argparse.ArgumentParser("python -m simulator", description=__doc__)
    add = parser.add_argument
    add("--host", type=_loopback, default="127.0.0.1", help="loopback address to listen on")
    add("--port", type=int, default=8790, help="port to listen on, 0 takes a free one")
    add("--speed", type=float, default=1.0, help="seconds that pass in the cars per second")
    add("--region", choices=REGIONS, default="na", help="region of the demo account")
    add("--token-region", choices=REGIONS, help="region that its tokens tell, if another")
    add(
        "--domain",
        type=_served_domain,
        action="append",
        default=[],
        metavar="DOMAIN=URL",
        help="where a partner domain is really served (again for more)",
    )
    add(
        "--telemetry-host",
        type=_telemetry_host,
        action="append",
        default=[],
        metavar="NAME=ADDRESS:PORT",
        help="where a telemetry host name really is, on loopback (again for more)",
    )
    add("--client-id", default="simulator-client")
    add("--client-secret", default="simulator-secret")
    add("--redirect-uri", action="append", default=[], help="again for more")
    add("--cars", choices=("demo", "none"), default="demo")
    add("--paired-key", type=_public_key, metavar="PEMFILE", help="public key that cars know")
    add("--wake-seconds", type=float, default=10.0, help="how long a car takes to wake")
    add("--wake-with-charging-scope", action="store_true")
    _add_home_options(parser)
    return parser.parse_args(arguments)


def _add_home_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the home at which the cars charge").add_argument
    add("--home", action="store_true", help="simulate it: sun, household, battery, meter, prices")
    add("--home-seed", type=int, default=1, help="decides its weather, habits and prices")
    add("--home-phases", type=int, choices=(1, 3), default=3)
    add("--home-fuse", type=float, default=25.0, help="the main fuse, in A")
    add("--home-past", type=float, default=0.0, help="days for which it has been there before")
    add("--home-prices", choices=("quarter", "hour"), default="quarter")
    add(
        "--driver",
        choices=PEOPLE,
        action="append",
        default=[],
        help="who drives the first car (again for the next)",
    )
    add("--home-without", choices=("battery", "sun"), action="append", default=[])


def _home(options: argparse.Namespace, clock: SimulatedClock) -> Home:
    """Return the home; its calendar is that of the person who looks at it."""
    return Home(
        clock,
        HomeSettings(
            seed=options.home_seed,
            phases=options.home_phases,
            fuse_amps=options.home_fuse,
            roof=None if "sun" in options.home_without else Roof(),
            battery=None if "battery" in options.home_without else BatterySettings(),
            tariff=Tariff(hourly=options.home_prices == "hour"),
            follows="wall",
        ),
        past=options.home_past * 86_400,
        empty=lambda day: _nobody(options, day),
    )


def build(options: argparse.Namespace) -> TeslaSimulator:
    """Return the demo world, not yet listening."""
    clock = SimulatedClock(speed=options.speed)
    tesla = TeslaSimulator(clock=clock, port=options.port, host=options.host)
    tesla.dns.update(options.domain)
    tesla.telemetry_hosts.update(options.telemetry_host)
    tesla.wake_with_charging_scope = options.wake_with_charging_scope
    origin = options.domain[0][0] if options.domain else "example.com"
    tesla.add_application(
        options.client_id,
        options.client_secret,
        allowed_origin=f"https://{origin}",
        redirect_uris=options.redirect_uri or REDIRECT_URIS,
    )
    if options.home:
        tesla.home = _home(options, clock)
    account = tesla.add_account(EMAIL, region=options.region, password=PASSWORD)
    account.token_region = options.token_region
    if options.cars == "demo":
        phases = options.home_phases if options.home else 3
        for car in _demo_cars(clock, options.wake_seconds, phases):
            tesla.add_car(account, car)
            if tesla.home is not None:
                tesla.home.add_car(car)
            if options.paired_key is not None:
                tesla.pair(car, options.paired_key)
        tesla.drivers += _drivers(options, tesla)
    return tesla


def _nobody(options: argparse.Namespace, day: date) -> bool:
    people = [PEOPLE[name] for name in options.driver]
    return bool(people) and all(is_away(person, options.home_seed, day) for person in people)


def _drivers(options: argparse.Namespace, tesla: TeslaSimulator) -> list[Driver]:
    zone, start = HomeSettings().zone, tesla.clock.now()
    return [
        Driver(
            PEOPLE[name],
            car,
            seed=options.home_seed,
            zone=zone,
            start=start,
            phases=options.home_phases,
        )
        for name, car in zip(options.driver, tesla.cars.values(), strict=False)
    ]


def _demo_cars(clock: SimulatedClock, wake_seconds: float, phases: int) -> tuple[Car, Car]:
    """Return one car that charges at home and one that sleeps there."""
    # However fast the batteries run, a person has a quarter of an hour with a car that is awake.
    sleep_after = 900 * max(1.0, clock.speed)
    pearl = Car(
        "LRW3E7EK0PC000101",
        name="Pearl",
        clock=clock,
        battery_level=54.0,
        charge_limit=80,
        wake_seconds=wake_seconds,
        sleep_after=sleep_after,
    )
    pearl.plug_in(max_amps=16, phases=phases)
    midnight = Car(
        "5YJ3E1EA8NF000202",
        name="Midnight",
        clock=clock,
        battery_level=71.0,
        charge_limit=90,
        wake_seconds=wake_seconds,
        sleep_after=sleep_after,
    )
    midnight.sleep()
    return pearl, midnight


async def run(tesla: TeslaSimulator) -> None:
    """Serve until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with tesla:
        ready = {
            "base_url": tesla.base_url,
            "auth_url": tesla.auth_url,
            "regions": {region: tesla.region_url(region) for region in REGIONS},
            "account": EMAIL,
            "password": PASSWORD,
            "client_ids": list(tesla.applications),
            "vins": list(tesla.cars),
            "vehicle_ca": f"{tesla.base_url}/_sim/vehicle_ca.pem",
        }
        print(json.dumps(ready), flush=True)
        await stop.wait()


def main() -> int:
    """Run the command line."""
    options = parse(sys.argv[1:])
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(run(build(options)))
    except OSError as error:
        print(f"cannot listen on {options.host}:{options.port}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
