"""Which signals somebody looks at: what a specialist's entity shows is streamed only while it is switched on."""

from collections.abc import Iterable

from homeassistant.core import callback

from ..coordinator import VehicleCoordinator


@callback
def shown_signals(cars: Iterable[VehicleCoordinator]) -> frozenset[str]:
    """Return the signals that any entity of these cars shows.

    An entity that is switched off is not there and listens to nothing; Home Assistant loads the entry anew when one is
    switched on, so that a look at every start is enough.
    """
    return frozenset(
        name
        for car in cars
        for signals in car.async_contexts()
        if isinstance(signals, frozenset)
        for name in signals
    )
