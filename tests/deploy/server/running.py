"""A server on a free port of this machine, in a thread of the test's own process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from cifar_lab.deploy.bundle import read_bundle
from cifar_lab.deploy.classifier import Classifier
from cifar_lab.deploy.hosts import names_of
from cifar_lab.deploy.listening import address_of, listening
from cifar_lab.deploy.opening import open_bundle
from cifar_lab.deploy.server.app import Service
from cifar_lab.deploy.server.limits import Limits
from cifar_lab.deploy.server.serving import Server
from tests.deploy.bundles import a_bundle


class Gated:
    """A network that can be held up."""

    def __init__(self, classifier: Classifier) -> None:
        self.usage = classifier.usage
        self.far = classifier.far
        self.batches: list[int] = []
        self.open = threading.Event()
        self.open.set()
        self._logits = classifier.logits

    def logits(self, pixels: Any) -> Any:
        self.batches.append(len(pixels))
        assert self.open.wait(60)
        return self._logits(pixels)


@dataclass
class Running:
    """A server that runs, and what is needed to look at it."""

    address: str
    server: Server
    service: Service
    network: Gated
    classifier: Classifier
    thread: threading.Thread

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, trust_env=False, timeout=60)

    def healthy(self) -> bool:
        with self.client() as client:
            return client.get("/health").json()["status"] == "ok"


@contextmanager
def running(folder: Path, grace: float = 30, access_log: bool = False, **limits: Any) -> Iterator:
    """Serve a bundle's network with a grace and further limits; all ends with the context."""
    bundle = read_bundle(a_bundle(folder))
    classifier = open_bundle(bundle)
    network = Gated(classifier)
    listener = listening("127.0.0.1", [0])
    address, hosts = address_of(listener), names_of("127.0.0.1")
    service = Service(network, bundle.description, Limits(**limits), address, hosts)  # type: ignore[arg-type]
    server = Server(service, grace, access_log)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    found = Running(address, server, service, network, classifier, thread)
    try:
        until(lambda: server.started)
        yield found
    finally:
        network.open.set()
        if thread.is_alive():
            server.stop()
        thread.join(60)
        listener.close()
        assert not thread.is_alive()


def until(condition: Any, seconds: float = 30) -> None:
    """Wait for a condition."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.01)
