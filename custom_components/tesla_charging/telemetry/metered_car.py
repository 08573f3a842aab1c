"""Counts what a car streams, where it arrives, whichever road it comes by, and leads it on to the car."""

import asyncio

from homeassistant.core import callback

from ..billing.meter import Meter
from ..fleet_telemetry import Record, billed_signals
from .server import CarListener


class MeteredListener:
    """A car between the road and its coordinator.

    Every arrival counts. A record that comes twice because its acknowledgement was lost was sent twice, and Tesla bills
    what is sent [community]. What nobody here can see: a sending that was lost on its way, and what a car sends to
    somebody else's server for another application.

    Over MQTT a message is a value, but not every value is a message that comes here: those from a time when nobody
    listened are missing, retained ones are not new, and a broker may deliver one twice. Whether that server's
    application is the entry's own is not known either; it is taken for it.

    If several entries have the same car and the same application, the car sends once, and one of them counts. With two
    applications each pays for a stream of its own; as a record does not say for which of them it is, both count both.
    """

    def __init__(self, vin: str, car: CarListener, meter: Meter, entry_id: str) -> None:
        """Stand before a car of an entry."""
        self._vin = vin
        self._car = car
        self._meter = meter
        self._entry_id = entry_id

    @callback
    def on_record(self, record: Record) -> asyncio.Future[bool] | None:
        """Count it, and lead it on."""
        if self._meter.start_receiving(self._vin, self._entry_id):
            self._meter.add_signals(self._vin, billed_signals(record))
        return self._car.on_record(record)

    @callback
    def on_connection(self, connected: bool) -> None:
        """Lead it on."""
        self._car.on_connection(connected)
