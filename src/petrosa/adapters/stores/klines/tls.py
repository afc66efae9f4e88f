"""How a connection to a MySQL or MariaDB server is encrypted, and whom it trusts."""

import ssl
from typing import Final

from petrosa.errors import ConfigError

DISABLED: Final = "disabled"
VERIFYING: Final = ("verify-ca", "verify-identity")
MODES: Final = (DISABLED, "required", *VERIFYING)
"""From nothing to everything: in clear text; encrypted, with whoever answers; with a certificate of an authority that
we trust; and that is for the host we have asked for."""

_ANOTHER_NAME: Final = frozenset({62, 64})
"""What OpenSSL calls a certificate for another host, or another address."""


class Tls:
    """What an address says of encryption. Files are read when it is used."""

    __slots__ = ("authority", "mode")

    def __init__(self, mode: str = DISABLED, authority: str = "") -> None:
        """`authority` is the file with the certificates that are trusted; empty: those of this machine.

        Raises `ConfigError` for what is no mode, and for an authority that nobody would look at.
        """
        if mode == "preferred":
            raise ConfigError(
                "klines.url has ssl-mode=preferred, which goes on in clear text when anybody on the way wants it so;"
                " write ssl-mode=required, or better verify-identity"
            )
        if mode not in MODES:
            raise ConfigError(f"klines.url has an ssl-mode that there is not; choose from {', '.join(MODES)}")
        if authority and mode not in VERIFYING:
            raise ConfigError(
                f"klines.url names an ssl-ca, which is not looked at with ssl-mode={mode}; add"
                f" ssl-mode={' or '.join(VERIFYING)}, or leave it out"
            )
        self.mode = mode
        self.authority = authority

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tls) and (self.mode, self.authority) == (other.mode, other.authority)

    def __hash__(self) -> int:
        return hash((self.mode, self.authority))

    def context(self) -> ssl.SSLContext | None:
        """What the driver is given; none for clear text. Raises `ConfigError` for a file that holds no certificate."""
        if self.mode == DISABLED:
            return None
        try:
            made = ssl.create_default_context(cafile=self.authority or None)
        except (OSError, ValueError) as problem:  # an SSLError is one
            why = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
            raise ConfigError(
                f"klines.url names {self.authority!r} as ssl-ca, which cannot be used: {why}; name a file with the"
                " authority's certificate (PEM)"
            ) from None
        if self.mode != "verify-identity":
            made.check_hostname = False
        if self.mode not in VERIFYING:
            made.verify_mode = ssl.CERT_NONE
        return made

    def remedy(self, problem: ssl.SSLError) -> str:
        """What to do when no encrypted connection came to be."""
        if not isinstance(problem, ssl.SSLCertVerificationError):
            return "see that TLS is switched on there (ssl-cert, ssl-key), and that both sides know the same versions"
        if problem.verify_code in _ANOTHER_NAME:
            return (
                "name the host in klines.url as its certificate does, or trust every certificate of the authority"
                " (ssl-mode=verify-ca)"
            )
        return "name the file with the certificate of the server's authority in klines.url (ssl-ca=PATH)"
