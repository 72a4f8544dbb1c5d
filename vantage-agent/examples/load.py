"""Customers for the example shop: a steady mix of browsing, mistyped links and checkouts."""

from __future__ import annotations

import argparse
import collections
import json
import random
import threading
import time
import urllib.error
import urllib.request
from typing import Counter, Dict, Optional


def call(url: str, body: Optional[Dict[str, object]] = None) -> int:
    """GET, or POST where there is a body; the status, or 0 where nobody answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def visit(shop: str) -> int:
    product = random.randint(1, 20)
    choice = random.random()
    if choice < 0.25:
        return call(f"{shop}/products")
    if choice < 0.75:
        return call(f"{shop}/products/{product}")
    if choice < 0.78:
        return call(f"{shop}/products/{product}00")
    return call(f"{shop}/checkout", {"product": product, "quantity": random.randint(1, 3)})


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--shop", default="http://127.0.0.1:7001")
    arguments.add_argument("--inventory", default="http://127.0.0.1:7002")
    arguments.add_argument("--rate", type=float, default=20, help="visits a second")
    arguments.add_argument("--seconds", type=float, default=60)
    arguments.add_argument("--failure-rate", type=float, help="first set the share of failing inventory look-ups")
    options = arguments.parse_args()
    while not (call(f"{options.shop}/products") and call(f"{options.inventory}/stock")):
        print("waiting for the shop …")
        time.sleep(1)
    if options.failure_rate is not None:
        call(f"{options.inventory}/admin/failure-rate", {"rate": options.failure_rate})
    statuses: Counter[int] = collections.Counter()
    until = time.monotonic() + options.seconds
    workers = 8

    def customer() -> None:
        while time.monotonic() < until:
            statuses[visit(options.shop)] += 1
            time.sleep(random.expovariate(options.rate / workers))

    threads = [threading.Thread(target=customer) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("answers by status:", dict(sorted(statuses.items())))


if __name__ == "__main__":
    main()
