"""The door of a database that takes IAM tokens: members of ``rds_iam`` get in by a token, everybody else by PostgreSQL.

On RDS a module of PAM checks tokens. A PostgreSQL asks somebody else only if it was built with PAM or LDAP, which the
one that rehearsals run on was not, and RADIUS ends at 128 characters. So this stands before the server, at its address
and with its certificate. Whoever is a member of rds_iam is asked for a password in clear text, within TLS, as on RDS;
if that is a good token, the server is told the name alone, through its own socket, which lies in a folder that only the
server's account can enter. All others are passed on to the server over TLS, byte by byte.
"""

import asyncio
import ssl
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AUTHENTICATION_SECONDS = 30
_LONGEST_MESSAGE = 65536

# "Message Formats" in PostgreSQL's documentation.
_SSL_REQUEST, _GSS_REQUEST, _CANCEL_REQUEST = 80877103, 80877104, 80877102
_CLEARTEXT_PASSWORD = b"R" + struct.pack("!ii", 8, 3)


class _GoneError(Exception):
    """The other side hung up, or says what no client says."""


@dataclass(frozen=True)
class Behind:
    """The server behind a gate.

    Attributes:
        host: where it takes TLS.
        port: the same.
        socket: where it takes members of rds_iam by name.
    """

    host: str
    port: int
    socket: Path


@dataclass(frozen=True)
class Doorkeeper:
    """Who decides.

    Attributes:
        needs_token: whether a user gets in by token only.
        refusal: why a token does not let a user in; None if it does.
    """

    needs_token: Callable[[str], bool]
    refusal: Callable[[str, str], str | None]


class TokenGate:
    """A gate that is open from ``start`` to ``stop``, in a thread of its own."""

    def __init__(self, behind: Behind, keeper: Doorkeeper, *, certificate: tuple[Path, Path], ca_file: Path) -> None:
        self._behind = behind
        self._keeper = keeper
        self._to_clients = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._to_clients.load_cert_chain(*certificate)
        self._to_server = ssl.create_default_context(cafile=str(ca_file))
        self._loop = asyncio.new_event_loop()
        self._visits: set[asyncio.Task[None]] = set()
        self._client_port_by_own_port: dict[int, int] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, name="token gate", daemon=True)

    def start(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            OSError: the address is taken.
        """
        self._thread.start()
        self._call(self._listen(host, port))

    def stop(self) -> None:
        """Hang up on everybody; safe to call twice."""
        if self._thread.is_alive():
            self._call(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        if not self._loop.is_closed():
            self._loop.close()

    def client_port(self, port: int) -> int | None:
        """The port of the client for whom the gate came to the server from ``port``; none for anybody else's."""
        return self._client_port_by_own_port.get(port)

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self, host: str, port: int) -> None:
        self._server = await self._loop.create_server(lambda: _Wire(self._welcome), host, port, backlog=128)

    async def _close(self) -> None:
        self._server.close()
        for visit in self._visits:
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)

    def _welcome(self, client: "_Wire") -> None:
        visit = self._loop.create_task(self._visit(client))
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)

    async def _visit(self, client: "_Wire") -> None:
        server = None
        own_port = 0
        try:
            async with asyncio.timeout(AUTHENTICATION_SECONDS):
                server = await self._admit(client)
            if server is not None:
                own_port = server.port_here
                self._client_port_by_own_port[own_port] = client.port_there
                _join(client, server)
                await asyncio.wait([client.lost, server.lost], return_when=asyncio.FIRST_COMPLETED)
        except Exception:  # noqa: BLE001, S110 - whatever a client says, and however it goes away, the gate stays
            pass
        finally:
            client.close()
            self._client_port_by_own_port.pop(own_port, None)
            if server is not None:
                server.close()

    async def _admit(self, client: "_Wire") -> "_Wire | None":
        """The way to the server for this client; None for one that is refused."""
        encrypted = False
        first = await client.first_message()
        while (kind := _kind(first)) in {_SSL_REQUEST, _GSS_REQUEST}:
            wanted = kind == _SSL_REQUEST and not encrypted
            client.write(b"S" if wanted else b"N")
            if wanted:
                await client.start_tls(self._to_clients, server_side=True)
                encrypted = True
            first = await client.first_message()
        user = _user(first)
        if kind == _CANCEL_REQUEST or not encrypted:
            # Without TLS it is the server that refuses, in its own words.
            return await self._dial(first, encrypted=False)
        if not await asyncio.to_thread(self._keeper.needs_token, user):
            return await self._dial(first, encrypted=True)
        client.write(_CLEARTEXT_PASSWORD)
        token = await client.password()
        if await asyncio.to_thread(self._keeper.refusal, user, token) is not None:
            client.write(_refusal(user))
            return None
        _, server = await self._loop.create_unix_connection(_Wire, str(self._behind.socket))
        server.write(first)
        return server

    async def _dial(self, first: bytes, *, encrypted: bool) -> "_Wire":
        _, server = await self._loop.create_connection(_Wire, self._behind.host, self._behind.port)
        if encrypted:
            server.write(struct.pack("!ii", 8, _SSL_REQUEST))
            if await server.exactly(1) != b"S":
                raise _GoneError
            await server.start_tls(self._to_server, server_side=False, server_hostname=self._behind.host)
        server.write(first)
        return server


