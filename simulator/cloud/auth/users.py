"""The user endpoints."""

from simulator.cloud.context import Call


async def me(call: Call) -> dict[str, object]:
    """Return who has signed in."""
    account = call.account
    return {
        "response": {
            "email": account.email,
            "full_name": account.full_name,
            "profile_image_url": "",
            "vault_uuid": account.sub,
        }
    }


async def region(call: Call) -> dict[str, object]:
    """Return the region of the account, from whichever region was asked."""
    account = call.account
    url = call.cloud.region_url(account.region)
    return {"response": {"region": account.region, "fleet_api_base_url": url}}


async def feature_config(_call: Call) -> dict[str, object]:
    """Return the feature flags: none out of the ordinary."""
    return {"response": {"signaling": {"enabled": True, "subscribe_connectivity": False}}}
