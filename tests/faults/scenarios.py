"""The faults. Each is done to a cluster under load; what it did to the data is judged by its caller."""

import base64
import json
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
from confluent_kafka import Consumer
from vantage_common.bus.api import DEAD_LETTER, METRICS_RAW

from tests.faults.cluster import QUICK, Cluster
from tests.faults.load import BATCH_EVENTS, Load, service_of
from tests.faults.oracle import ACKNOWLEDGED
from tests.faults.process import KillAtRename, NoStrace
from tests.faults.proxy import Held
from tests.faults.report import Skipped, Told
from tests.waiting import eventually


@dataclass(frozen=True, slots=True)
class Size:
    """How much of it all: a few minutes of `make test`, or the fifteen of `make faults`."""

    kills: int
    kill_for_s: float
    """Fewer are killed on a machine that is too busy for so many in this time; the table tells the number."""
    renames: int
    rounds: int
    store_down_s: float
    slow_s: float
    shipped_probe: bool
    """The store's outage is met with the breaker that users have."""


FULL = Size(kills=50, kill_for_s=330, renames=6, rounds=1, store_down_s=300, slow_s=20, shipped_probe=True)
SHORT = Size(kills=2, kill_for_s=60, renames=2, rounds=1, store_down_s=5, slow_s=3, shipped_probe=False)
FROZEN_S = 8.0
"""Longer than the collector waits for the broker's word."""


Scenario = Callable[[Cluster, Load, Size], Told]


def kill_collector_and_worker(cluster: Cluster, load: Load, size: Size) -> Told:
    """At random moments: most find the one before not yet recovered from."""
    rng = random.Random(1)
    told = Told()
    until = time.monotonic() + size.kill_for_s
    for number in range(size.kills):
        if time.monotonic() > until:
            told.note = f"{size.kills} were planned"
            break
        for service in (cluster.worker, cluster.collector):
            time.sleep(rng.uniform(0, 4.0 if service is cluster.worker else 0.5))
            service.kill()
            cluster.start(service)
            if number % 10 == 0:
                told.recoveries_s.append(load.recovery_s(cluster.is_stored))
        told.times += 1
    return told


def zombie(cluster: Cluster, load: Load, size: Size) -> Told:
    """A worker stops with half an insert sent; a successor does its work; then the zombie sends the other half."""
    told = Told()
    for _ in range(size.rounds):
        frozen = cluster.worker
        held = cluster.proxy.hold_next_insert()
        assert held.seen.wait(20), "no insert came by"
        frozen.signal(signal.SIGSTOP)
        cluster.new_worker()
        begun = time.monotonic()
        cluster.caught_up(load)
        told.recoveries_s.append(time.monotonic() - begun)
        held.let_go()
        frozen.signal(signal.SIGCONT)
        assert held.passed.wait(20), "the zombie's insert has not been sent on"
        load.recovery_s(cluster.is_stored)
        cluster.retire(frozen)
        told.times += 1
    return told


def frozen_after_the_insert(cluster: Cluster, load: Load, size: Size) -> Told:
    """A worker stops while the store works; its insert has taken place, its commit comes after its successor's."""
    told = Told()
    for _ in range(size.rounds):
        frozen = cluster.worker
        held = cluster.proxy.hold_next_insert()
        assert held.seen.wait(20), "no insert came by"
        frozen.signal(signal.SIGSTOP)
        held.let_go()
        cluster.new_worker()
        begun = time.monotonic()
        cluster.caught_up(load)
        told.recoveries_s.append(time.monotonic() - begun)
        frozen.signal(signal.SIGCONT)
        load.recovery_s(cluster.is_stored)
        cluster.retire(frozen)
        told.times += 1
    return told


def kill_store_at_rename(cluster: Cluster, load: Load, size: Size) -> Told:
    """The engine has noted the insert's token and dies before the part has its name: every other time the worker dies
    with it, so that a successor has to find out from the intent."""
    told = Told()
    inserts = 0
    for number in range(size.renames):
        assert cluster.store.pid is not None
        try:
            killer = KillAtRename(cluster.store.pid, number % 3 + 1, cluster.directory / "strace.log")
        except NoStrace as error:
            raise Skipped(str(error)) from error
        renamed = killer.wait(30)
        assert renamed, "the engine renames nothing any more"
        inserts += renamed.startswith("tmp_insert")
        if number % 2 == 1:
            cluster.worker.kill()
            cluster.start(cluster.worker)
        cluster.store.kill()
        cluster.store.start()
        told.recoveries_s.append(load.recovery_s(cluster.is_stored))
        told.times += 1
    told.note = f"{inserts} at the part of an insert"
    return told


