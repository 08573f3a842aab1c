"""What the home tells the outside world, as JSON: its state, its prices, its forecast."""

from typing import Any

from simulator.home.battery import KWH
from simulator.home.days import iso
from simulator.home.forecast import ForecastHour
from simulator.home.home import Home
from simulator.home.market import Slot


def state(home: Home) -> dict[str, Any]:
    """Return the present: W, kWh since the beginning, A, percent.

    What the grid's meter tells is late and imprecise; everything else is as it is. Power is positive for import and for a
    battery that discharges.
    """
    powers = home.present()
    reading = home.reported()
    totals, battery, fuse = home.totals, home.battery, home.fuse
    phases = home.settings.phases
    return {
        "time": iso(home.now),
        "seed": home.settings.seed,
        "grid": {
            "power_w": None if reading is None else round(reading.watts, 1),
            "import_kwh": None if reading is None else round(reading.import_kwh, 6),
            "export_kwh": None if reading is None else round(reading.export_kwh, 6),
            "phase_a": None if reading is None else [round(a, 3) for a in reading.amps[:phases]],
            "measured_at": None if reading is None else iso(home.unix_of(reading.at)),
        },
        "solar": {
            "power_w": round(powers.solar, 1),
            "energy_kwh": round(totals.solar / KWH, 6),
            "covered": bool(home.sky.covered(home.now)),
        },
        "load": {"power_w": round(powers.load, 1), "energy_kwh": round(totals.load / KWH, 6)},
        "cars": {
            "power_w": round(powers.cars, 1),
            "energy_kwh": round(totals.cars / KWH, 6),
            "each_kwh": {vin: round(load.joules / KWH, 6) for vin, load in home.loads.items()},
        },
        "battery": None
        if battery is None
        else {
            "power_w": round(powers.battery, 1),
            "level_percent": round(battery.level, 3),
            "capacity_kwh": battery.settings.kwh,
            "reserve_percent": battery.reserve,
            "in_kwh": round(totals.battery_in / KWH, 6),
            "out_kwh": round(totals.battery_out / KWH, 6),
        },
        "fuse": {
            "amps": fuse.amps,
            "phase_a": [round(a, 3) for a in powers.amps[:phases]],
            "highest_a": [round(a, 3) for a in fuse.highest],
            "seconds_over": [round(seconds, 3) for seconds in fuse.seconds_over],
        },
        "money": {
            "currency": home.settings.tariff.currency,
            "import_cost": round(totals.import_cost, 4),
            "export_revenue": round(totals.export_revenue, 4),
        },
    }


def history(home: Home) -> dict[str, Any]:
    """Return the counters (kWh, money) at every full hour of the past in which the home had no cars yet."""
    return {
        "hours": [
            {
                "at": iso(hour.at),
                "solar_kwh": round(hour.totals.solar / KWH, 6),
                "load_kwh": round(hour.totals.load / KWH, 6),
                "grid_import_kwh": round(hour.totals.imported / KWH, 6),
                "grid_export_kwh": round(hour.totals.exported / KWH, 6),
                "battery_in_kwh": round(hour.totals.battery_in / KWH, 6),
                "battery_out_kwh": round(hour.totals.battery_out / KWH, 6),
                "battery_level_percent": hour.battery_level and round(hour.battery_level, 3),
                "import_cost": round(hour.totals.import_cost, 4),
                "export_revenue": round(hour.totals.export_revenue, 4),
            }
            for hour in home.history
        ]
    }


def prices(home: Home, slots: list[Slot]) -> dict[str, Any]:
    """Return published market prices as what a kWh costs and earns; holes are holes."""
    tariff = home.settings.tariff

    def shown(slot: Slot, price: float) -> dict[str, Any]:
        return {"start": iso(slot.start), "end": iso(slot.end), "price": price}

    return {
        "currency": tariff.currency,
        "unit": f"{tariff.currency}/kWh",
        "resolution_minutes": 60 if tariff.hourly else 15,
        "import": [shown(slot, tariff.imported(slot.price)) for slot in slots],
        "export": [shown(slot, tariff.exported(slot.price)) for slot in slots],
    }


def solar_forecast(home: Home, hours: list[ForecastHour]) -> dict[str, Any]:
    """Return a forecast in Wh: as the Energy platform of Home Assistant has it, and with its tenths."""
    return {
        "issued_at": iso(home.forecast.issued(home.now)),
        "wh_hours": {iso(hour.start): round(hour.wh, 1) for hour in hours},
        "hours": [
            {
                "start": iso(hour.start),
                "end": iso(hour.end),
                "wh": round(hour.wh, 1),
                "wh_p10": round(hour.low, 1),
                "wh_p90": round(hour.high, 1),
            }
            for hour in hours
        ],
    }
