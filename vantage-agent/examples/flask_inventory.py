"""An inventory service (Flask) to watch with Vantage. Part of the two-service shop; see README.md."""

from __future__ import annotations

import argparse
import logging
import random
import time
from typing import Any, Dict, Tuple

from vantage_agent import init_agent, record_metric, span

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--port", type=int, default=7002)
arguments.add_argument("--collector", default="http://localhost:8000")
options = arguments.parse_args()

init_agent(service_name="inventory", collector_url=options.collector, tags={"namespace": "shop"})

from flask import Flask, jsonify, request

log = logging.getLogger("inventory")
app = Flask("inventory")

STOCK = {product: 20 + 7 * product for product in range(1, 21)}
failures: Dict[str, float] = {"rate": 0.0}


class StorageError(RuntimeError):
    """What the failing share of requests runs into."""


def read_storage(product: int) -> int:
    """Pretend to look something up: a few milliseconds, and the failures that were asked for."""
    with span("storage.read", product=product):
        time.sleep(random.lognormvariate(-5.8, 0.5))
        if random.random() < failures["rate"]:
            raise StorageError("the storage did not answer")
        return STOCK[product]


@app.get("/stock")
def all_stock() -> Any:
    return jsonify({str(product): level for product, level in STOCK.items()})


@app.get("/stock/<int:product>")
def stock(product: int) -> Any:
    if product not in STOCK:
        return jsonify(error="no such product"), 404
    return jsonify(product=product, level=read_storage(product))


@app.post("/reservations")
def reserve() -> Tuple[Any, int]:
    order: Dict[str, int] = request.get_json()
    product, quantity = order["product"], order["quantity"]
    level = read_storage(product)
    if level < quantity:
        log.warning("product %s is sold out, restocking", product)
        STOCK[product] = 100
        return jsonify(error="sold out"), 409
    STOCK[product] = level - quantity
    record_metric("inventory.level", STOCK[product], tags={"product": str(product)})
    return jsonify(product=product, left=STOCK[product]), 201


@app.post("/admin/failure-rate")
def failure_rate() -> Any:
    """{"rate": 0.3} makes three of ten look-ups fail with a 500."""
    failures["rate"] = min(1.0, max(0.0, float(request.get_json()["rate"])))
    log.warning("failure rate is now %.0f %%", failures["rate"] * 100)
    return jsonify(failures)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    app.run(port=options.port, threaded=True)
