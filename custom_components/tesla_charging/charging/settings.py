"""The sources of a home as the options of a config entry hold them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
import json
from typing import Any, Final, Self

from ..smart_charging.normalise import Formula, Refused
from .adapter import PriceSettings
from .adapters import BY_KIND
from .energy_preferences import Power
from .time_of_use import as_dicts, from_dicts

CONF_SOURCES: Final = "sources"
"""In an entry's options: where prices, sun and meter are read. Without it nothing is read."""


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """Where prices, sun and meter of a home are read."""

    imports: PriceSettings
    exports: PriceSettings | None = None
    """None: what is fed in earns nothing."""
    grid: Power = field(default_factory=Power)
    """Positive while the home takes from the grid."""
    solar: Power = field(default_factory=Power)
    forecasts: tuple[str, ...] = ()
    """Config entries that forecast the sun."""
    battery: Power = field(default_factory=Power)
    """Positive while it gives power."""
    battery_levels: tuple[str, ...] = ()
    co2: str = ""
    """An entity with the carbon of the grid's power."""
    grid_limit: str = ""
    """An entity with what the grid operator allows."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self | None:
        """Return the sources of an entry; None if none are set up, or if they are not from this version."""
        stored = options.get(CONF_SOURCES)
        if not isinstance(stored, Mapping):
            return None
        try:
            imports = _price(stored["import"], export=False)
            if imports is None:
                return None
            return cls(
                imports,
                _price(stored.get("export"), export=True),
                _power(stored.get("grid")),
                _power(stored.get("solar")),
                _names(stored.get("forecasts", ())),
                _power(stored.get("battery")),
                _names(stored.get("battery_levels", ())),
                str(stored.get("co2", "")),
                str(stored.get("grid_limit", "")),
            )
        except LookupError, TypeError, ValueError, AttributeError:
            return None

    @property
    def price_key(self) -> str:
        """What says whether past prices are from the same sources."""
        stored = self.as_options()[CONF_SOURCES]
        return json.dumps([stored["import"], stored["export"]], sort_keys=True, default=str)

    def as_options(self) -> dict[str, Any]:
        """Return what is stored in an entry's options."""
        return {
            CONF_SOURCES: {
                "import": _stored_price(self.imports),
                "export": None if self.exports is None else _stored_price(self.exports),
                "grid": _stored_power(self.grid),
                "solar": _stored_power(self.solar),
                "forecasts": list(self.forecasts),
                "battery": _stored_power(self.battery),
                "battery_levels": list(self.battery_levels),
                "co2": self.co2,
                "grid_limit": self.grid_limit,
            }
        }


def _price(stored: Mapping[str, Any] | None, *, export: bool) -> PriceSettings | None:
    if stored is None:
        return None
    kind = stored["kind"]
    if kind not in BY_KIND:
        raise Refused(f"There is no kind of source {kind}")
    params = dict(stored.get("params", {}))
    if missing := [name for name in BY_KIND[kind].needs if name not in params]:
        raise Refused(f"A source of the kind {kind} needs {', '.join(missing)}")
    return PriceSettings(
        kind,
        str(stored.get("entity_id", "")),
        str(stored.get("entry_id", "")),
        params,
        _formula(stored.get("formula", {})),
        export,
    )


def _stored_price(settings: PriceSettings) -> dict[str, Any]:
    formula = settings.formula
    return {
        "kind": settings.kind,
        "entity_id": settings.entity_id,
        "entry_id": settings.entry_id,
        "params": dict(settings.params),
        "formula": {
            "factor": formula.factor,
            "addition": formula.addition,
            "vat_percent": formula.vat_percent,
            "fees": as_dicts(formula.fees),
        },
    }


def _formula(stored: Mapping[str, Any]) -> Formula:
    return Formula(
        float(stored.get("factor", 1)),
        float(stored.get("addition", 0)),
        float(stored.get("vat_percent", 0)),
        from_dicts(stored.get("fees", ())),
    )


def _power(stored: Mapping[str, Any] | None) -> Power:
    stored = stored or {}
    return Power(_names(stored.get("plus", ())), _names(stored.get("minus", ())))


def _stored_power(power: Power) -> dict[str, list[str]]:
    return {"plus": list(power.plus), "minus": list(power.minus)}


def _names(stored: Any) -> tuple[str, ...]:
    return tuple(str(name) for name in stored)
