"""Inserts blocks of a hundred rows into an embedded store and prints the number acknowledged, until it is killed."""

import asyncio
import sys
from pathlib import Path

from vantage_common.settings import load_settings
from vantage_common.store.open import open_store

from tests.contract.store_rows import NOON_MS, block, rows_of

ROWS_A_BLOCK = 100
ITEM = {"service_name": "s", "metric_name": "m", "metric_type": "gauge", "value": 1.0}


async def insert_for_ever(data_dir: Path, engine: str) -> None:
    store = open_store(load_settings(data_dir=data_dir, store=engine, retention_raw_days=3650))
    await store.admin.migrate()
    number = 0
    while True:
        rows = rows_of("metrics", [{**ITEM, "timestamp": NOON_MS + i} for i in range(ROWS_A_BLOCK)])
        await store.writer.insert("metrics", block("metrics", rows, offset=number), token=f"t{number}")
        number += 1
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(insert_for_ever(Path(sys.argv[1]), sys.argv[2]))
