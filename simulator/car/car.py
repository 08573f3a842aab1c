"""The simulated car, as the cloud and the tests see it."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Literal

from tesla_protocol.command.universal_message_pb2 import Domain

from simulator.car import infotainment, vehicle_security
from simulator.car.at_hand import CarAtHand, zone_of
from simulator.car.battery import Battery
from simulator.car.body import Params, check_body
from simulator.car.charge_port import ChargePort
from simulator.car.charge_state import Section
from simulator.car.charging import Charging
from simulator.car.command_table import REST_COMMANDS, Command, CommandReply
from simulator.car.firmware import is_at_least
from simulator.car.habits import Habit
from simulator.car.journey import Journey, Place
from simulator.car.quirks import Quirk, Quirks
from simulator.car.records import CarState, ExecutedCommand, Via
from simulator.car.schedules import MAX_SCHEDULES, Schedules
from simulator.car.security.domain import Answer, SecurityDomain
from simulator.car.security.exchange import exchange, is_command
from simulator.car.security.keychain import Keychain, Role
from simulator.car.signals import Reading, read_signals
from simulator.car.systems import Systems
from simulator.car.vehicle_data import API_VERSION, read_sections
from simulator.car.wakefulness import Reachability, Wakefulness
from simulator.clock import Follows, SimulatedClock

type DomainName = Literal["infotainment", "vehicle_security"]

INFOTAINMENT_WINDOW = 32
#: From this firmware on a car encrypts its answer for who asks for that (protocol.md).
ENCRYPTS_FROM = (2024, 38)


class UnknownCommand(KeyError):
    """No command of this name exists."""


class UnsupportedCommand(Exception):
    """The car's firmware does not know this command."""


