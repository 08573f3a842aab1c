"""What a person enters about a price, and the settings that follow from it."""

from collections.abc import Mapping
from dataclasses import replace
import math
from typing import Any, Final

from homeassistant.core import HomeAssistant

from ..smart_charging.normalise import Fee, Formula, Refused
from ..smart_charging.units import UnknownUnit, price_unit
from .adapter import PriceSettings, SourceError
from .adapters import BY_KIND, recognise
from .own_prices import FIXED, TIME_OF_USE
from .price_attributes import not_understood
from .time_of_use import BadLine, overlap, read_fees, write_fees

FIELD_ENTITY: Final = "entity"
FIELD_PRICE: Final = "price"
FIELD_TABLE: Final = "table"
FIELD_QUARTERS: Final = "quarter_hours"
FIELD_WITH_TAXES: Final = "with_taxes"
FIELD_ADDITION: Final = "addition"
FIELD_FEES: Final = "fees"
FIELD_VAT: Final = "vat_percent"
FIELD_ACTION: Final = "action"
ACTION: Final = "action"
"""The kind of a source that calls an action which the person names."""
ACTION_KEYS: Final = frozenset(
    {"action", "unit", "data", "path", "start_key", "end_key", "value_key"}
)
WITH_TAXES: Final = {"energyzero": "all_in", "easyenergy": "invoice"}
"""By kind: what its price with all taxes is called."""


class BadForm(Exception):
    """What was entered makes no sense; `key` is that of the message, `detail` its placeholder."""

    def __init__(self, key: str, detail: str = "") -> None:
        """Keep both."""
        super().__init__(key, detail)
        self.key, self.detail = key, detail


def as_form(settings: PriceSettings | None) -> dict[str, Any]:
    """Return the fields as they are filled in for a source."""
    if settings is None:
        return {}
    form: dict[str, Any] = {}
    params, formula = settings.params, settings.formula
    fees = write_fees(formula.fees)
    if settings.kind in {FIXED, TIME_OF_USE}:
        # the rows of a table hold what is added to the price of the other hours
        base = float(params["price"])
        rows = tuple(replace(fee, per_kwh=round(fee.per_kwh + base, 9)) for fee in formula.fees)
        form = {FIELD_PRICE: base, FIELD_TABLE: write_fees(rows)}
    elif settings.kind == ACTION:
        form = {FIELD_ACTION: dict(params), FIELD_FEES: fees}
    else:
        form = {FIELD_ENTITY: settings.entity_id, FIELD_FEES: fees}
        form[FIELD_QUARTERS] = "quarter" in {params.get("interval"), params.get("granularity")}
        form[FIELD_WITH_TAXES] = params.get("price_type") == WITH_TAXES.get(settings.kind)
    if formula.addition:
        form[FIELD_ADDITION] = formula.addition
    if formula.vat_percent:
        form[FIELD_VAT] = formula.vat_percent
    return {name: value for name, value in form.items() if value != ""}


def from_form(
    hass: HomeAssistant, form: Mapping[str, Any], before: PriceSettings | None, *, export: bool
) -> PriceSettings | None:
    """Return the settings; None if nothing was entered. Raise BadForm."""
    try:
        if form.get(FIELD_ACTION):
            settings = _of_action(form[FIELD_ACTION])
        elif form.get(FIELD_ENTITY):
            settings = _of_entity(hass, form[FIELD_ENTITY], before)
        elif form.get(FIELD_PRICE) is not None:
            return replace(_of_price(form), export=export)
        else:
            return None
        formula = Formula(
            addition=_number(form.get(FIELD_ADDITION, 0)),
            vat_percent=_number(form.get(FIELD_VAT, 0)),
            fees=read_fees(form.get(FIELD_FEES, "")),
        )
    except BadLine as error:
        raise BadForm("source_line", str(error)) from error
    except (SourceError, Refused, UnknownUnit) as error:
        raise BadForm("source_refused", str(error)) from error
    params = _chosen(settings, form)
    return replace(settings, params=params, formula=formula, export=export)


def _of_entity(hass: HomeAssistant, entity_id: str, before: PriceSettings | None) -> PriceSettings:
    """Return how an entity is read: as before, or as the table of adapters recognises it."""
    if before is not None and before.entity_id == entity_id:
        return before
    settings = recognise(hass, entity_id)
    if settings is None:
        state = hass.states.get(entity_id)
        unit = state.attributes.get("unit_of_measurement") if state else None
        names = ", ".join(sorted(map(str, state.attributes))[:20]) if state else ""
        raise SourceError(
            not_understood(hass, entity_id)
            or f"{entity_id} is {state.state if state else 'not there'}, its unit is {unit or 'none'},"
            f" its attributes are {names or 'none'}"
        )
    return settings


def _of_price(form: Mapping[str, Any]) -> PriceSettings:
    """Return a fixed price, or one by time of day."""
    price = _number(form[FIELD_PRICE])
    rows = read_fees(form.get(FIELD_TABLE, ""))
    if overlap(rows):
        raise BadForm("source_overlap")
    if not rows:
        return PriceSettings(FIXED, params={"price": price})
    added: tuple[Fee, ...] = tuple(replace(row, per_kwh=row.per_kwh - price) for row in rows)
    return PriceSettings(TIME_OF_USE, params={"price": price}, formula=Formula(fees=added))


def _of_action(given: object) -> PriceSettings:
    """Return a source that calls an action which the person names."""
    if not isinstance(given, Mapping) or not {"action", "unit"} <= given.keys():
        raise SourceError("action and unit are needed, such as unit: EUR/kWh")
    unknown = given.keys() - ACTION_KEYS
    if unknown:
        raise SourceError(
            f"{', '.join(sorted(map(str, unknown)))}: not one of {sorted(ACTION_KEYS)}"
        )
    if not isinstance(given.get("data", {}), Mapping):
        raise SourceError("data is not a mapping")
    price_unit(str(given["unit"]))
    return PriceSettings(ACTION, params=dict(given))


def _chosen(settings: PriceSettings, form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with what the person says of the contract."""
    params = dict(settings.params)
    for name in params.keys() & {"interval", "granularity"}:
        if FIELD_QUARTERS in form:
            params[name] = "quarter" if form[FIELD_QUARTERS] else "hour"
    if "price_type" in params and FIELD_WITH_TAXES in form:
        params["price_type"] = WITH_TAXES[settings.kind] if form[FIELD_WITH_TAXES] else "market"
    assert BY_KIND[settings.kind]
    return params


def _number(value: object) -> float:
    number = float(value)  # type: ignore[arg-type]  # a number field
    if not math.isfinite(number):
        raise Refused(f"{value} is no number")
    return number
