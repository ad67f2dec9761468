"""Runs first in every kernel that the tests start: a connection that leaves this machine is an error."""

import socket

_connect, _connect_ex, _lookup = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo


def _refuse_unless_local(host):
    if host not in (None, "", "localhost", "127.0.0.1", "::1"):
        raise ConnectionRefusedError(
            f"This notebook reaches for {host!r}; lessons run offline at mini scale."
        )


def _guarded(connect):
    def connect_here(self, address):
        if isinstance(address, tuple):  # Unix sockets have a path instead
            _refuse_unless_local(address[0])
        return connect(self, address)

    return connect_here


def _lookup_here(host, *args, **kwargs):
    _refuse_unless_local(host.decode() if isinstance(host, bytes) else host)
    return _lookup(host, *args, **kwargs)


socket.socket.connect, socket.socket.connect_ex = _guarded(_connect), _guarded(_connect_ex)
socket.getaddrinfo = _lookup_here
