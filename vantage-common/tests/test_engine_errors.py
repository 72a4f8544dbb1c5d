"""What the caller learns from an error of the engine."""

import pytest
from vantage_common.errors import QueryTimeout, StoreRejected, StoreUnavailable, UserError, VantageError
from vantage_common.store.engine_errors import insert_error, query_error, short_message


def engine(code: int, text: str) -> Exception:
    return RuntimeError(f"Code: {code}. DB::Exception: {text} (version 26.9.2.1)")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (engine(53, "Type mismatch in IN or VALUES section. (TYPE_MISMATCH)"), StoreRejected),
        (engine(252, "Too many partitions for single INSERT block (more than 100)."), StoreRejected),
        (engine(252, "Too many parts (3000). Merges are processing significantly slower"), StoreUnavailable),
        (engine(241, "(total) memory limit exceeded"), StoreUnavailable),
        (engine(243, "Cannot reserve 1.00 MiB, not enough space."), StoreUnavailable),
        (engine(60, "Table vantage.metrics does not exist."), StoreUnavailable),
        (engine(99999, "something new"), StoreUnavailable),
        (ConnectionError("connection refused"), StoreUnavailable),
    ],
)
def test_only_the_rows_own_fault_rejects_them(error: Exception, kind: type[VantageError]) -> None:
    assert type(insert_error(error)) is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (engine(159, "Timeout exceeded: elapsed 30.1 seconds"), QueryTimeout),
        (engine(394, "Query was cancelled"), QueryTimeout),
        (engine(241, "Query memory limit exceeded: would use 1.01 GiB"), UserError),
        (engine(241, "(total) memory limit exceeded: would use 1.50 GiB"), StoreUnavailable),
        (engine(386, "There is no supertype for types String, Float64"), UserError),
        (engine(60, "Table vantage.metrics does not exist."), StoreUnavailable),
        (OSError("connection reset"), StoreUnavailable),
    ],
)
def test_a_question_fails_by_its_own_fault_its_size_or_the_store(error: Exception, kind: type[VantageError]) -> None:
    assert type(query_error(error)) is kind


def test_a_message_is_one_short_line_without_the_engines_own() -> None:
    error = engine(
        386, "There is no supertype\nfor types String, Float64: while executing 'FUNCTION equals'. (NO_COMMON_TYPE)"
    )
    assert short_message(error) == "There is no supertype for types String, Float64"
