"""A proxy that authenticates members of ``rds_iam`` by IAM tokens, as RDS does.

On RDS a PAM module verifies the tokens. The PostgreSQL used here is built without PAM and LDAP, and RADIUS ends at 128
characters. So the proxy listens at the server's address, with its certificate. It asks a member of ``rds_iam`` for a
cleartext password, within TLS, as RDS does. If the password is a valid token, it connects to the server through the
server's Unix socket, which trusts the user's name and lies in a folder that only the server's account can enter. It
relays all other clients to the server over TLS, byte for byte, and the server authenticates them. In the sessions of
masters it rewrites role statements (``role_patch``).
"""

import asyncio
import ssl
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devtools.postgres.role_patch import RoleStatements

AUTHENTICATION_SECONDS = 30
_LONGEST_MESSAGE = 65536

# "Message Formats" in PostgreSQL's documentation.
_SSL_REQUEST, _GSS_REQUEST, _CANCEL_REQUEST = 80877103, 80877104, 80877102
_CLEARTEXT_PASSWORD = b"R" + struct.pack("!ii", 8, 3)


class _ClosedError(Exception):
    """The peer closed the connection or violated the protocol."""


@dataclass(frozen=True)
class Upstream:
    """The server behind the proxy.

    Attributes:
        host: its address for TLS connections.
        port: its port for TLS connections.
        socket: its Unix socket, for authenticated members of rds_iam.
    """

    host: str
    port: int
    socket: Path


@dataclass(frozen=True)
class Authenticator:
    """The authentication of users.

    Attributes:
        needs_token: return True if a user must log in with a token.
        refusal: return the reason to refuse a user's token; None if it is valid.
    """

    needs_token: Callable[[str], bool]
    refusal: Callable[[str, str], str | None]


