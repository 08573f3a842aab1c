"""Signed commands as an application sends them to the cloud."""

import base64

from tesla_protocol.command.universal_message_pb2 import Domain, RoutableMessage

from .world import Answer, World


def handshake(world: World) -> RoutableMessage:
    made = RoutableMessage(uuid=bytes(range(16)))
    made.to_destination.domain = Domain.DOMAIN_INFOTAINMENT
    made.from_destination.routing_address = bytes(16)
    made.session_info_request.public_key = world.public_key
    return made


async def send(world: World, sent: RoutableMessage) -> Answer:
    text = base64.b64encode(sent.SerializeToString()).decode()
    return await world.car_api("POST", "signed_command", json={"routable_message": text})
