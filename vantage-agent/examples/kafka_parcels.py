"""Parcels over Kafka (confluent-kafka): `dispatch` sends them, `courier` delivers them; see README.md."""

from __future__ import annotations

import argparse
import json
import logging
import time

from vantage_agent import continue_trace, init_agent, record_metric, span

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("service", choices=["dispatch", "courier"])
arguments.add_argument("--broker", default="localhost:9092")
arguments.add_argument("--topic", default="parcels")
arguments.add_argument("--rate", type=float, default=5, help="parcels a second")
arguments.add_argument("--number", type=int, default=300, help="of parcels")
arguments.add_argument("--collector", default="http://localhost:8000")
options = arguments.parse_args()

# Before the import below: classes that are imported by name stay what they were.
init_agent(service_name=options.service, collector_url=options.collector, tags={"namespace": "shop"})

from confluent_kafka import Consumer, Producer

log = logging.getLogger(options.service)


def dispatch() -> None:
    producer = Producer({"bootstrap.servers": options.broker})
    for parcel in range(options.number):
        with span("pack", parcel=parcel):
            producer.produce(options.topic, json.dumps({"parcel": parcel}))
        producer.poll(0)
        time.sleep(1 / options.rate)
    producer.flush(10)


def courier() -> None:
    consumer = Consumer({"bootstrap.servers": options.broker, "group.id": "couriers", "auto.offset.reset": "earliest"})
    consumer.subscribe([options.topic])
    while True:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            log.error("the broker says: %s", message.error())
            continue
        # The loop is ours, so only we know when a message is done with.
        with (
            continue_trace(message.headers()),
            span("deliver", parcel=json.loads(message.value() or b"{}").get("parcel")),
        ):
            record_metric("parcels.delivered", 1, "counter")


if __name__ == "__main__":
    courier() if options.service == "courier" else dispatch()
