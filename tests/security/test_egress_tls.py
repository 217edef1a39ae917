"""Over https the certificate is that of the name, though the connection goes to the address that was checked."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.errors import WebUnavailable
from engine.security.webcalls import WebRequest
from tests.fakes.web import answer, serving
from tests.security.doors import Names, door

NAME = "shop.example"


def certificate(folder: Path, name: str) -> Path:
    """A file with a key and a certificate for the name, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key()).serial_number(7)
    made = made.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=36_500))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / f"{name}.pem"
    file.write_bytes(private + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return file


def served(file: Path, heard: list[Any]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.sni_callback = lambda _socket, name, _context: heard.append(name)  # type: ignore[assignment]
    return context


async def test_the_name_is_asked_for_and_its_certificate_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, heard = certificate(tmp_path, NAME), list[Any]()
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    async with serving(lambda asked: answer(asked.echo()), tls=served(file, heard)) as web:
        egress = door(names=Names({NAME: [["127.0.0.1"]]}), allow=[f"{NAME}:{web.port}"], value="canary-1", hosts=[f"{NAME}:{web.port}"])
        reply: Any = await egress.send(WebRequest("GET", f"https://{NAME}:{web.port}/", secret="KEY"))
        assert heard == [NAME] and reply.body["headers"]["host"] == f"{NAME}:{web.port}"
        assert web.asked[0].headers["authorization"] == "Bearer canary-1"


@pytest.mark.parametrize("believed", [NAME, "other.example", None], ids=["of another name", "of another machine", "of nobody"])
async def test_a_call_ends_before_anything_is_sent_where_the_certificate_is_not_that_of_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, believed: str | None
) -> None:
    if believed:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path, believed)))
    shown = "other.example" if believed == NAME else NAME
    if believed == NAME:
        # Both are believed; only the name is wrong.
        both = tmp_path / "both.pem"
        both.write_bytes((tmp_path / f"{NAME}.pem").read_bytes() + certificate(tmp_path, shown).read_bytes())
        monkeypatch.setenv("SSL_CERT_FILE", str(both))
    file = tmp_path / f"{shown}.pem"
    async with serving(tls=served(file if file.exists() else certificate(tmp_path, shown), [])) as web:
        egress = door(names=Names({NAME: [["127.0.0.1"]]}), allow=[f"{NAME}:{web.port}"], value="canary-1", hosts=[f"{NAME}:{web.port}"])
        with pytest.raises(WebUnavailable, match=r"certificate that is not its own\. Nothing was sent"):
            await egress.send(WebRequest("POST", f"https://{NAME}:{web.port}/", secret="KEY", may_repeat=False))
        assert web.asked == []
