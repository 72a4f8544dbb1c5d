"""The `vantage` command: up, demo, simulate, query, migrate, mcp, doctor."""

import asyncio
import csv
import json
import signal
import sys
import webbrowser
from enum import StrEnum
from typing import Annotated, Any, Final

import typer
from vantage_common import __version__
from vantage_common.errors import VantageError
from vantage_common.settings import Settings, load_settings

from vantage_cli.paths import url
from vantage_cli.supervisor import tell, up

app = typer.Typer(help="Vantage: your running system as a place.", no_args_is_help=True, pretty_exceptions_enable=False)

_UNBOUNDED: Final = 100_000


class Format(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"


def run() -> None:
    """Entry point: what a person must mend is one line on stderr and exit status 1."""
    try:
        app()
    except VantageError as error:
        sys.stderr.write(f"vantage: {error}\n")
        raise SystemExit(1) from None


@app.command("up")
def up_command() -> None:
    """Start the whole platform embedded on this machine, until Ctrl-C."""
    up(tell, with_simulator=False, when_ready=lambda settings: _announce(settings, open_browser=False))


@app.command()
def demo(
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="open the city in a browser")] = True,
) -> None:
    """`up` plus a simulated fleet of 30 services, so that the city is alive at once."""
    up(
        tell,
        with_simulator=True,
        when_ready=lambda settings: _announce(settings, open_browser=open_browser and sys.stdout.isatty()),
    )


def _announce(settings: Settings, *, open_browser: bool) -> None:
    city = url(_shown(settings.dashboard_host), settings.dashboard_port)
    tell("")
    tell(f"  city       {city}")
    collector = url(_shown(settings.collector_host), settings.collector_port)
    tell(f"  collector  {collector}   (send data here{_grpc(settings)})")
    tell(f"  API        {url(_shown(settings.query_host), settings.query_port)}   (docs at /docs)")
    tell("")
    tell(f"Vantage {__version__} is ready. Data in {settings.data_dir.resolve()}; Ctrl-C stops it.")
    if open_browser:
        webbrowser.open(city)


def _grpc(settings: Settings) -> str:
    return f"; OTLP over gRPC on port {settings.otlp_grpc_port}" if settings.otlp_grpc_port else ""


def _shown(host: str) -> str:
    return "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host


@app.command()
def simulate(
    services: Annotated[int, typer.Option(min=1, max=500, help="services in the fleet")] = 30,
    seed: Annotated[int, typer.Option(help="the same seed tells the same story")] = 42,
    rps: Annotated[float, typer.Option(min=0.01, help="factor on the fleet's traffic")] = 1.0,
    flush: Annotated[float, typer.Option(min=0.2, help="seconds between an instance's batches")] = 2.0,
    duration: Annotated[float | None, typer.Option(help="seconds; without it until Ctrl-C")] = None,
    collector_url: Annotated[str | None, typer.Option(help="default: the configured collector")] = None,
) -> None:
    """Send the traffic of a seeded fleet that scales, deploys, fails and logs, over plain HTTP."""
    from vantage_common.clock import SystemClock

    from vantage_cli.simulate.run import simulate as run_simulation

    settings = load_settings()
    target = collector_url or url(settings.collector_host, settings.collector_port)
    key = settings.api_key.get_secret_value() if settings.api_key else None

    async def until_stopped() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await run_simulation(
            target,
            services=services,
            seed=seed,
            rps_factor=rps,
            flush_s=flush,
            api_key=key,
            duration_s=duration,
            clock=SystemClock(),
            stop=stop,
            report=tell,
        )

    asyncio.run(until_stopped())


@app.command()
def query(
    vql: Annotated[str, typer.Argument(help="a VQL statement")],
    output: Annotated[Format, typer.Option("--format", "-f")] = Format.table,
    api_url: Annotated[str | None, typer.Option(help="default: the configured API")] = None,
) -> None:
    """Run one VQL query against the API."""
    settings = load_settings()
    key = settings.api_key.get_secret_value() if settings.api_key else None
    print_answer(ask(api_url or query_url(settings), vql, key), output)


