"""What Tesla's cloud and the cars know about the names of telemetry fields.

Source: fleet-telemetry protos/vehicle_data.proto and the Available Data page.
"""

from tesla_protocol.telemetry import vehicle_data_pb2 as pb

#: In the protobuf but not among the available data: asking for one has been refused.
_UNAVAILABLE = frozenset({"Unknown", "ScheduledDepartureTime", "LifetimeEnergyUsedDrive"})
_RESERVED_PREFIXES = ("Deprecated_", "Experimental_")

KNOWN_FIELDS = frozenset(
    name
    for name in pb.Field.DESCRIPTOR.values_by_name
    if name not in _UNAVAILABLE and not name.startswith(_RESERVED_PREFIXES)
)

#: Fields that need the scope vehicle_location. LocatedAtHome and its like do not.
LOCATION_FIELDS = frozenset(
    {
        "DestinationLocation",
        "DestinationName",
        "GpsHeading",
        "GpsState",
        "Location",
        "OriginLocation",
        "RouteLine",
    }
)

#: Fields whose value is a word, a yes or no, or a text: a minimum delta makes no sense there.
NOT_NUMERIC = frozenset(
    {
        "AutoSeatClimateLeft",
        "AutoSeatClimateRight",
        "AutomaticBlindSpotCamera",
        "AutomaticEmergencyBrakingOff",
        "AutomaticEmergencyBrakingState",
        "BMSState",
        "BatteryHeaterOn",
        "BlindSpotCollisionWarningChime",
        "BmsFullchargecomplete",
        "Cabin12vPortKeepOn",
        "Cabin48vPortKeepOn",
        "CabinOverheatProtectionMode",
        "CarType",
        "CenterDisplay",
        "ChargeEnableRequest",
        "ChargePort",
        "ChargePortColdWeatherMode",
        "ChargePortDoorOpen",
        "ChargePortLatch",
        "ChargeState",
        "ChargingCableType",
        "ClimateKeeperMode",
        "CruiseFollowDistance",
        "DCDCEnable",
        "DefrostForPreconditioning",
        "DefrostMode",
        "DestinationName",
        "DetailedChargeState",
        "DoorState",
        "EfficiencyPackage",
        "EmergencyLaneDepartureAvoidance",
        "EuropeVehicle",
        "ExteriorColor",
        "FastChargerPresent",
        "FastChargerType",
        "FdWindow",
        "ForwardCollisionWarning",
        "FpWindow",
        "Gear",
        "GpsState",
        "GuestModeEnabled",
        "GuestModeMobileAccessState",
        "HomelinkNearby",
        "HvacACEnabled",
        "HvacAutoMode",
        "HvacPower",
        "HvacSteeringWheelHeatAuto",
        "Hvil",
        "LaneDepartureAvoidance",
        "LightsHazardsActive",
        "LightsHighBeams",
        "LightsTurnSignal",
        "LocatedAtFavorite",
        "LocatedAtHome",
        "LocatedAtWork",
        "Locked",
        "MediaNowPlayingAlbum",
        "MediaNowPlayingArtist",
        "MediaNowPlayingStation",
        "MediaNowPlayingTitle",
        "MediaPlaybackSource",
        "MediaPlaybackStatus",
        "NotEnoughPowerToHeat",
        "OffroadLightbarPresent",
        "PinToDriveEnabled",
        "PowerTransferStatus",
        "PowershareStatus",
        "PowershareStopReason",
        "PowershareType",
        "PreconditioningEnabled",
        "RdWindow",
        "RearDefrostEnabled",
        "RearDisplayHvacEnabled",
        "RemoteStartActive",
        "RemoteStartEnabled",
        "RightHandDrive",
        "RoofColor",
        "RouteLine",
        "RpWindow",
        "ScheduledChargingMode",
        "ScheduledChargingPending",
        "SentryMode",
        "ServiceMode",
        "Setting24HourTime",
        "SettingChargeUnit",
        "SettingDistanceUnit",
        "SettingTemperatureUnit",
        "SettingTirePressureUnit",
        "SoftwareUpdateAvailable",
        "SoftwareUpdateInProgress",
        "SoftwareUpdateVersion",
        "SpeedLimitMode",
        "SpeedLimitWarning",
        "SunroofInstalled",
        "SuperchargerSessionTripPlanner",
        "TonneauPosition",
        "TonneauTentMode",
        "Trim",
        "ValetModeEnabled",
        "VehicleName",
        "Version",
        "WheelType",
        "WiperHeatEnabled",
    }
)

#: What turns invalid when the car's computers go to sleep (fleet-telemetry issue 341).
INVALID_ASLEEP = frozenset(
    {
        "ChargePortDoorOpen",
        "ChargePortLatch",
        "ChargerPhases",
        "ChargingCableType",
        "FastChargerPresent",
        "FastChargerType",
        "Gear",
        "VehicleSpeed",
    }
)

type Firmware = tuple[int, ...]

STREAMING_FROM: Firmware = (2024, 26)
DELTA_FROM: Firmware = (2024, 44, 32)
LOCATION_DELTA_FROM: Firmware = (2025, 2, 6)
INCLUDES_FROM: Firmware = (2026, 26, 6)
#: Intel Atom Model S and X: without a key, if the owner switched it on.
ATOM_STREAMING_FROM: Firmware = (2025, 20)

#: The streaming client that a firmware brings along. That 1.1.0 came with 2025.26 is our reading of "August 2025".
_CLIENTS: tuple[tuple[Firmware, str], ...] = (
    (INCLUDES_FROM, "1.3.0"),
    ((2025, 44, 25, 5), "1.2.0"),
    ((2025, 26), "1.1.0"),
    ((), "1.0.0"),
)
#: From this client on values are typed whatever the configuration prefers.
_ALWAYS_TYPED: Firmware = (2025, 26)

#: From a car itself, without being asked (from LOCATION_DELTA_FROM on).
DEFAULT_DELTAS = {"ChargerVoltage": 0.3, "Odometer": 0.1}

#: Ids from the first number on need at least this firmware; older ids work wherever streaming does.
_FIRMWARE_FROM_ID: tuple[tuple[int, Firmware], ...] = (
    (260, (2026, 32)),
    (258, (2025, 44, 25, 5)),
    (256, (2025, 2, 6)),
    (180, (2024, 44, 32)),
    (179, (2024, 38)),
)


def firmware(text: str) -> Firmware:
    """Return a version as numbers: "2026.32.6" is (2026, 32, 6)."""
    return tuple(int(part) for part in text.partition(" ")[0].split(".") if part.isdigit())


def client_version(version: Firmware) -> str:
    """Return the version of the streaming client that comes with a firmware."""
    return next(client for since, client in _CLIENTS if version >= since)


def is_always_typed(version: Firmware) -> bool:
    """Say whether a firmware sends typed values also to who did not ask for them."""
    return version >= _ALWAYS_TYPED


def firmware_for(field: str) -> Firmware:
    """Return the first firmware that reports a field; KeyError for an unknown one."""
    number = pb.Field.DESCRIPTOR.values_by_name[field].number
    return next((need for first, need in _FIRMWARE_FROM_ID if number >= first), STREAMING_FROM)