def broker_killed(cluster: Cluster, load: Load, size: Size) -> Told:
    told = Told()
    for _ in range(size.rounds):
        cluster.broker.kill()
        cluster.broker.start()
        told.recoveries_s.append(load.recovery_s(cluster.is_stored))
        told.times += 1
    return told


def broker_frozen(cluster: Cluster, load: Load, size: Size) -> Told:
    """Beyond the collector's deadline: what was told 503 may land later all the same."""
    told = Told()
    for _ in range(size.rounds):
        refused = cluster.oracle.answers["503"]
        cluster.broker.freeze()
        time.sleep(FROZEN_S)
        cluster.broker.thaw()
        told.recoveries_s.append(load.recovery_s(cluster.is_stored))
        assert cluster.oracle.answers["503"] > refused, "nobody was answered 503 while the broker was frozen"
        told.times += 1
    return told


def store_down(cluster: Cluster, load: Load, size: Size) -> Told:
    """The breaker opens, the worker stays in its group, and the backlog drains when the store is back."""
    if size.shipped_probe:
        cluster.replace_worker({"session_s": QUICK["session_s"]})
        load.recovery_s(cluster.is_stored)
    before = cluster.members()
    cluster.store.kill()
    begun = time.monotonic()
    eventually(lambda: cluster.health(cluster.worker)["breaker"] != "closed", within_s=60, what="the breaker opens")
    opened_s = time.monotonic() - begun
    time.sleep(max(0.0, size.store_down_s - opened_s))
    assert cluster.members() == before, "the worker has left its group"
    cluster.store.start()
    recovery_s = load.recovery_s(cluster.is_stored)
    eventually(lambda: cluster.health(cluster.worker)["breaker"] == "closed", within_s=30, what="the breaker closes")
    assert cluster.members() == before, "the worker has left its group"
    if size.shipped_probe:
        cluster.replace_worker()
    return Told(1, [recovery_s], f"breaker open after {opened_s:.0f} s, down {time.monotonic() - begun:.0f} s")


def store_slow(cluster: Cluster, load: Load, size: Size) -> Told:
    cluster.proxy.reply_delay_s = 2.0
    time.sleep(size.slow_s)
    cluster.proxy.reply_delay_s = 0.0
    return Told(1, [load.recovery_s(cluster.is_stored)])


def replies_lost(cluster: Cluster, load: Load, size: Size) -> Told:
    """The insert takes place, and its answer never arrives."""
    told = Told()
    for _ in range(size.rounds):
        cluster.proxy.replies_to_cut = 3
        eventually(lambda: cluster.proxy.replies_to_cut == 0, within_s=60, what="three answers were lost")
        told.recoveries_s.append(load.recovery_s(cluster.is_stored))
        told.times += 3
    return told


def store_disk_full(cluster: Cluster, load: Load, size: Size) -> Told:
    if not cluster.store_disk.can_be_filled:
        raise Skipped("no disk of a size of its own can be mounted here (not root)")
    told = Told()
    for _ in range(size.rounds):
        failed = cluster.failed_inserts(cluster.worker)
        cluster.store_disk.fill()
        _inserts_fail(cluster, failed + 3)
        cluster.store_disk.empty()
        told.recoveries_s.append(load.recovery_s(cluster.is_stored))
        told.times += 1
    return told


def broker_disk_full(cluster: Cluster, load: Load, size: Size) -> Told:
    """Kafka ends itself when it cannot write; somebody makes room and starts it again."""
    if not cluster.broker_disk.can_be_filled:
        raise Skipped("no disk of a size of its own can be mounted here (not root)")
    cluster.broker_disk.fill(spare_bytes=64 * 1024)
    refused = cluster.oracle.answers["503"]
    eventually(lambda: cluster.oracle.answers["503"] > refused, within_s=60, what="the collector answers 503")
    cluster.broker_disk.empty()
    cluster.broker.kill()
    cluster.broker.start()
    return Told(1, [load.recovery_s(cluster.is_stored)])


