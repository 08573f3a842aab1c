"""Epochs, clocks and counters: an authentic command runs once, and only in its time."""

import pytest
from tesla_protocol.command.universal_message_pb2 import RoutableMessage

from .by_hand import (
    CHARGE_START,
    CHARGE_STOP,
    INFOTAINMENT,
    PORT_OPEN_SECURITY,
    VEHICLE_SECURITY,
    Signer,
    ask,
    fault_of,
    paired,
    refused,
)


@pytest.mark.parametrize("epoch", [b"", bytes(16), bytes(15)])
def test_a_wrong_or_missing_epoch(epoch: bytes) -> None:
    car, signer = paired()
    refused(car, signer, signer.command(CHARGE_START, epoch=epoch), 15, resync=True)


def test_an_epoch_that_ended_with_a_reboot() -> None:
    car, signer = paired()
    car.domain("infotainment").reboot()
    refused(car, signer, signer.command(CHARGE_START), 15, resync=True)


def test_a_replaced_computer_is_noticed_and_introduces_itself() -> None:
    car, signer = paired()
    car.domain("infotainment").rekey()
    old = signer.infos[INFOTAINMENT].publicKey
    message = signer.command(CHARGE_START)
    reply = ask(car, message)
    assert fault_of(reply) == 15
    assert signer.check_session_info(message, reply).publicKey != old


def test_an_expired_command() -> None:
    car, signer = paired()
    message = signer.command(CHARGE_START, lifetime=10)
    car.domain("infotainment").jump_clock(11.5)
    refused(car, signer, message, 17, resync=True)


def test_a_command_that_never_expires() -> None:
    car, signer = paired()
    car.domain("infotainment").jump_clock(5)
    refused(car, signer, signer.command(CHARGE_START, expires_at=0), 17, resync=True)


def test_an_expiry_beyond_the_longest_epoch() -> None:
    car, signer = paired()
    refused(car, signer, signer.command(CHARGE_START, expires_at=1 << 30), 13, resync=True)


def test_an_out_of_order_command_must_be_short_lived() -> None:
    car, signer = paired()
    ask(car, signer.command(CHARGE_START, counter=10))
    long_lived = signer.command(CHARGE_STOP, counter=9, lifetime=40)
    refused(car, signer, long_lived, 20, resync=True)
    assert fault_of(ask(car, signer.command(CHARGE_STOP, counter=9, lifetime=25))) == 0


def test_a_command_without_a_counter_must_be_short_lived_and_runs_once() -> None:
    car, signer = paired()
    refused(car, signer, signer.command(CHARGE_START, counter=0, lifetime=40), 20, resync=True)
    message = signer.command(CHARGE_START, counter=0, lifetime=25)
    assert fault_of(ask(car, message)) == 0
    refused(car, signer, message, 6, resync=True)


@pytest.mark.parametrize(
    ("domain", "payload"), [(INFOTAINMENT, CHARGE_START), (VEHICLE_SECURITY, PORT_OPEN_SECURITY)]
)
def test_a_replayed_command_is_refused_now_and_later(domain: int, payload: bytes) -> None:
    car, signer = paired()
    message = signer.command(payload, domain)
    assert fault_of(ask(car, message)) == 0
    refused(car, signer, message, 6, resync=True)
    car.domain("infotainment").jump_clock(20)
    car.domain("vehicle_security").jump_clock(20)
    refused(car, signer, message, 17, resync=True)


def test_infotainment_takes_late_counters_within_its_window_each_once() -> None:
    car, signer = paired()
    ask(car, signer.command(CHARGE_START, counter=40))
    for counter in (39, 8, 20):
        late = signer.command(CHARGE_STOP, counter=counter)
        assert fault_of(ask(car, late)) == 0
        refused(car, signer, late, 6, resync=True)
    refused(car, signer, signer.command(CHARGE_STOP, counter=7), 6, resync=True)


