"""A mail server on loopback that takes mail, or does what it is told to.

async with SmtpServer() as server:
    server.does["RCPT"] = "550 nobody of that name"     # an answer in place of the usual one
    server.does["DATA"] = "hang up"                     # gone, once the whole message is there
    ... server.port, server.mails ...
"""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self, cast

HANG_UP = "hang up"
AFTER = "after "
"""Before an answer that comes when the whole message is there."""


@dataclass
class SmtpServer:
    """What it has taken, and what it is told to do at which word."""

    does: dict[str, str] = field(default_factory=dict)
    mails: list[EmailMessage] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    connections: int = 0
    _server: Any = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.sockets[0].getsockname()[1]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):  # whoever called has gone
            await self._session(reader, writer)
        writer.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipients: list[str] = []
        await _say(writer, "220 fake")
        while line := (await reader.readline()).decode().strip():
            word = line.split(" ")[0].upper()
            told = self.does.get(word, "")
            if word == "DATA" and (not told or told == HANG_UP or told.startswith(AFTER)):
                await _say(writer, "354 go on")
                body = await reader.readuntil(b"\r\n.\r\n")
                if told == HANG_UP:
                    return
                self.mails.append(cast("EmailMessage", message_from_bytes(body[:-5], policy=policy.default)))
                self.to.append(list(recipients))
                await _say(writer, told.removeprefix(AFTER) or "250 taken")
            elif told == HANG_UP:
                return
            elif told:
                await _say(writer, told)
            else:
                await self._usual(writer, word, line, recipients)

    async def _usual(self, writer: asyncio.StreamWriter, word: str, line: str, recipients: list[str]) -> None:
        match word:
            case "EHLO":
                await _say(writer, "250-fake", "250 AUTH PLAIN")
            case "AUTH":
                _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
                self.logins.append((user, password))
                await _say(writer, "235 welcome")
            case "RCPT":
                recipients.append(line.split("<")[1].split(">")[0])
                await _say(writer, "250 ok")
            case "QUIT":
                await _say(writer, "221 bye")
            case _:
                await _say(writer, "250 ok")


async def _say(writer: asyncio.StreamWriter, *lines: str) -> None:
    writer.write("".join(f"{line}\r\n" for line in lines).encode())
    await writer.drain()