def scale(cluster: Cluster, load: Load, size: Size) -> Told:
    """From one worker to three, and back."""
    told = Told()
    for _ in range(size.rounds):
        begun = time.monotonic()
        more = [cluster.new_worker(), cluster.new_worker()]
        eventually(lambda: len(cluster.members()) == 3, within_s=60, what="three workers share the partitions")
        load.recovery_s(cluster.is_stored)
        told.recoveries_s.append(time.monotonic() - begun)
        begun = time.monotonic()
        for worker in more:
            cluster.retire(worker)
        load.recovery_s(cluster.is_stored)
        told.recoveries_s.append(time.monotonic() - begun)
        told.times += 1
    return told


def sigterm(cluster: Cluster, load: Load, size: Size) -> Told:
    """In the middle of a batch: both end with status 0."""
    told = Told()
    for number in range(size.rounds):
        for service in (cluster.worker, cluster.collector):
            time.sleep(0.3 * number)
            status = service.terminate()
            assert status == 0, f"{service.name} ended with {status} after SIGTERM:\n{service.said()}"
            cluster.start(service)
            told.recoveries_s.append(load.recovery_s(cluster.is_stored))
        told.times += 1
    return told


def poison(cluster: Cluster, load: Load, size: Size) -> Told:
    """Records that are no blocks, among good ones: they end as dead letters, and the others are stored."""
    bad = [*_poison(random.Random(2), 10 * size.rounds)]
    cluster.produce(METRICS_RAW, [(f"default\0{service_of(i)}".encode(), value) for i, value in enumerate(bad)])
    begun = time.monotonic()
    letters = _dead_letters(cluster, len(bad))
    missing = set(bad) - letters
    assert not missing, f"{len(missing)} of {len(bad)} poison records have no dead letter"
    assert not letters - set(bad), "a good record ended as a dead letter"
    return Told(len(bad), [time.monotonic() - begun], f"{len(bad)} dead letters")


def upgrade(cluster: Cluster, load: Load, size: Size) -> Told:
    """A worker dies between intent and insert; one with other batch limits, which reads blocks of the version before
    its own as well, must replay the very same range."""
    told = Told()
    for number in range(size.rounds):
        send_blocks_of_version_1(cluster, load, 20)
        held, planned = _held_insert_of_many(cluster)
        cluster.worker.kill()
        held.drop()
        limits = {"MIN_ROWS": 40, "LINGER_S": 0.5} if number % 2 == 0 else {"MIN_ROWS": 100_000, "LINGER_S": 3}
        before = len(cluster.proxy.tokens)
        cluster.replace_worker({**QUICK, **limits})
        told.recoveries_s.append(load.recovery_s(cluster.is_stored))
        replayed = _first_replay(cluster, planned[0], before)
        assert replayed == planned, f"planned {planned}, replayed {replayed}"
        told.times += 1
    cluster.replace_worker()
    return told


def _held_insert_of_many(cluster: Cluster) -> tuple[Held, tuple[str, int, int]]:
    """An insert of three records or more, stopped half-way, and its range: smaller limits would cut it."""
    for _ in range(50):
        held = cluster.proxy.hold_next_insert()
        assert held.seen.wait(20), "no insert came by"
        planned = range_of(cluster.proxy.tokens[-1])
        if planned[2] - planned[1] >= 3:
            return held, planned
        held.let_go()
    raise AssertionError("no insert of three records came by")


def _inserts_fail(cluster: Cluster, times: float) -> None:
    """Returns when the worker has failed at that many in all."""
    eventually(lambda: cluster.failed_inserts(cluster.worker) >= times, within_s=60, what="inserts fail")


def _first_replay(cluster: Cluster, source: str, seen: int) -> tuple[str, int, int]:
    """The first range of the source that is inserted after the `seen` inserts that went before."""

    def replays() -> list[tuple[str, int, int]]:
        return [found for found in map(range_of, cluster.proxy.tokens[seen:]) if found[0] == source]

    return eventually(replays, what="the range is replayed")[0]


