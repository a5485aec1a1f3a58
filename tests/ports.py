"""Ports for processes of the tests: none that the system may give to a connection meanwhile."""

import random
import socket

# The system takes the ports of its own choice from here on (Linux: 32768 to 60999), so that a
# port it once gave may be an outgoing connection's when the process binds it.
LOWEST, ABOVE = 10_000, 32_768


def free_ports(count: int) -> list[int]:
    """Return `count` ports that nobody uses now."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randrange(LOWEST, ABOVE)
        if port not in found and _is_free(port):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
