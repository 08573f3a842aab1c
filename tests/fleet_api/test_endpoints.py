"""Where tokens may go."""

import pytest

from custom_components.tesla_charging.fleet_api import TESLA, Endpoints, Region, all_under

EU = "https://fleet-api.prd.eu.vn.cloud.tesla.com"


@pytest.mark.parametrize(
    ("url", "used"),
    [
        (EU, EU),
        (f"{EU}/", EU),
        (f"{EU}:443", EU),
        (EU.upper(), EU),
        (
            "https://fleet-api.prd.xx.vn.cloud.tesla.com",
            "https://fleet-api.prd.xx.vn.cloud.tesla.com",
        ),
        ("https://x.teslamotors.com", "https://x.teslamotors.com"),
    ],
)
def test_teslas_own_places_are_trusted(url: str, used: str) -> None:
    assert TESLA.trusted_base_url(url) == used


@pytest.mark.parametrize(
    "url",
    [
        "http://fleet-api.prd.eu.vn.cloud.tesla.com",
        "HTTP://fleet-api.prd.eu.vn.cloud.tesla.com",
        "ftp://x.tesla.com",
        "x.tesla.com",
        "//x.tesla.com",
        "javascript://x.tesla.com",
        "https:x.tesla.com",
        "https:/x.tesla.com",
        "https:///x.tesla.com",
        "https://tesla.com",
        "https://.tesla.com",
        "https://..tesla.com",
        "https://eviltesla.com",
        "https://evil-tesla.com",
        "https://x.tesla.com.evil.example.org",
        "https://x.tesla.com.",
        "https://x.tesla.co",
        "https://x.tesla.comevil.org",
        "https://evil.org/x.tesla.com",
        "https://evil.org?x.tesla.com",
        "https://evil.org#x.tesla.com",
        "https://evil.org/.tesla.com",
        "https://evil.org\\.tesla.com",
        "https://evil.org\\@x.tesla.com",
        "https://evil.org%2f.tesla.com",
        "https://evil.org%00.tesla.com",
        "https://evil.org\x00.tesla.com",
        "https://evil.org .tesla.com",
        "https://evil.org\t.tesla.com/x",
        "https://evil.org:443:.tesla.com",
        "https://evil.org;.tesla.com",
        "https://evil.org,x.tesla.com",
        "https://*.tesla.com",
        "https://_.tesla.com",
        "https://x.tesla.com@evil.org",
        "https://x@x.tesla.com",
        "https://x:y@x.tesla.com",
        "https://@x.tesla.com",
        "https://:@x.tesla.com",
        "https://x.tesla.com:8443",
        "https://x.tesla.com:0",
        "https://x.tesla.com:99999",
        "https://x.tesla.com:44٣",
        "https://x.tesla.com:abc",
        "https://x.tesla.com/path",
        "https://x.tesla.com?query",
        "https://x.tesla.com#fragment",
        "https://[::1].tesla.com",
        "https://[::1",
        "https://[x.tesla.com]",
        "https://127.0.0.1",
        "https://evil。tesla.com",
        "https://evil.tesla。com",
        "https://evil.org／.tesla.com",
        "https://evil.org℀.tesla.com",
        "https://evil.org＃.tesla.com",
        "https://x.tеsla.com",  # the e is Cyrillic
        "https://x.ｔesla.com",
        "https://bücher.tesla.com",
        "https://x.tesla.com\u200b",
        "https://\u202ex.tesla.com",
        f"https://{'x' * 64}.tesla.com",
        f"https://{'x.' * 500}tesla.com",
        "https://" + "x" * 1_000_000,
        "/" * 100_000,
        "",
        "https://",
        "\ud800",
        "https://\udcff.tesla.com",
    ],
)
def test_everything_else_is_not(url: str) -> None:
    assert TESLA.trusted_base_url(url) is None


def test_a_simulator_is_trusted_for_nothing_but_itself() -> None:
    local = all_under("http://127.0.0.1:8123/")
    assert local.regions == {
        Region.NA: "http://127.0.0.1:8123/na",
        Region.EU: "http://127.0.0.1:8123/eu",
    }
    assert local.trusted_base_url("http://127.0.0.1:8123/eu/") == "http://127.0.0.1:8123/eu"
    for url in (EU, "http://127.0.0.1:8123", "http://127.0.0.1:8124/eu", "http://127.0.0.1:8123/x"):
        assert local.trusted_base_url(url) is None
    assert TESLA.trusted_base_url("http://127.0.0.1:8123/eu") is None


def test_everything_of_teslas_is_https_on_teslas_hosts() -> None:
    addresses = (TESLA.authorize_url, TESLA.token_url, TESLA.pairing_url, *TESLA.regions.values())
    for address in addresses:
        scheme, _, host = address.split("/")[:3]
        assert scheme == "https:"
        assert f".{host}".endswith(".tesla.com")


def test_the_pairing_link() -> None:
    assert TESLA.pairing_link("home.example.com") == "https://tesla.com/_ak/home.example.com"
    assert TESLA.pairing_link("home.example.com", "LRW3E7EK0PC000101").endswith(
        "/home.example.com?vin=LRW3E7EK0PC000101"
    )


def test_without_suffixes_only_the_regions_are_trusted() -> None:
    nobody = Endpoints("a", "t", {Region.NA: "https://na.example.com"}, "p", "c")
    assert nobody.trusted_base_url("https://na.example.com/") == "https://na.example.com"
    assert nobody.trusted_base_url("https://fleet-api.prd.eu.vn.cloud.tesla.com") is None
