"""A storefront (FastAPI) that calls the inventory over httpx and requests. Part of the shop; see README.md."""

from __future__ import annotations

import argparse
import logging
from typing import Any, Dict, List

from vantage_agent import init_agent, record_metric, span

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--port", type=int, default=7001)
arguments.add_argument("--inventory", default="http://127.0.0.1:7002")
arguments.add_argument("--collector", default="http://localhost:8000")
options = arguments.parse_args()

init_agent(service_name="storefront", collector_url=options.collector, tags={"namespace": "shop"})

import httpx
import requests
import uvicorn
from fastapi import APIRouter, FastAPI, HTTPException
from pydantic import BaseModel

log = logging.getLogger("storefront")
app = FastAPI(title="storefront")
orders = APIRouter(prefix="/checkout")
inventory = httpx.AsyncClient(base_url=options.inventory, timeout=5)
session = requests.Session()

PRODUCTS: Dict[int, Dict[str, Any]] = {
    number: {"id": number, "name": f"Tea no. {number}", "price": 3.5 + number / 4} for number in range(1, 21)
}


class Order(BaseModel):
    """What a customer wants."""

    product: int
    quantity: int = 1


@app.get("/products")
async def products() -> List[Dict[str, Any]]:
    return list(PRODUCTS.values())


@app.get("/products/{product}")
async def product_page(product: int) -> Dict[str, Any]:
    if product not in PRODUCTS:
        raise HTTPException(404, "no such product")
    answer = await inventory.get(f"/stock/{product}")
    if answer.is_error:
        log.error("inventory answered %s for product %s", answer.status_code, product)
        raise HTTPException(502, "the inventory does not answer")
    return {**PRODUCTS[product], "stock": answer.json()["level"]}


@orders.post("")
def checkout(order: Order) -> Dict[str, Any]:
    """A plain function: FastAPI runs it in a thread, where the trace goes along."""
    if order.product not in PRODUCTS:
        raise HTTPException(404, "no such product")
    total = price(order)
    answer = session.post(f"{options.inventory}/reservations", json=order.model_dump(), timeout=5)
    if answer.status_code == 409:
        raise HTTPException(409, "sold out")
    if not answer.ok:
        log.error("the reservation failed with %s", answer.status_code)
        raise HTTPException(502, "the inventory does not answer")
    record_metric("checkout.total", total, "histogram")
    return {"total": total, "left": answer.json()["left"]}


@span("price")
def price(order: Order) -> float:
    amount: float = PRODUCTS[order.product]["price"] * order.quantity
    return round(amount, 2)


app.include_router(orders)

if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    uvicorn.run(app, port=options.port, log_level="warning")
