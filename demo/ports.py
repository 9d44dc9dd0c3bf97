"""TCP ports of 127.0.0.1, and whether a server answers there."""

import http
import http.client
import random
import socket

#: Below what systems give to outgoing connections (Linux from 32768, macOS from 49152): one of those could be taken
#: between the look and the use.
_QUIET = range(20_000, 32_000)


def free_port() -> int:
    """One that nothing listens on now. Raises OSError when there is none."""
    for _ in range(100):
        port = random.choice(_QUIET)  # noqa: S311 - so that two who look at once do not find the same
        if port_is_free(port):
            return port
    raise OSError(f"no free port was found from {_QUIET.start} to {_QUIET.stop - 1} on 127.0.0.1")


def port_is_free(port: int) -> bool:
    """Whether a server may listen on it."""
    with socket.socket() as probe:
        # As servers do, so that connections that have just ended are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def says_ok(port: int, path: str) -> bool:
    """Whether a server there answers 200. http.client knows no proxy, which a person's environment may name."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
