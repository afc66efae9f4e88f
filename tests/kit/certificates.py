"""An authority and a server's certificate, made anew for a test and good for a day."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import pytest


class Certified(NamedTuple):
    """Files: the authority's certificate, the server's, and the server's key."""

    authority: Path
    certificate: Path
    key: Path


def certified(folder: Path, host: str) -> Certified:
    """A certificate for a host, by a name or an address, of an authority that nobody knows yet."""
    pytest.importorskip("cryptography", reason="cryptography is not installed: pip install 'petrosa[live]'")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def begun(subject: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named("an authority of a test"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )

    theirs, ours = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    is_address = host.replace(".", "").isdigit()
    name = x509.IPAddress(ip_address(host)) if is_address else x509.DNSName(host)
    root = begun("an authority of a test", theirs).add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    leaf = begun("a server of a test", ours).add_extension(x509.SubjectAlternativeName([name]), critical=False)
    found = Certified(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    for path, builder in ((found.authority, root), (found.certificate, leaf)):
        path.write_bytes(builder.sign(theirs, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    found.key.write_bytes(
        ours.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    found.key.chmod(0o644)  # the server runs as another user
    return found
