"""What shuts the inner ports of the embedded S3 server: they answer only who has a key that lies in its own folder.

SeaweedFS is several servers. Only its S3 port asks for the credentials of a request; the ports behind it (master,
volumes, filer, in HTTP and in gRPC) take anybody's orders unless both sides show a certificate. So there is one, made
at each start, for all of them, in a folder that only its owner reads.
"""

import ipaddress
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from schemas.errors import MissingExtraError

_DAYS = 30
_GRPC = ("MASTER", "VOLUME", "FILER", "S3", "ADMIN", "WORKER", "MSG_BROKER", "CLIENT")
_HTTPS = ("MASTER", "VOLUME", "FILER", "ADMIN", "CLIENT")


def key_environment(folder: Path) -> dict[str, str]:
    """The variables under which `weed` speaks to itself with mutual TLS alone; the files lie in `folder`.

    Raises MissingExtraError without the package that makes certificates.
    """
    certificate, key = folder / "weed.crt", folder / "weed.key"
    _write(certificate, key)
    pair = {"CERT": str(certificate), "KEY": str(key)}
    found = {f"WEED_GRPC_{part}_{name}": value for part in _GRPC for name, value in pair.items()}
    found |= {f"WEED_HTTPS_{part}_{name}": value for part in _HTTPS for name, value in pair.items()}
    found |= {f"WEED_HTTPS_{part}_CA": str(certificate) for part in _HTTPS}
    return {**found, "WEED_GRPC_CA": str(certificate), "WEED_HTTPS_CLIENT_ENABLED": "true"}


def _write(certificate: Path, key: Path) -> None:
    """One certificate that signs itself, for 127.0.0.1."""
    try:
        # A third of a second that only this needs.
        from cryptography import x509  # noqa: PLC0415
        from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("cryptography", "demo") from error
    own = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "wardround")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(own, hashes.SHA256())
    )
    _private(certificate, signed.public_bytes(serialization.Encoding.PEM))
    encoded = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _private(key, encoded)


def _private(path: Path, body: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(body)
