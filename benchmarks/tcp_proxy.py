"""TCP proxy to a server, which can be cut or silenced."""

import socket
import threading
from contextlib import suppress


class Cable:
    """TCP proxy. Cut: connections break, new ones are refused. Silent: nothing passes, nothing fails.

    Attributes:
        port: its port on 127.0.0.1; the same after a cut.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._ends: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self._changing = threading.Lock()
        self._through = threading.Event()
        self.port = 0
        self.mend()

    def mend(self) -> None:
        """Accept connections, for the first time or after a cut."""
        self._through.set()
        listener = socket.create_server(("127.0.0.1", self.port))
        self._listener, self.port = listener, listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """Break open connections, and refuse new ones."""
        with self._changing:
            assert self._listener is not None
            for end in (self._listener, *self._ends):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
            self._ends.clear()
        self._through.set()

    def silence(self) -> None:
        """Let nothing pass."""
        self._through.clear()

    def speak(self) -> None:
        """Let waiting and new data pass."""
        self._through.set()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
                with self._changing:
                    if listener.fileno() < 0:  # cut meanwhile: close this connection too
                        near.close()
                        far.close()
                        return
                    self._ends += [near, far]
                for end in (near, far):  # otherwise half a message waits 40 ms for an acknowledgement
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._through.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
