"""One person with one car and one application at the simulated Tesla, and a client for both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from simulator import Account, Application, Car, TeslaSimulator

DOMAIN = "home.example.com"
KEY_PATH = "/.well-known/appspecific/com.tesla.3p.public-key.pem"
REDIRECT = "https://my.home-assistant.io/redirect/oauth"
CHARGING_SCOPES = (
    "openid",
    "offline_access",
    "vehicle_device_data",
    "vehicle_cmds",
    "vehicle_charging_cmds",
)


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, read to its end."""

    status: int
    text: str
    body: Any
    headers: Mapping[str, str]

    @property
    def response(self) -> Any:
        return self.body["response"]

    @property
    def error(self) -> str:
        return str(self.body["error"])


@dataclass
class World:
    """One person with one car, one application, and a client."""

    tesla: TeslaSimulator
    http: aiohttp.ClientSession
    application: Application
    account: Account
    car: Car
    key: ec.EllipticCurvePrivateKey
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def sign_in(self, *scopes: str) -> dict[str, Any]:
        """Consent and use the new token from now on."""
        self.tokens = self.tesla.sign_in(self.account, self.application, scopes or CHARGING_SCOPES)
        return self.tokens

    async def request(self, method: str, url: str, **options: Any) -> Answer:
        async with self.http.request(method, url, **options) as got:
            text = await got.text()
            body = await got.json() if got.content_type == "application/json" else None
            return Answer(got.status, text, body, got.headers)

    async def api(
        self,
        method: str,
        path: str,
        *,
        region: str | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Answer:
        """Call the Fleet API with the signed-in person's token."""
        bearer = {"Authorization": f"Bearer {token or self.tokens['access_token']}"}
        if method == "POST" and "data" not in options:
            options.setdefault("json", {})
        base = f"{self.tesla.base_url}/{region or self.account.region}/api/1/"
        return await self.request(
            method, base + path, headers={**bearer, **(headers or {})}, **options
        )

    async def car_api(self, method: str, what: str, **options: Any) -> Answer:
        """Call an endpoint of the car."""
        return await self.api(method, f"vehicles/{self.car.vin}/{what}".rstrip("/"), **options)

    async def token(self, **form: str) -> Answer:
        """Call the token endpoint."""
        return await self.request("POST", f"{self.tesla.auth_url}/oauth2/v3/token", data=form)

    async def partner_token(self, region: str, scope: str = "openid") -> str:
        answer = await self.token(
            grant_type="client_credentials",
            client_id=self.application.client_id,
            client_secret=self.application.client_secret,
            audience=f"{self.tesla.base_url}/{region}",
            scope=scope,
        )
        assert answer.status == 200, answer.text
        return str(answer.body["access_token"])


@dataclass
class KeyHost:
    """The web server behind the partner domain; a test changes what it answers."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[web.Request] = field(default_factory=list)
