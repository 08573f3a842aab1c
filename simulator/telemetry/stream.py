"""One configuration in one car: fetched, followed, given up."""

import asyncio
from collections.abc import Callable, Collection
import logging

from simulator.car import Car, Quirk
from simulator.telemetry.config import TelemetryConfig
from simulator.telemetry.fields import INVALID_ASLEEP, firmware
from simulator.telemetry.link import Link
from simulator.telemetry.messages import Alert, CarError, Message
from simulator.telemetry.outbox import Outbox
from simulator.telemetry.schedule import Schedule
from simulator.telemetry.settings import Counts, Misbehaviour, World

_LOGGER = logging.getLogger(__name__)

#: The car gathers values for so long before it sends them (Fleet Telemetry documentation).
BUCKET_SECONDS = 0.5
#: How long it waits for an acknowledgement before it sends a message again; not known of real cars.
ACK_SECONDS = 10.0
#: How long a car that falls asleep waits for its last messages to arrive.
LINGER_SECONDS = 2.0
LINGER_LOOKS = 20


class Stream:
    """The place of one application in one car.

    `target` is what Tesla's cloud wants the car to follow, `applied` what the car has fetched: they
    differ until the car is online. Without either the place is empty and may be cleared away.
    """

    def __init__(
        self,
        car: Car,
        world: World,
        misbehaviour: Misbehaviour,
        report: Callable[[CarError], object],
        bill: Callable[[int], object],
    ) -> None:
        """Begin empty. `report` hears of everything that goes wrong in the car, `bill` of signals sent."""
        self.target: TelemetryConfig | None = None
        self.applied: TelemetryConfig | None = None
        #: whether the car has woken up or driven since it fetched that
        self.was_up_and_about = False
        self.counts = Counts()
        self.outbox = Outbox()
        self.authorised: Callable[[], bool] = lambda: True
        self._car = car
        self._world = world
        self._misbehaviour = misbehaviour
        self._report = report
        self._bill = bill
        self._schedule = Schedule({}, ())
        self._loaded_for = ""  # the firmware
        self._link: Link | None = None
        self._linking: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None
        self._last_trouble = ""
        self._has_slept = False
        self._slept_since = False

    @property
    def connected(self) -> bool:
        """Whether the car is connected to the server."""
        return self._link is not None and self._link.connected

    @property
    def synced(self) -> bool:
        """Whether the car has fetched what the cloud wants."""
        return self.applied is self.target

    @property
    def link(self) -> Link | None:
        """The connection, if the car tries to have one."""
        return self._link

    def review(self) -> None:
        """Take the configuration back if it is not authorised any more, or has expired."""
        target = self.target
        if target is not None and (not self.authorised() or self._expired(target)):
            self.target = None

    def start(self, on_end: Callable[[], object]) -> None:
        """Let the car see to it, in a task; `on_end` is called when the place is empty."""
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name=f"telemetry {self._car.vin}")
            self._running.add_done_callback(lambda task: self._ended(task, on_end))

    async def stop(self) -> None:
        """End the task; everything stays as it is for the next start."""
        task, self._running = self._running, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def send(self, *, alerts: tuple[Alert, ...] = (), errors: tuple[CarError, ...] = ()) -> None:
        """Queue alerts (those that the configuration asks for) and errors."""
        if self.applied is None:
            return
        now = self._world.clock.now()
        wanted = tuple(a for a in alerts if self.applied.alert_types.intersection(a.audiences))
        if wanted:
            self.outbox.put(Message("alerts", now, alerts=wanted))
        if errors:
            self.outbox.put(Message("errors", now, errors=errors))

    def _expired(self, config: TelemetryConfig) -> bool:
        return config.exp is not None and self._world.clock.now() >= config.exp

    def _ended(self, task: asyncio.Task[None], on_end: Callable[[], object]) -> None:
        if task.cancelled():
            return
        self._running = None
        if (error := task.exception()) is not None:
            _LOGGER.error("the stream of %s broke", self._car.vin, exc_info=error)
        else:
            on_end()

    async def _run(self) -> None:
        try:
            while True:
                if not await self._step():
                    return
                await asyncio.sleep(self._world.seconds(BUCKET_SECONDS))
        finally:
            await self._hang_up(abort=True)

    async def _step(self) -> bool:
        """Do what one bucket asks for; False when there is nothing left to follow."""
        self.review()
        if self.applied is not None and self._expired(self.applied):
            await self._apply()  # the car knows the time without the cloud
        state = self._car.state
        self._slept_since |= state == "asleep"
        if self.applied is not self.target and state == "online":
            await self._apply()
        if self.applied is None:
            return self.target is not None
        if self._loaded_for != self._car.firmware and state == "online":
            self._load(reported=self._schedule.unsupported)
        if state == "asleep":
            await self._fall_asleep()
            return True
        if self._slept_since or self._car.snapshot().driving:
            self.was_up_and_about, self._slept_since = True, False
        if state == "offline":
            await self._hang_up(abort=True)
        elif self._linking is None:
            self._connect(self.applied)
        if self._schedule.begun:
            self._sample()
        if self.connected and self.applied.resends:
            self.outbox.resend(older_than=self._world.seconds(ACK_SECONDS))
        return True

    async def _apply(self) -> None:
        """Follow the target from now on."""
        if self.target is None:
            # Seen on the errors topic when a configuration is deleted (fleet-telemetry issue 258).
            self.outbox.put(Message("errors", self._world.clock.now()))
            await self._linger()
        await self._hang_up()
        self.applied = self.target
        self.outbox = Outbox()
        self.was_up_and_about, self._slept_since = self._slept_since, False
        self._load()

    def _load(self, *, reported: Collection[str] = ()) -> None:
        """Read the configuration as the installed firmware understands it, and report what that does not know."""
        config, self._loaded_for = self.applied, self._car.firmware
        begun = self._schedule.begun
        self._schedule = Schedule(config.fields if config else {}, firmware(self._car.firmware))
        if begun and self.connected:
            self._sample()
        for name in self._schedule.unsupported:
            if name in reported:
                continue
            tags = {"field_name": name, "authorized": "true", "requested": "true"}
            error = CarError("unsupported_field", name, self._world.clock.now(), tags)
            self._report(error)
            self.send(errors=(error,))

    def _connect(self, config: TelemetryConfig) -> None:
        link = self._link = Link(
            self._car,
            config,
            self.outbox,
            self.counts,
            self._misbehaviour,
            self._world,
            on_connected=self._greet,
            on_sent=self._sent,
            on_trouble=self._trouble,
        )
        self._linking = asyncio.create_task(link.run(), name=f"telemetry link {self._car.vin}")

    def _greet(self) -> None:
        """Begin a connection with every value there is."""
        self._last_trouble = ""
        self._schedule.restart()
        self._sample()

    def _sample(self) -> None:
        now, quirks = self._world.clock.now(), self._car.quirks
        silent = quirks.fields(Quirk.NEVER_PUSHED)
        names = [name for name in self._schedule.open(now) if name not in silent]
        if not names:
            return
        due = self._schedule.due(self._car.signals(names), now)
        for name in due.keys() & quirks.fields(Quirk.LOST_PUSH):
            if quirks.take(Quirk.LOST_PUSH):
                del due[name]
        if along := [name for name in self._schedule.along(due) if name not in silent]:
            readings = self._car.signals(along)
            self._schedule.take(readings, now)
            due |= readings
        if due:
            self.outbox.put(Message("V", now, readings=due, ahead=self._ahead()))

    def _ahead(self) -> float:
        """Return by how much the next record is dated ahead: at most the first one after a wake-up."""
        has_slept, self._has_slept = self._has_slept, False
        wrong = self._car.quirks.take(Quirk.FIRST_RECORD_AHEAD) if has_slept else None
        return wrong.seconds if wrong else 0.0

    def _sent(self, message: Message) -> None:
        self._bill(message.signals)

    def _trouble(self, text: str) -> None:
        if text != self._last_trouble:
            self._last_trouble = text
            self._report(CarError("connection_error", text, self._world.clock.now()))

    async def _fall_asleep(self) -> None:
        """Say what is not measured any more, then close the socket."""
        if self.connected:
            silent = self._car.quirks.fields(Quirk.NEVER_PUSHED)
            names = INVALID_ASLEEP.intersection(self._schedule.names) - silent
            if names:
                readings = dict.fromkeys(sorted(names))
                self.outbox.put(Message("V", self._world.clock.now(), readings=readings))
            await self._linger()
        await self._hang_up()
        # When it wakes up it says everything; what happened before is nothing to catch up on.
        self._schedule.restart()
        self._has_slept = True

    async def _linger(self) -> None:
        """Give the last messages a chance to arrive."""
        for _ in range(LINGER_LOOKS):
            if not self.connected or self.outbox.idle:
                return
            await asyncio.sleep(self._world.seconds(LINGER_SECONDS / LINGER_LOOKS))

    async def _hang_up(self, *, abort: bool = False) -> None:
        link, task = self._link, self._linking
        self._link = self._linking = None
        if link is None or task is None:
            return
        if abort:
            link.abort()
        else:
            await link.close()
        task.cancel()
        await asyncio.wait([task])