def range_of(token: str) -> tuple[str, int, int]:
    """Source, first and next offset of the records an insert is made of."""
    source, start, end, *_ = token.split(":")
    return source, int(start), int(end)


def send_blocks_of_version_1(cluster: Cluster, load: Load, number: int) -> None:
    """As a collector of the release before this one wrote them."""
    for _ in range(number):
        batch = cluster.oracle.new_batch(load.run, "metrics", BATCH_EVENTS)
        services: dict[str, list[int]] = {}
        for event in range(batch.first, batch.end):
            services.setdefault(service_of(event), []).append(event)
        records = [
            (f"default\0{service}".encode(), _block_of_version_1(service, events))
            for service, events in services.items()
        ]
        cluster.produce(METRICS_RAW, records)
        cluster.oracle.heard(batch, ACKNOWLEDGED)


def _block_of_version_1(service: str, events: Sequence[int]) -> bytes:
    """Version 1, codec none: every column it knew, defaults too."""
    rows = len(events)
    text = ("environment", "instance", "endpoint", "method", "trace_id", "span_id")
    columns: dict[str, list[object]] = {
        "timestamp": [time.time_ns() // 1_000_000] * rows,
        "service_name": [service] * rows,
        "metric_name": ["event"] * rows,
        "metric_type": ["gauge"] * rows,
        "value": [float(event) for event in events],
        "count": [1] * rows,
        "status_code": [0] * rows,
        "tags": [{}] * rows,
        **{name: [""] * rows for name in text},
    }
    body = {"kind": "metrics", "workspace": "default", "service": service, "rows": rows, "columns": columns}
    packed = msgspec.msgpack.encode({**body, "batch_id": "", "part": 0})
    return bytes([1, 0]) + len(packed).to_bytes(4, "little") + packed


def _poison(rng: random.Random, number: int) -> Sequence[bytes]:
    """Noise, a block cut short, a wrong kind, a column of the wrong type, a lie about the size, and nothing at all."""
    good = _block_of_version_1("faulty-00", [1])
    makers: list[Callable[[], bytes]] = [
        lambda: rng.randbytes(rng.randint(7, 2000)),
        lambda: good[: rng.randint(7, len(good) - 1)],
        lambda: good.replace(b"kind\xa7metrics", b"kind\xa4logs") + rng.randbytes(2),
        lambda: good.replace(b"\xaametric_typ", b"\xaametric_tip") + rng.randbytes(2),
        lambda: bytes([1, 4]) + rng.randbytes(4) + good[6:],
        lambda: rng.randbytes(rng.randint(1, 5)),
    ]
    return [makers[i % len(makers)]() for i in range(number)]


def _dead_letters(cluster: Cluster, number: int) -> set[bytes]:
    """The distinct values among the dead letters, once there are `number` of them."""
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.broker.bootstrap,
            "group.id": f"oracle-{os.getpid()}",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([DEAD_LETTER])
    found: set[bytes] = set()

    def enough() -> bool:
        for message in consumer.consume(500, 1.0):
            if not message.error():
                found.add(base64.b64decode(json.loads(message.value() or b"")["value"]))
        return len(found) >= number

    try:
        eventually(enough, within_s=60, what=f"{number} dead letters")
    finally:
        consumer.close()
    return found


SCENARIOS: dict[str, Scenario] = {
    "kill -9 collector, worker": kill_collector_and_worker,
    "zombie: half an insert sent": zombie,
    "zombie: insert done": frozen_after_the_insert,
    "worker replaced after intent": upgrade,
    "store dies at a rename": kill_store_at_rename,
    "replies lost": replies_lost,
    "store slow": store_slow,
    "store's disk full": store_disk_full,
    "broker kill -9": broker_killed,
    "broker frozen": broker_frozen,
    "broker's disk full": broker_disk_full,
    "workers 1 → 3 → 1": scale,
    "SIGTERM in mid-batch": sigterm,
    "poison among good records": poison,
    "store down": store_down,
}

SHORT_NAMES = (
    "kill -9 collector, worker",
    "zombie: half an insert sent",
    "store dies at a rename",
    "replies lost",
    "store's disk full",
    "broker frozen",
    "poison among good records",
    "store down",
)
"""What `make test` has the time for."""
