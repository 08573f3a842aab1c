"""Files as a person has them from a public authority: full chain and key, renewed in place."""

from datetime import timedelta
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
import pytest

from tests.fleet_telemetry.pki import Issued, issue
from tests.support.home import HOME_DOMAIN


class OwnFiles:
    """A public authority that Home Assistant knows, and what a person got from it."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Write everything that is right; `monkeypatch` lets Home Assistant know the authority."""
        self.directory = directory
        self.root = issue("Root X1", ca=True, organization="Public CA")
        self.other_root = issue("Other Root", ca=True, organization="Another CA")
        self.intermediate = issue("R10", self.root, ca=True, organization="Public CA")
        self.other_intermediate = issue("E1", self.other_root, ca=True)
        known = directory / "roots.pem"
        known.write_bytes(self.root.pem + self.other_root.pem)
        monkeypatch.setattr(certifi, "where", lambda: str(known))
        self.chain = directory / "fullchain.pem"
        self.key = directory / "privkey.pem"
        self.renew()

    def leaf(
        self,
        host: str = HOME_DOMAIN,
        *,
        by: Issued | None = None,
        begins: timedelta = timedelta(hours=-1),
        ends: timedelta = timedelta(days=90),
        usages: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.SERVER_AUTH,),
    ) -> Issued:
        """Return a new certificate of the public authority."""
        return issue(
            "",
            by or self.intermediate,
            hosts=(host,),
            organization=None,
            begins=begins,
            ends=ends,
            usages=usages,
        )

    def write(self, leaf: Issued, *intermediates: Issued) -> Issued:
        """Put a certificate where the person's other programs renew it."""
        chain = intermediates or (self.intermediate,)
        self.chain.write_bytes(leaf.pem + b"".join(one.pem for one in chain))
        self.key.write_bytes(leaf.key_pem)
        return leaf

    def renew(self) -> Issued:
        """Renew it as usual."""
        return self.write(self.leaf())

    def entered(self, **changed: str) -> dict[str, str]:
        """Return what the person enters in the section."""
        return {"certificate_file": str(self.chain), "key_file": str(self.key)} | changed
