"""The charge port: door, latch, and the cable in it."""

from dataclasses import dataclass

from simulator.car.power import Supply


@dataclass(slots=True)
class ChargePort:
    """A port with a motorised door; `supply` is there exactly while a cable is plugged in."""

    cable_type: str = "IEC"
    motorized: bool = True
    door_open: bool = False
    latched: bool = True
    supply: Supply | None = None

    @property
    def cable(self) -> str:
        """conn_charge_cable: the cable's standard, `<invalid>` without one."""
        return self.cable_type if self.supply else "<invalid>"

    @property
    def is_fast(self) -> bool:
        """fast_charger_present: whether the cable is that of a fast charger."""
        return self.supply is not None and self.supply.fast_kw > 0

    @property
    def charger_type(self) -> str | None:
        """What the car takes the charger for; None without a cable."""
        if self.supply is None:
            return None
        return self.supply.fast_charger or "ACSingleWireCAN"

    @property
    def latch(self) -> str:
        """charge_port_latch: Engaged or Disengaged."""
        return "Engaged" if self.latched else "Disengaged"

    def plug(self, supply: Supply) -> None:
        """Put a cable in: the door has to open for it, the latch holds it."""
        self.supply = supply
        self.door_open = True
        self.latched = True

    def unplug(self) -> None:
        """Take the cable out and close the door."""
        self.supply = None
        self.door_open = False
        self.latched = True

    def open(self) -> None:
        """Open the door, or let go of the cable."""
        self.door_open = True
        self.latched = False

    def close(self) -> None:
        """Close the door."""
        self.door_open = False
        self.latched = True
