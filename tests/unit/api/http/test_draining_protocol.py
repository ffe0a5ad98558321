"""A connection is answered although the service stops before its request arrives."""

import socket
import threading
import time

import uvicorn
from starlette.responses import PlainTextResponse

from api.cli.worker_processes import HTTP_PROTOCOL
from tests.live import PATIENCE, free_port

REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"


def test_a_request_that_is_on_its_way_when_the_service_stops_is_answered() -> None:
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(PlainTextResponse("hello"), "127.0.0.1", port, http=HTTP_PROTOCOL, log_config=None)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    new, used = (socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(2))
    with new, used:
        used.sendall(REQUEST)
        assert b"hello" in used.recv(4_096)
        server.should_exit = True
        time.sleep(0.3)  # the listener is closed, the connections are not
        for connection in (new, used):
            connection.sendall(REQUEST)
            answer = connection.recv(4_096)
            assert b"200 OK" in answer
            assert b"connection: close" in answer
            assert connection.recv(1) == b""
    thread.join(PATIENCE)
    assert not thread.is_alive()
