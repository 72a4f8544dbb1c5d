"""Orders (aiohttp) kept in a database (SQLAlchemy) and confirmed by a Celery worker; see README.md."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any, Dict, Optional

from vantage_agent import init_agent, record_metric, span

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--port", type=int, default=7003)
arguments.add_argument("--collector", default="http://localhost:8000")
arguments.add_argument("--database", default="sqlite:///orders.db", help="any URL of SQLAlchemy")
arguments.add_argument("--broker", help="Celery's, like redis://localhost:6379/0; without one nothing is confirmed")
options = arguments.parse_args()

init_agent(service_name="orders", collector_url=options.collector, tags={"namespace": "shop"})

from aiohttp import web
from celery import Celery
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Table(DeclarativeBase):
    """What SQLAlchemy wants to have its tables below."""


class Order(Table):
    """One line of an order book."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    product: Mapped[int]
    quantity: Mapped[int]


engine = create_engine(options.database)
tasks = Celery("orders", broker=options.broker) if options.broker else None
routes = web.RouteTableDef()


def store(product: int, quantity: int) -> int:
    """Number of the order."""
    with Session(engine) as session:
        order = Order(product=product, quantity=quantity)
        session.add(order)
        session.commit()
        return order.id


def find(number: int) -> Optional[Dict[str, int]]:
    with Session(engine) as session:
        order = session.get(Order, number)
        return None if order is None else {"product": order.product, "quantity": order.quantity}


def confirm(number: int) -> None:
    if tasks is not None:
        tasks.send_task("confirm", args=[number])


@routes.post("/orders")
async def place(request: web.Request) -> web.Response:
    wanted: Dict[str, Any] = await request.json()
    with span("place", product=wanted["product"]):
        number = await asyncio.to_thread(store, int(wanted["product"]), int(wanted["quantity"]))
        await asyncio.to_thread(confirm, number)
    record_metric("orders.placed", 1, "counter")
    return web.json_response({"order": number}, status=201)


@routes.get("/orders/{number}")
async def look_up(request: web.Request) -> web.Response:
    order = await asyncio.to_thread(find, int(request.match_info["number"]))
    if order is None:
        raise web.HTTPNotFound
    return web.json_response(order)


if __name__ == "__main__":
    Table.metadata.create_all(engine)
    app = web.Application()
    app.add_routes(routes)
    web.run_app(app, host="127.0.0.1", port=options.port, print=None)