class IamProxy:
    """A proxy that runs from ``start`` to ``stop`` in a dedicated thread."""

    def __init__(
        self,
        upstream: Upstream,
        authenticator: Authenticator,
        statements_of: Callable[[str], RoleStatements | None],
        *,
        certificate: tuple[Path, Path],
        ca_file: Path,
    ) -> None:
        self._upstream = upstream
        self._authenticator = authenticator
        self._statements_of = statements_of
        self._client_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._client_context.load_cert_chain(*certificate)
        self._server_context = ssl.create_default_context(cafile=str(ca_file))
        self._loop = asyncio.new_event_loop()
        self._sessions: set[asyncio.Task[None]] = set()
        self._client_port_by_local_port: dict[int, int] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, name="IAM proxy", daemon=True)

    def start(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            OSError: the address is taken.
        """
        self._thread.start()
        self._call(self._listen(host, port))

    def stop(self) -> None:
        """Close all connections; safe to call twice."""
        if self._thread.is_alive():
            self._call(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        if not self._loop.is_closed():
            self._loop.close()

    def client_port(self, port: int) -> int | None:
        """Return the port of the client whose connection the proxy relays from ``port``; None if it relays none."""
        return self._client_port_by_local_port.get(port)

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self, host: str, port: int) -> None:
        self._server = await self._loop.create_server(lambda: _Connection(self._accept), host, port, backlog=128)

    async def _close(self) -> None:
        self._server.close()
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    def _accept(self, client: "_Connection") -> None:
        session = self._loop.create_task(self._serve(client))
        self._sessions.add(session)
        session.add_done_callback(self._sessions.discard)

    async def _serve(self, client: "_Connection") -> None:
        server = None
        local_port = 0
        try:
            async with asyncio.timeout(AUTHENTICATION_SECONDS):
                server = await self._authenticate(client)
            if server is not None:
                local_port = server.local_port
                self._client_port_by_local_port[local_port] = client.remote_port
                _relay(client, server)
                await asyncio.wait([client.lost, server.lost], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            # A TLS connection would close only when its peer answers, and the loop stops before that.
            for connection in (client, server):
                if connection is not None:
                    connection.transport.abort()
        except Exception:  # noqa: BLE001, S110 - no client may stop the proxy
            pass
        finally:
            client.close()
            self._client_port_by_local_port.pop(local_port, None)
            if server is not None:
                server.close()

    async def _authenticate(self, client: "_Connection") -> "_Connection | None":
        """Return a connection to the server for this client; None if the client is refused."""
        encrypted = False
        first = await client.first_message()
        while (kind := _kind(first)) in {_SSL_REQUEST, _GSS_REQUEST}:
            wanted = kind == _SSL_REQUEST and not encrypted
            client.write(b"S" if wanted else b"N")
            if wanted:
                await client.start_tls(self._client_context, server_side=True)
                encrypted = True
            first = await client.first_message()
        user = _user(first)
        if kind == _CANCEL_REQUEST or not encrypted:
            # Without TLS the server refuses, with its own message.
            return await self._connect(first, encrypted=False)
        client.statements = self._statements_of(user)
        if not await asyncio.to_thread(self._authenticator.needs_token, user):
            return await self._connect(first, encrypted=True)
        client.write(_CLEARTEXT_PASSWORD)
        token = await client.password()
        if await asyncio.to_thread(self._authenticator.refusal, user, token) is not None:
            client.write(_refusal(user))
            return None
        _, server = await self._loop.create_unix_connection(_Connection, str(self._upstream.socket))
        server.write(first)
        return server

    async def _connect(self, first: bytes, *, encrypted: bool) -> "_Connection":
        _, server = await self._loop.create_connection(_Connection, self._upstream.host, self._upstream.port)
        if encrypted:
            server.write(struct.pack("!ii", 8, _SSL_REQUEST))
            if await server.exactly(1) != b"S":
                raise _ClosedError
            await server.start_tls(self._server_context, server_side=False, server_hostname=self._upstream.host)
        server.write(first)
        return server


class _Connection(asyncio.Protocol):
    """One connection: read message by message at first, then relayed to another one."""

    def __init__(self, on_connect: Callable[["_Connection"], None] | None = None) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_connect = on_connect
        self.received = bytearray()
        self._changed = asyncio.Event()
        self.transport: asyncio.Transport
        self.other: _Connection | None = None
        self.statements: RoleStatements | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._on_connect is not None:
            self._on_connect(self)

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.write(data if self.statements is None else self.statements.rewritten(data))
            return
        self.received += data
        self._changed.set()

    def connection_lost(self, _error: Exception | None) -> None:
        self._changed.set()
        if not self.lost.done():
            self.lost.set_result(None)

    @property
    def local_port(self) -> int:
        """Return the port of this end; 0 for a Unix socket."""
        return _port_of(self.transport.get_extra_info("sockname"))

    @property
    def remote_port(self) -> int:
        """Return the port of the peer."""
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
        """Continue within TLS; refuse data that arrived in clear text before it."""
        if self.received:
            raise _ClosedError
        loop = asyncio.get_running_loop()
        encrypted = await loop.start_tls(
            self.transport, self, context, server_side=server_side, server_hostname=server_hostname
        )
        if encrypted is None:
            raise _ClosedError
        self.transport = encrypted

    async def first_message(self) -> bytes:
        """Return the startup message, which has a length and no type."""
        head = await self.exactly(4)
        return head + await self._rest(head, shortest=8)

    async def password(self) -> str:
        """Return the client's answer to a request for its password."""
        if await self.exactly(1) != b"p":
            raise _ClosedError
        body = await self._rest(await self.exactly(4), shortest=5)
        return body.rstrip(b"\0").decode(errors="replace")

    async def exactly(self, count: int) -> bytes:
        """Return the next bytes."""
        while len(self.received) < count:
            if self.lost.done():
                raise _ClosedError
            self._changed.clear()
            await self._changed.wait()
        taken = bytes(self.received[:count])
        del self.received[:count]
        return taken

    async def _rest(self, length: bytes, shortest: int) -> bytes:
        (count,) = struct.unpack("!i", length)
        if not shortest <= count <= _LONGEST_MESSAGE:
            raise _ClosedError
        return await self.exactly(count - 4)


def _relay(client: _Connection, server: _Connection) -> None:
    """Relay everything from now on, in both directions."""
    for here, there in ((client, server), (server, client)):
        here.other = there
        here.data_received(bytes(here.received))
        here.received.clear()


def _port_of(address: object) -> int:
    return int(address[1]) if isinstance(address, tuple) else 0


def _kind(first: bytes) -> int:
    kind: int = struct.unpack("!i", first[4:8])[0]
    return kind


def _user(first: bytes) -> str:
    """Return the user of a startup message, which is a list of zero-terminated names and values."""
    words = first[8:].split(b"\0")
    named = dict(zip(words[::2], words[1::2], strict=False))
    return named.get(b"user", b"").decode(errors="replace")


def _refusal(user: str) -> bytes:
    """Return RDS's error message, which gives no reason."""
    fields = ("SFATAL", "VFATAL", "C28000", f'MPAM authentication failed for user "{user}"')
    body = b"".join(field.encode() + b"\0" for field in fields) + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body