def query_url(settings: Settings) -> str:
    """Where the query API is, as configured."""
    return settings.query_url or url(settings.query_host, settings.query_port)


def ask(api_url: str, vql: str, key: str | None) -> dict[str, Any]:
    """The API's answer. Raises VantageError with what to tell the user."""
    import httpx

    headers = {"X-API-Key": key} if key else {}
    try:
        response = httpx.post(f"{api_url}/vql/execute", json={"query": vql}, headers=headers, timeout=40)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise VantageError(f"no answer from the API at {api_url} ({error}): is `vantage up` running?") from None
    try:
        body = response.json()
    except ValueError:
        body = None
    match body:
        case {"error": {"message": str()} as error}:
            raise VantageError(user_error(vql, error))
        case {"columns": list(), "rows": list()}:
            answer: dict[str, Any] = body
            return answer
        case _:
            raise VantageError(
                f"what answers at {api_url} (status {response.status_code}) is not the Vantage query API: "
                "check VANTAGE_QUERY_PORT or --api-url"
            )


def user_error(vql: str, error: dict[str, Any]) -> str:
    """The message, the line of the query with a caret under the place, and the hint."""
    from rich.cells import cell_len

    lines = [error["message"]]
    if (position := error.get("position")) is not None and vql.strip():
        before = vql[:position].rpartition("\n")[2]
        after = vql[position:].partition("\n")[0]
        lines += [f"  {before}{after}", f"  {' ' * cell_len(before)}^"]
    if error.get("hint"):
        lines.append(f"hint: {error['hint']}")
    return "\n".join(lines)


def print_answer(body: dict[str, Any], output: Format) -> None:
    """An answer of /vql/execute on stdout. Only a terminal bounds the width of a table: a file gets all of it."""
    names = [column["name"] for column in body["columns"]]
    if output is Format.json:
        tell(json.dumps([dict(zip(names, row, strict=True)) for row in body["rows"]]))
    elif output is Format.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_plain(value) for value in row] for row in body["rows"])
    else:
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Column, Table

        table = Table(*(Column(escape(_cell(name)), overflow="fold") for name in names))
        for row in body["rows"]:
            table.add_row(*(escape(_cell(value)) for value in row))
        Console(width=None if sys.stdout.isatty() else _UNBOUNDED).print(table)
        count = body["row_count"]
        tell(f"{count} {'row' if count == 1 else 'rows'} in {body['elapsed_ms']:.0f} ms from {body['source']}")


def _plain(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _cell(value: object) -> str:
    """Text safe for a terminal: what a name contains never moves the cursor."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


@app.command()
def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be run, and run nothing")] = False,
) -> None:
    """Bring the store's tables up to date, as the worker does when it starts."""
    from vantage_cli.migrate import migrate_store

    asyncio.run(migrate_store(load_settings(), tell, dry_run=dry_run))


@app.command()
def mcp(
    api_url: Annotated[str | None, typer.Option("--url", help="of the API; default: the configured one")] = None,
    api_key: Annotated[
        str | None, typer.Option(help="default: VANTAGE_API_KEY, which no other program can see")
    ] = None,
    http: Annotated[int | None, typer.Option(min=1, max=65535, help="serve HTTP on loopback instead of stdio")] = None,
) -> None:
    """Answer the questions of language models (MCP) about what the API knows."""
    from vantage_cli.mcp.run import serve

    settings = load_settings()
    configured = settings.api_key.get_secret_value() if settings.api_key else None
    asyncio.run(serve(api_url or query_url(settings), api_key or configured, http))


@app.command()
def doctor() -> None:
    """Check settings, data directory, dashboard, broker, store, services and clock; say how to mend what is wrong."""
    from vantage_cli.doctor import examine

    findings = asyncio.run(examine(load_settings()))
    for finding in findings:
        tell(f"{'ok  ' if finding.well else 'FAIL'}  {finding.what}: {finding.detail}")
    if not all(finding.well for finding in findings):
        raise SystemExit(1)
