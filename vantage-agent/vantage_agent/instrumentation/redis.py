"""redis-py, sync and asyncio: commands by their names, and pipelines and transactions as one operation each."""

from __future__ import annotations

import functools
from contextlib import suppress
from typing import Any, Dict, Optional, Union

from vantage_agent.context import CURRENT
from vantage_agent.fold import OTHER
from vantage_agent.instrumentation.databases import Database, Place, Recording, database_of, number_of
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.recorder import Recorder
from vantage_agent.records import Target

NAMES = 400
NAME_LIMIT = 30
# Commands whose second word says what is done; with all others the second is a key.
_WORDS = (
    "ACL CLIENT CLUSTER COMMAND CONFIG DEBUG FUNCTION LATENCY MEMORY MODULE OBJECT PUBSUB SCRIPT SENTINEL SLOWLOG "
    "XGROUP XINFO"
)
_CONTAINERS = frozenset(_WORDS.split())
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")

_names: Dict[Union[str, bytes], str] = {}


def install_sync(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    recording = Recording(recorder, "redis")
    patcher.wrap(module.Redis, "execute_command", recording.call(_command))
    patcher.wrap(module.Pipeline, "immediate_execute_command", recording.call(_command))
    patcher.wrap(module.Pipeline, "execute", recording.call(_pipeline))


def install_kombu(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    """Celery's transport: what it does of its own accord (polling, heartbeats, clearing up) is nobody's request."""

    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def _get_pool(self: Any, *args: Any, **kwargs: Any) -> Any:
            pool = original(self, *args, **kwargs)
            with suppress(AttributeError):
                pool._vantage_transport = True
            return pool

        return _get_pool

    patcher.wrap(module.Channel, "_get_pool", wrap)
    patcher.wrap(module.SentinelChannel, "_get_pool", wrap)


def install_async(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    recording = Recording(recorder, "redis")
    patcher.wrap(module.Redis, "execute_command", recording.coroutine(_command))
    patcher.wrap(module.Pipeline, "immediate_execute_command", recording.coroutine(_command))
    patcher.wrap(module.Pipeline, "execute", recording.coroutine(_pipeline))


def install_cluster(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    recording = Recording(recorder, "redis")
    patcher.wrap(module.RedisCluster, "execute_command", recording.call(_cluster_command))
    patcher.wrap(module.ClusterPipeline, "execute", recording.call(_cluster_pipeline))


def install_async_cluster(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    recording = Recording(recorder, "redis")
    patcher.wrap(module.RedisCluster, "execute_command", recording.coroutine(_cluster_command))
    patcher.wrap(module.ClusterPipeline, "execute", recording.coroutine(_cluster_pipeline))


def name_of(command: Any) -> str:
    """A command's name without what may follow it in the same text: `GET`, `CONFIG SET`, `_OTHER`."""
    try:
        return _names.get(command) or _name(command)
    except TypeError:
        return OTHER


def _name(command: Union[str, bytes]) -> str:
    text = command.decode("latin-1") if isinstance(command, bytes) else command
    words = text[: 3 * NAME_LIMIT].upper().split(None, 2)
    length = 2 if len(words) > 1 and words[0] in _CONTAINERS else 1
    if not words or not all(_is_name(word) for word in words[:length]):
        return OTHER
    name = " ".join(words[:length])
    # What follows the name may be anything: then this text is none to remember.
    key = command if len(words) == length else name
    return OTHER if key not in _names and len(_names) >= NAMES else _names.setdefault(key, name)


def _is_name(word: str) -> bool:
    """Module commands have a dot in them (JSON.GET), a few others an underscore or a hyphen."""
    return len(word) <= NAME_LIMIT and word.isascii() and word[0].isalpha() and not set(word) - _LETTERS


def _command(client: Any, *args: Any, **options: Any) -> Optional[Target]:
    # Without a command: redis-py is about to say so.
    if not args or _is_transports_own(client):
        return None
    return _database(client).command(name_of(args[0]))


def _pipeline(pipeline: Any, *args: Any, **kwargs: Any) -> Optional[Target]:
    if not pipeline.command_stack and not pipeline.watching:
        # Nothing is sent.
        return None
    if _is_transports_own(pipeline):
        return None
    transaction = getattr(pipeline, "transaction", None)
    if not isinstance(transaction, bool):
        # The asyncio class has a method of that name.
        transaction = pipeline.is_transaction
    return _database(pipeline).command("MULTI" if transaction or pipeline.explicit_transaction else "PIPELINE")


def _is_transports_own(client: Any) -> bool:
    """Whether kombu uses a client outside of any request or task."""
    return hasattr(client.connection_pool, "_vantage_transport") and CURRENT.get() is None


def _database(client: Any) -> Database:
    return database_of(client.connection_pool, _describe)


def _describe(pool: Any) -> Place:
    given = pool.connection_kwargs
    path = given.get("path")
    # Where a Sentinel is asked for the address there is none until it has answered.
    address = path or given.get("host") or getattr(pool, "service_name", None)
    port = None if path or not given.get("host") else number_of(given.get("port", 6379))
    return "redis", str(given.get("db") or 0), address, port


def _cluster_command(cluster: Any, *args: Any, **kwargs: Any) -> Optional[Target]:
    return database_of(cluster.nodes_manager, _describe_cluster).command(name_of(args[0])) if args else None


def _cluster_pipeline(pipeline: Any, *args: Any, **kwargs: Any) -> Target:
    # The asyncio class has its cluster by another name before redis-py 6, the sync one is a cluster itself.
    cluster = getattr(pipeline, "cluster_client", None) or getattr(pipeline, "_client", pipeline)
    return database_of(cluster.nodes_manager, _describe_cluster).command("PIPELINE")


def _describe_cluster(nodes: Any) -> Place:
    """A cluster goes by the first of the nodes it was given: which one answers is its own business."""
    first = next(iter(nodes.startup_nodes.values()))
    return "redis", None, first.host, number_of(first.port)
