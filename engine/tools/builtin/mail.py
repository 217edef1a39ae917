"""Sends an e-mail, handed to the mail server of the operator's file."""

from __future__ import annotations

import asyncio
import re
import smtplib
import ssl
from collections.abc import Mapping
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

from engine.clock import Clock
from engine.errors import ConfigInvalid, InDoubt, SignalboxError, ToolFailed, WebUnavailable
from engine.jsonvalue import JsonValue
from engine.operator_file import MailServer
from engine.tools.messages import Tool
from engine.tools.toolbox import Known

TIMEOUT_S = 30.0
_ADDRESS = {"type": "string", "maxLength": 254, "pattern": r"^[^@\s<>,;:\"]+@[A-Za-z0-9.-]+$"}
PARAMETERS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["to", "subject", "text"],
    "properties": {
        "to": {"type": "array", "items": _ADDRESS, "minItems": 1, "maxItems": 50},
        "subject": {"type": "string", "minLength": 1, "maxLength": 300, "pattern": r"^[^\r\n]+$"},
        "text": {"type": "string", "minLength": 1, "maxLength": 200_000},
        "reply_to": _ADDRESS,
    },
}
TOOL = Tool("send_email", "Sends an e-mail in plain text.", PARAMETERS, "unsafe", origins=(), carries=True)
NOT_SET_UP = "No mail server is set up. The operator adds [mail] to the file that SIGNALBOX_OPERATOR_FILE names."


def known(server: MailServer | None, clock: Clock) -> Known:
    """The tool, with that server."""

    async def act(arguments: Mapping[str, Any], key: str) -> JsonValue:
        if server is None:
            raise ConfigInvalid(NOT_SET_UP)
        message = composed(server, arguments, key=key, at_s=clock.now_us() / 1e6)
        return await asyncio.to_thread(_sent, server, list(arguments["to"]), message)

    return Known(TOOL, act, title="Send an e-mail", why_not="" if server is not None else NOT_SET_UP)


def composed(server: MailServer, arguments: Mapping[str, Any], *, key: str, at_s: float) -> EmailMessage:
    """The message; its id follows from the key: a second one can be told from a new one. ToolFailed for who must not be written to."""
    if wrong := [address for address in arguments["to"] if not _may_go_to(server, address)]:
        allowed = ", ".join(server.recipients)
        raise ToolFailed(f"Mail to {', '.join(wrong[:5])} is not allowed.", hint=f"The operator allows {allowed}.")
    message = EmailMessage()
    try:
        message["From"], message["To"] = _address(server.sender), [_address(text) for text in arguments["to"]]
        message["Subject"] = arguments["subject"]
        if reply_to := arguments.get("reply_to"):
            message["Reply-To"] = _address(reply_to)
    except ValueError as error:
        raise ToolFailed(f"The message cannot be written: {error}.") from None
    message["Date"], message["Message-ID"] = formatdate(at_s), f"<{key[:64]}@signalbox>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(arguments["text"])
    return message


def _address(text: str) -> Address:
    return Address(addr_spec=text)


def _may_go_to(server: MailServer, address: str) -> bool:
    low = address.lower()
    return not server.recipients or any(
        low == allowed or (allowed.startswith("@") and low.endswith(allowed)) for allowed in map(str.lower, server.recipients)
    )


def _sent(server: MailServer, to: list[str], message: EmailMessage) -> JsonValue:
    """Hands it in. WebUnavailable: nothing was sent, it can be tried again. InDoubt: it may have been."""
    connection = _connected(server)
    try:
        _envelope(connection, server, to)
        _handed_in(connection, server, message)
    finally:
        with suppress(smtplib.SMTPException, OSError):  # it was handed in or refused already; how the talk ends changes nothing
            connection.quit()
        connection.close()
    return {"sent_to": list(to), "message_id": str(message["Message-ID"])}


def _connected(server: MailServer) -> smtplib.SMTP:
    name, own = f"{server.host}:{server.port}", server.sender.rpartition("@")[2]
    tls = ssl.create_default_context()
    try:
        if server.security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, own, timeout=TIMEOUT_S, context=tls)
        else:
            connection = smtplib.SMTP(server.host, server.port, own, timeout=TIMEOUT_S)
    except (OSError, smtplib.SMTPException) as error:
        raise WebUnavailable(f"The mail server {name} cannot be reached ({type(error).__name__}). Nothing was sent.") from None
    fault: SignalboxError
    try:
        if server.security == "starttls":
            connection.starttls(context=tls)
        if server.user:
            connection.login(server.user, server.password.get_secret_value())
        return connection
    except smtplib.SMTPAuthenticationError:
        fault = ConfigInvalid(f"The mail server {name} does not take the user and password.", hint="Mend them in the operator's file.")
    except smtplib.SMTPNotSupportedError:
        fault = ConfigInvalid(f"The mail server {name} does not offer {server.security} or a password.", hint="Mend the operator's file.")
    except ssl.SSLError:
        fault = ConfigInvalid(f"The mail server {name} shows a certificate that is not its own.", hint="Mend the operator's file.")
    except (OSError, smtplib.SMTPException) as error:
        fault = WebUnavailable(f"The mail server {name} broke off ({type(error).__name__}). Nothing was sent.")
    connection.close()
    # Raised outside: the library's error may hold what was said with the password.
    raise fault


def _envelope(connection: smtplib.SMTP, server: MailServer, to: list[str]) -> None:
    try:
        connection.ehlo_or_helo_if_needed()
        code, told = connection.mail(server.sender)
        if code >= 400:
            raise _refused(code, told, f"the sender {server.sender}")
        for address in to:
            code, told = connection.rcpt(address)
            if code >= 400:
                # All or nobody: a message that only some have got cannot be sent again.
                raise _refused(code, told, address)
    except (OSError, smtplib.SMTPException) as error:
        raise WebUnavailable(f"The mail server broke off ({type(error).__name__}). Nothing was sent.") from None


def _handed_in(connection: smtplib.SMTP, server: MailServer, message: EmailMessage) -> None:
    try:
        code, told = connection.data(message.as_bytes(policy=message.policy.clone(linesep="\r\n")))
    except smtplib.SMTPDataError as error:
        raise _refused(error.smtp_code, error.smtp_error, "the message") from None
    except (OSError, smtplib.SMTPException):
        raise InDoubt(f"The mail server {server.host} broke off after the message was handed to it.") from None
    if code >= 400:
        raise _refused(code, told, "the message")


def _refused(code: int, told: bytes | str, what: str) -> SignalboxError:
    words = told.decode(errors="replace") if isinstance(told, bytes) else told
    message = f"The mail server refuses {what}: {code} {re.sub(r'[^ -~]+', ' ', words)[:300]}. Nothing was sent."
    return WebUnavailable(message) if code < 500 else ToolFailed(message)
