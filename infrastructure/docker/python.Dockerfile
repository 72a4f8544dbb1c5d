# The collector, the worker and the API: one build, three targets. Context: the repository root.

FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
# The locked packages change rarely: a layer of their own.
COPY requirements.txt /src/
RUN pip install --require-hashes --requirement /src/requirements.txt
COPY vantage-common /src/vantage-common
COPY vantage-collector /src/vantage-collector
COPY vantage-worker /src/vantage-worker
COPY vantage-api /src/vantage-api
RUN pip install --no-deps --no-build-isolation \
      /src/vantage-common /src/vantage-collector /src/vantage-worker /src/vantage-api

FROM python:3.11-slim AS service
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin vantage
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /tmp
USER 10001
STOPSIGNAL SIGTERM

FROM service AS collector
EXPOSE 8000 4317
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=10 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/ready', timeout=2)"]
CMD ["python", "-m", "vantage_collector"]

FROM service AS worker
EXPOSE 9092
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=10 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9092/ready', timeout=2)"]
CMD ["python", "-m", "vantage_worker"]

FROM service AS api
EXPOSE 5000 9091
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=10 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:5000/health', timeout=2)"]
CMD ["python", "-m", "vantage_api"]
