"""Several cars of one home, one after the other by priority: each gets the sun and the limits that those before leave."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .solar import SolarController
from .solar_model import BatterySettings, CarSettings, Decision, Inputs, Others, Outcome


@dataclass(slots=True)
class SolarGroup:
    """Decides for all cars of a home; the first one comes first."""

    cars: Mapping[str, CarSettings]
    battery: BatterySettings | None = None
    _controllers: dict[str, SolarController] = field(init=False)
    _planned_w: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make a controller for every car."""
        self._controllers = {
            name: SolarController(settings, self.battery) for name, settings in self.cars.items()
        }

    def answered(self, now: float, car: str, number: int, outcome: Outcome) -> None:
        """Tell what became of a command to one of the cars."""
        self._controllers[car].answered(now, number, outcome)

    def step(self, now: float, inputs: Mapping[str, Inputs]) -> dict[str, Decision]:
        """Return what to do with each car now, and why. A car without inputs is not steered."""
        known = {name: control for name, control in self._controllers.items() if name in inputs}
        draws = {name: control.power_w(inputs[name].car) for name, control in known.items()}
        decisions: dict[str, Decision] = {}
        takes = claims = 0.0
        after = list(known)
        for name, controller in known.items():
            after.remove(name)
            others = Others(
                takes_w=takes,
                claims_w=claims,
                leaves_w=sum(
                    max(0.0, draws[other] - self._planned_w.get(other, 0.0)) for other in after
                ),
                yields_w=sum(draws[other] for other in after),
            )
            decision = controller.step(now, replace(inputs[name], others=others))
            decisions[name] = decision
            takes += decision.takes_w - draws[name]
            claims += max(0.0, decision.claim_w - draws[name])
            self._planned_w[name] = decision.planned_w
        return decisions
