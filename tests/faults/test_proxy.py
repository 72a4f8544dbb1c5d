"""What the proxy does to an insert on its way to the store, and back."""

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.faults.proxy import Proxy
from tests.waiting import eventually

INSERT = "/?query=INSERT+INTO+%60d%60.%60t%60+FORMAT+Native&insert_deduplication_token=7%3A0%3A5"


class Store(ThreadingHTTPServer):
    """Notes the bodies it was sent whole."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[bytes] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        assert isinstance(self.server, Store)
        body = self.rfile.read(int(self.headers["content-length"]))
        if len(body) == int(self.headers["content-length"]):
            self.server.bodies.append(body)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def store() -> Iterator[Store]:
    server = Store()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(store: Store) -> Iterator[Proxy]:
    with Proxy(store.server_port) as running:
        yield running


def post(proxy: Proxy, path: str = INSERT) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    try:
        connection.request("POST", path, b"rows")
        return connection.getresponse().status
    finally:
        connection.close()


def test_an_insert_passes_and_its_token_is_noted(proxy: Proxy, store: Store) -> None:
    assert post(proxy) == 200
    assert (store.bodies, proxy.tokens) == ([b"rows"], ["7:0:5"])


def test_a_cut_reply_is_that_of_an_insert_that_took_place(proxy: Proxy, store: Store) -> None:
    proxy.replies_to_cut = 1
    assert post(proxy, "/?query=SELECT+1") == 200
    with pytest.raises((http.client.HTTPException, OSError)):
        post(proxy)
    assert store.bodies == [b"rows", b"rows"]
    assert post(proxy) == 200


def test_a_held_insert_is_done_only_when_it_is_let_go(proxy: Proxy, store: Store) -> None:
    held = proxy.hold_next_insert()
    sender = threading.Thread(target=post, args=(proxy,))
    sender.start()
    assert held.seen.wait(10)
    assert post(proxy) == 200, "another insert passes meanwhile"
    assert store.bodies == [b"rows"]
    held.let_go()
    sender.join(10)
    assert store.bodies == [b"rows", b"rows"]


def test_a_dropped_insert_never_takes_place(proxy: Proxy, store: Store) -> None:
    held = proxy.hold_next_insert()
    failures: list[BaseException] = []

    def send() -> None:
        try:
            post(proxy)
        except (http.client.HTTPException, OSError) as error:
            failures.append(error)

    sender = threading.Thread(target=send)
    sender.start()
    assert held.seen.wait(10)
    held.drop()
    sender.join(10)
    eventually(lambda: failures, what="the sender hears of it")
    assert store.bodies == []