class Car(CarAtHand):
    """A vehicle: physics that catch up with the clock when somebody looks, and commands it verifies.

    `max_amps` and `phases` are what its own charger can take; `wake_seconds` run on the wall clock;
    `sleep_after` counts physics seconds of idleness (None: it never falls asleep by itself);
    `starting_seconds` is how long (physics) it says Starting before Charging; `quirks` is what it does wrong from
    the start (more in the attribute of that name), readings of the facts included; `time_zone` is that of its place by
    its name ("Europe/Berlin"), else `utc_offset` (seconds) holds all year; `follows` is
    the calendar of its schedules, with physics it runs as fast as they do; for the others see Systems, Wakefulness.
    """

    def __init__(
        self,
        vin: str,
        *,
        name: str,
        clock: SimulatedClock,
        home: tuple[float, float] = (52.0, 4.4),
        protocol: Literal["required", "not_supported"] = "required",
        firmware: str = "2026.32.6",
        battery_level: float = 62.0,
        battery_kwh: float = 60.0,
        rated_range_miles: float = 272.0,
        charge_limit: int = 80,
        phases: int = 3,
        max_amps: int = 16,
        wake_seconds: float = 10.0,
        sleep_after: float | None = 900.0,
        starting_seconds: float = 0.0,
        low_amps_need_two: bool = True,
        odometer_miles: float = 12345.678901,
        utc_offset: int = 0,
        time_zone: str | None = None,
        follows: Follows = "wall",
        max_schedules: int = MAX_SCHEDULES,
        lacks: Iterable[str] = (),
        sentry: bool = False,
        kept_by_asking: bool = True,
        mains_waver: float = 0.0,
        quirks: Iterable[Habit] = (),
    ) -> None:
        """Deliver a new car: parked at home, awake, no cable, no keys."""
        calendar = clock.calendar(follows)
        now, at = calendar.moment()
        port = ChargePort()
        battery = Battery(battery_kwh, battery_kwh * battery_level / 100, rated_range_miles)
        self.vin = vin
        self.protocol = protocol
        self.keychain = Keychain()
        self.commands: list[ExecutedCommand] = []
        self._refusals: deque[str] = deque()
        self.quirks = Quirks(clock.physics, quirks)
        self._mobile_access = True
        self._told: dict[str, Section] = {}
        self._systems = Systems(
            vin=vin,
            name=name,
            firmware=firmware,
            clock=clock,
            battery=battery,
            port=port,
            charging=Charging(
                battery,
                port,
                limit=charge_limit,
                max_amps=max_amps,
                phases=phases,
                at=at,
                quirks=self.quirks,
                starting_seconds=starting_seconds,
                low_amps_need_two=low_amps_need_two,
            ),
            journey=Journey(Place(*home), odometer_miles=odometer_miles, at=at),
            schedules=Schedules(maximum=max_schedules),
            wakefulness=Wakefulness(
                clock,
                wake_seconds=wake_seconds,
                sleep_after=sleep_after,
                kept_by_asking=kept_by_asking,
            ),
            quirks=self.quirks,
            calendar=calendar,
            zone=zone_of(time_zone, utc_offset),
            settled_at=at,
            settled_until=now,
            lacks=frozenset(lacks),
            sentry=sentry,
            mains_waver=mains_waver,
        )
        self.quirks.before_change = self._systems.settle
        self._domains = {
            int(number): self._make_domain(number)
            for number in (Domain.DOMAIN_VEHICLE_SECURITY, Domain.DOMAIN_INFOTAINMENT)
        }

    @property
    def name(self) -> str:
        """The name its owner gave it."""
        return self._systems.name

    @property
    def firmware(self) -> str:
        """The running software version."""
        return self._systems.firmware

    def begin_update(self) -> None:
        """Install software: `software_update` of `vehicle_data` says so until install_firmware()."""
        self._systems.update_status = "installing"

    def install_firmware(self, version: str) -> None:
        """Run other software from now on, as after an update."""
        self._systems.firmware, self._systems.update_status = version, ""
        for domain in self._domains.values():
            domain.encrypts_responses = is_at_least(version, ENCRYPTS_FROM)
        if stopping := self.quirks.fields(Quirk.STOPS_AFTER_UPDATE):
            self.quirks.remove(Quirk.STOPS_AFTER_UPDATE)
            silent = self.quirks.fields(Quirk.NEVER_PUSHED)
            self.quirks.add(Quirk.NEVER_PUSHED, fields=stopping | silent)

    @property
    def state(self) -> Reachability:
        """online, asleep or offline; a car that is waking up is still asleep."""
        systems = self._settled()
        return systems.wakefulness.state(busy=systems.busy)

    @property
    def at_home(self) -> bool:
        """Whether it is parked at home."""
        return self._settled().journey.at_home

    @property
    def mobile_access(self) -> bool:
        """Whether the owner allows remote access; without it commands are answered with fault 21."""
        return self._mobile_access

    @mobile_access.setter
    def mobile_access(self, allowed: bool) -> None:
        self._mobile_access = allowed
        for domain in self._domains.values():
            domain.remote_access = allowed

    def wake(self) -> None:
        """Start waking up; harmless when awake or already waking."""
        systems = self._settled()
        systems.wakefulness.wake(busy=systems.busy)

    def sleep(self) -> None:
        """Fall asleep now."""
        self._settled().wakefulness.sleep()

    def set_offline(self, offline: bool) -> None:
        """Lose or regain the connection."""
        self._systems.wakefulness.offline = offline

    def snapshot(self) -> CarState:
        """Return the car as it is, without it noticing."""
        systems = self._settled()
        charging, journey = systems.charging, systems.journey
        return CarState(
            reachability=self.state,
            charging_state=charging.state,
            battery_level=systems.battery.level,
            charge_limit=charging.limit,
            charge_amps=charging.amps,
            charge_kw=charging.flow.kw,
            energy_added_kwh=charging.energy_added_kwh,
            plugged_in=systems.port.supply is not None,
            charge_port_door_open=systems.port.door_open,
            at_home=journey.at_home,
            driving=journey.driving,
            latitude=journey.place.latitude,
            longitude=journey.place.longitude,
            odometer_miles=journey.odometer_miles,
        )

    def summary(self) -> dict[str, object]:
        """Return the car's part of the vehicle summary; reading it does not touch the car."""
        return {
            "vin": self.vin,
            "display_name": self.name or None,
            "option_codes": None,
            "color": None,
            "state": self.state,
            "in_service": Quirk.IN_SERVICE in self.quirks,
            "calendar_enabled": True,
            "api_version": API_VERSION,
            "backseat_token": None,
            "backseat_token_updated_at": None,
            "ble_autopair_enrolled": False,
            "command_signing": "required" if self.protocol == "required" else "not_required",
        }

    def vehicle_data(self, sections: frozenset[str]) -> dict[str, Section]:
        """Return these sections; reading them keeps an awake car awake. KeyError for a section no car knows."""
        systems = self._settled()
        data = read_sections(systems, frozenset(sections))
        if self.state == "online":
            systems.wakefulness.asked()
            self._told |= data
        return data

    def told_before(self, sections: frozenset[str]) -> dict[str, Section]:
        """Return what it told last of these sections, if it sleeps and somebody answers with that in its place."""
        if self.state != "asleep" or Quirk.ANSWERS_ASLEEP not in self.quirks:
            return {}
        return {name: self._told[name] for name in sorted(sections & self._told.keys())}

    def signals(self, names: Iterable[str]) -> dict[str, Reading]:
        """Return these telemetry fields; reading them does not keep the car awake."""
        return read_signals(self._settled(), names)

    def rest_command(self, name: str, body: Mapping[str, object]) -> CommandReply:
        """Carry out an unsigned command. UnknownCommand, InvalidBody, UnsupportedCommand.

        A car that speaks the command protocol refuses unsigned commands: `unsigned_cmds_hardlocked`.
        """
        command = REST_COMMANDS.get(name)
        if command is None:
            raise UnknownCommand(name)
        params = check_body(command.body, body)
        if self.protocol == "required":
            return CommandReply(result=False, reason="unsigned_cmds_hardlocked")
        if not command.known_to(self._systems):
            raise UnsupportedCommand(name)
        return self._run(command, params, "rest")

    def exchange(self, raw: bytes) -> bytes | None:
        """Answer a RoutableMessage from the network with another one, both serialised.

        None when no answer comes: the car is not online or does not speak the protocol, or the bytes
        say nothing that can be answered. Raises DomainOutOfReach for a domain that was set so.
        """
        if self.protocol != "required" or self.state != "online":
            return None
        answer = exchange(self._domains, raw)
        if is_command(raw) and self.quirks.take(Quirk.DELIVERED_TWICE):
            return exchange(self._domains, raw)
        return answer

    def refuse_next(self, reason: str, times: int = 1) -> None:
        """Answer the next commands with one of Tesla's reasons, whatever they are, and do nothing."""
        self._refusals.extend([reason] * times)

    def domain(self, name: DomainName) -> SecurityDomain:
        """Return one of the two security domains."""
        numbers: dict[DomainName, int] = {
            "vehicle_security": Domain.DOMAIN_VEHICLE_SECURITY,
            "infotainment": Domain.DOMAIN_INFOTAINMENT,
        }
        return self._domains[numbers[name]]

    def _make_domain(self, number: Domain) -> SecurityDomain:
        is_infotainment = number == Domain.DOMAIN_INFOTAINMENT
        window = INFOTAINMENT_WINDOW if is_infotainment else 0
        obey = infotainment.execute if is_infotainment else vehicle_security.execute

        def execute(payload: bytes, role: Role) -> Answer:
            self._systems.wakefulness.touch()
            return obey(payload, role, lambda command, told: self._run(command, told, "signed"))

        domain = SecurityDomain(
            int(number), self.vin, self._systems.clock, self.keychain, execute, window=window
        )
        domain.encrypts_responses = is_at_least(self.firmware, ENCRYPTS_FROM)
        return domain

    def _run(self, command: Command, params: Params, via: Via) -> CommandReply:
        systems = self._settled()
        systems.wakefulness.touch()
        if not command.known_to(systems):
            return CommandReply(result=False, reason="not_supported")
        if self._refusals and command.rest:
            reason = self._refusals.popleft()
        else:
            reason = command.handler(systems, params)
        reply = CommandReply(result=not reason, reason=reason)
        self.commands.append(ExecutedCommand(command.name, params, via, reply))
        return reply
