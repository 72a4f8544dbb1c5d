"""Where things lie: the built dashboard, the logs of `vantage up`, the services' addresses."""

from pathlib import Path

from vantage_common.errors import PermanentError
from vantage_common.settings import Settings


def find_dashboard(settings: Settings) -> Path:
    """The built dashboard: VANTAGE_DASHBOARD_DIR, else the checkout's. Raises PermanentError when it is not built."""
    checkout = Path(__file__).resolve().parents[2] / "vantage-dashboard" / "dist"
    directory = settings.dashboard_dir or checkout
    if not (directory / "index.html").is_file():
        raise PermanentError(
            f"no built dashboard in {directory}: run `make dashboard`, or set VANTAGE_DASHBOARD_DIR to a built one"
        )
    return directory


def log_path(data_dir: Path, child: str) -> Path:
    return data_dir / "logs" / f"{child}.log"


def url(host: str, port: int, path: str = "") -> str:
    """A service's address, with an IPv6 host in brackets."""
    return f"http://[{host}]:{port}{path}" if ":" in host else f"http://{host}:{port}{path}"
