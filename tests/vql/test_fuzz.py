"""Whatever the text, VQL answers with a plan that can be rendered, or with a UserError that points into the text."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from vantage_api.vql import compile_vql, explain
from vantage_api.vql.parse import MAX_TEXT
from vantage_api.vql.print import print_plan
from vantage_common.errors import UserError
from vantage_common.store.render import render

from tests.contract.store_rows import NOON_MS
from tests.vql.conftest import compiled, load_cases

NOW_MS = NOON_MS + 3_600_000
QUERIES = [case["query"] for name in ("aggregates.yaml", "clauses.yaml") for case in load_cases(name)]
WORDS = sorted({word for query in QUERIES for word in query.replace("(", " ( ").replace(")", " ) ").split()})
SOUP = st.lists(
    st.sampled_from([*WORDS, "(", ")", "[", "]", ",", ";", "'", '"', "`", "--", "/*", "*/", "NOT", "{x:Int8}"])
)
TEXTS = st.one_of(st.text(), SOUP.map(" ".join), SOUP.map(lambda words: "SELECT value FROM metrics " + " ".join(words)))


def check(text: str) -> None:
    found = compiled(text, NOW_MS)
    if isinstance(found, UserError):
        assert found.code.startswith("vql_")
        assert found.status == 400
        assert found.position is not None
        assert 0 <= found.position <= len(text)
        assert found.hint
        return
    assert len(render(found, "vantage").sql) < 200 * (len(text) + 100)
    assert explain(found)["table"] == found.table


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS)
@example("SELECT " + "(" * 5000)
@example("SELECT " + "-" * 3 + " -" * 4000 + "1 FROM metrics")
@example("SELECT " + "NOT " * 2400 + "1 FROM metrics")
@example("SELECT " + "1+" * 4000 + "1 FROM metrics")
@example("SELECT value FROM metrics WHERE " + "value = 1 OR " * 700 + "value = 1")
@example("SELECT " + "a." * 4000 + "a FROM metrics")
@example("SELECT value FROM metrics WHERE value IN (" + "1," * 4000 + "1)")
@example("SELECT " + "value," * 1500 + "value FROM metrics")
@example("SELECT " + "CASE WHEN 1 THEN " * 400 + "1 FROM metrics")
@example("SELECT " + "if(1," * 1000 + "1 FROM metrics")
@example("SELECT value FROM metrics WHERE timestamp > 9" + "9" * 400)
@example("SELECT value FROM metrics WHERE timestamp > now() - INTERVAL 1" + "0" * 6000 + " DAY")
@example("SELECT 1" + "0" * 9000 + " FROM metrics")
@example("SELECT value FROM metrics SINCE 1" + "0" * 9000 + " DAY")
@example("\x00" * 9000)
@example("'" * 9999)
@example("SELECT 🙂 FROM metrics SINCE 🙂")
def test_any_text_gives_a_plan_or_a_user_error(text: str) -> None:
    check(text)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(QUERIES), st.data())
def test_a_mutated_query_gives_a_plan_or_a_user_error(query: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(query)))
    end = data.draw(st.integers(start, min(len(query), start + 8)))
    check(query[:start] + data.draw(st.text(max_size=6) | st.sampled_from(WORDS)) + query[end:])


def test_a_text_beyond_the_limit_is_not_even_read() -> None:
    with pytest.raises(UserError, match="at most 10000 characters"):
        compile_vql(" " * (MAX_TEXT + 1), "default", NOW_MS)


@pytest.mark.parametrize("query", [query for query in QUERIES if "rate(" not in query])
def test_a_printed_plan_compiles_to_itself(query: str) -> None:
    plan = compile_vql(query, "default", NOW_MS)
    assert compile_vql(print_plan(plan), "default", NOW_MS) == plan