def test_vehicle_security_takes_rising_counters_only() -> None:
    car, signer = paired()
    ask(car, signer.command(PORT_OPEN_SECURITY, VEHICLE_SECURITY, counter=5))
    for counter in (4, 5, 0):
        message = signer.command(PORT_OPEN_SECURITY, VEHICLE_SECURITY, counter=counter)
        refused(car, signer, message, 6, resync=True)
    message = signer.command(PORT_OPEN_SECURITY, VEHICLE_SECURITY, counter=6)
    assert fault_of(ask(car, message)) == 0


def test_a_forged_command_uses_up_no_counter() -> None:
    car, signer = paired()
    message = signer.command(CHARGE_START)
    bent = RoutableMessage()
    bent.CopyFrom(message)
    bent.protobuf_message_as_bytes = CHARGE_STOP
    refused(car, signer, bent, 5, resync=True)
    assert fault_of(ask(car, message)) == 0


def test_pairing_again_does_not_bring_old_commands_back_to_life() -> None:
    car, signer = paired()
    message = signer.command(CHARGE_START)
    ask(car, message)
    car.keychain.remove(signer.point)
    car.keychain.add(signer.point)
    refused(car, signer, message, 6, resync=True)


def test_two_keys_have_counters_of_their_own() -> None:
    car, first = paired()
    second = Signer()
    car.keychain.add(second.point)
    ask(car, first.command(CHARGE_START, counter=50))
    assert second.handshake(car).counter == 0
    assert fault_of(ask(car, second.command(CHARGE_START))) == 0
    assert first.handshake(car).counter == 50


def test_the_last_counter_ends_the_epoch() -> None:
    car, signer = paired()
    epoch = car.domain("infotainment").epoch
    assert fault_of(ask(car, signer.command(CHARGE_START, counter=0xFFFFFFFF))) == 0
    assert signer.handshake(car).epoch != epoch
    assert fault_of(ask(car, signer.command(CHARGE_START))) == 0


def test_the_last_counter_ends_nobody_elses_epoch() -> None:
    car, first = paired()
    second = Signer()
    car.keychain.add(second.point)
    before = second.handshake(car).epoch
    ask(car, second.command(CHARGE_START))
    car._systems.clock.advance(100)
    first.handshake(car)
    ask(car, first.command(CHARGE_START, counter=0xFFFFFFFF))
    renewed = first.handshake(car)
    assert renewed.epoch != before
    assert (renewed.counter, renewed.clock_time) == (0, 0)
    told = second.handshake(car)
    assert (told.epoch, told.counter) == (before, 1)
    assert told.clock_time >= 100
    assert car.domain("infotainment").epoch == before
    for signer in (first, second):
        assert fault_of(ask(car, signer.command(CHARGE_START))) == 0
    car.domain("infotainment").reboot()
    assert first.handshake(car).epoch == second.handshake(car).epoch != before


def test_what_was_signed_before_the_last_counter_is_of_another_epoch() -> None:
    car, signer = paired()
    early = signer.command(CHARGE_START)
    ask(car, early)
    ask(car, signer.command(CHARGE_START, counter=0xFFFFFFFF))
    refused_reply = ask(car, early)
    assert fault_of(refused_reply) == 15
    told = signer.check_session_info(early, refused_reply)
    assert told.epoch == signer.handshake(car).epoch


def test_a_new_epoch_begins_without_counters() -> None:
    car, signer = paired()
    ask(car, signer.command(CHARGE_START, counter=100))
    car.domain("infotainment").reboot()
    assert signer.handshake(car).counter == 0
    assert fault_of(ask(car, signer.command(CHARGE_START, counter=1))) == 0


def test_a_command_that_never_expires_is_refused_even_in_the_first_second() -> None:
    car, signer = paired()
    assert car.domain("infotainment").clock_time == 0
    refused(car, signer, signer.command(CHARGE_START, expires_at=0), 17, resync=True)