class _Wire(asyncio.Protocol):
    """One connection: read by the piece at first, and then joined to another one."""

    def __init__(self, welcome: Callable[["_Wire"], None] | None = None) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._welcome = welcome
        self.received = bytearray()
        self._news = asyncio.Event()
        self.transport: asyncio.Transport
        self.other: _Wire | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._welcome is not None:
            self._welcome(self)

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.write(data)
            return
        self.received += data
        self._news.set()

    def connection_lost(self, _error: Exception | None) -> None:
        self._news.set()
        if not self.lost.done():
            self.lost.set_result(None)

    @property
    def port_here(self) -> int:
        """The port of this end; 0 through a socket that has none."""
        return _port_of(self.transport.get_extra_info("sockname"))

    @property
    def port_there(self) -> int:
        """The port of the other end."""
        return _port_of(self.transport.get_extra_info("peername"))

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.transport.resume_reading()

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def close(self) -> None:
        self.transport.close()

    async def start_tls(
        self, context: ssl.SSLContext, *, server_side: bool, server_hostname: str | None = None
    ) -> None:
        """Go on within TLS; what came before it in clear text is not believed."""
        if self.received:
            raise _GoneError
        loop = asyncio.get_running_loop()
        encrypted = await loop.start_tls(
            self.transport, self, context, server_side=server_side, server_hostname=server_hostname
        )
        if encrypted is None:
            raise _GoneError
        self.transport = encrypted

    async def first_message(self) -> bytes:
        """The message that begins a connection: a length and no type."""
        head = await self.exactly(4)
        return head + await self._rest(head, shortest=8)

    async def password(self) -> str:
        """What a client answers to a request for its password."""
        if await self.exactly(1) != b"p":
            raise _GoneError
        body = await self._rest(await self.exactly(4), shortest=5)
        return body.rstrip(b"\0").decode(errors="replace")

    async def exactly(self, count: int) -> bytes:
        """The next bytes."""
        while len(self.received) < count:
            if self.lost.done():
                raise _GoneError
            self._news.clear()
            await self._news.wait()
        taken = bytes(self.received[:count])
        del self.received[:count]
        return taken

    async def _rest(self, length: bytes, shortest: int) -> bytes:
        (count,) = struct.unpack("!i", length)
        if not shortest <= count <= _LONGEST_MESSAGE:
            raise _GoneError
        return await self.exactly(count - 4)


def _join(client: _Wire, server: _Wire) -> None:
    """From now on pass everything on, in both directions."""
    for here, there in ((client, server), (server, client)):
        here.other = there
        there.write(bytes(here.received))
        here.received.clear()


def _port_of(address: object) -> int:
    return int(address[1]) if isinstance(address, tuple) else 0


def _kind(first: bytes) -> int:
    kind: int = struct.unpack("!i", first[4:8])[0]
    return kind


def _user(first: bytes) -> str:
    """Who a startup message says that it is: names and values, each ended by a zero byte."""
    words = first[8:].split(b"\0")
    named = dict(zip(words[::2], words[1::2], strict=False))
    return named.get(b"user", b"").decode(errors="replace")


def _refusal(user: str) -> bytes:
    """RDS's own words; it does not say why."""
    fields = ("SFATAL", "VFATAL", "C28000", f'MPAM authentication failed for user "{user}"')
    body = b"".join(field.encode() + b"\0" for field in fields) + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body
