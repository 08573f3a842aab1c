"""What a car tells beside its signals: errors of its telemetry client and alerts; the last few, for diagnostics."""

from collections import deque
from typing import Final

from ..fleet_telemetry import Alert, AlertRecord, ConnectivityRecord, ErrorRecord, VehicleError

KEPT: Final = 10
CHARGING_ALERTS: Final = ("BMS_", "CC_", "CHG", "CP_", "HVP_", "PCS_", "UMC_")
"""How the names of alerts begin that come from what charges: battery, wall or mobile connector, charger, charge port,
high voltage, power conversion. Not documented by Tesla; service menus and owners' reports name them so."""
SHOWN_LENGTH: Final = 200


class CarEvents:
    """The last errors and charging alerts of one car since the start."""

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self._errors: deque[VehicleError] = deque(maxlen=KEPT)
        self._alerts: deque[Alert] = deque(maxlen=KEPT)
        self.other_alerts = 0
        """How many came that have nothing to do with charging."""

    @property
    def errors(self) -> tuple[VehicleError, ...]:
        """The last errors, oldest first."""
        return tuple(self._errors)

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The last charging alerts, begun or ended, oldest first."""
        return tuple(self._alerts)

    def add(self, record: AlertRecord | ErrorRecord | ConnectivityRecord) -> str:
        """Note a record; return what the car complains about in it, "" for nothing."""
        match record:
            case ErrorRecord(errors=errors) if errors:
                self._errors.extend(errors)
                return f"{errors[-1].name}: {errors[-1].body}"[:SHOWN_LENGTH]
            case AlertRecord(alerts=alerts):
                about_charging = [a for a in alerts if a.name.startswith(CHARGING_ALERTS)]
                self._alerts.extend(about_charging)
                self.other_alerts += len(alerts) - len(about_charging)
        return ""
