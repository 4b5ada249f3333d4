FROM python:3.11-slim AS build
# uWSGI comes as source.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
RUN python -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements.txt

FROM python:3.11-slim
WORKDIR /service
COPY --from=build /venv /venv
COPY uwsgi.ini client.py ./
COPY migrations migrations
COPY app app
# Where the orders are unless DATABASE_URL says otherwise.
RUN useradd --system orders && install --directory --owner=orders instance
VOLUME /service/instance
USER orders
# On every address: it starts only with API_KEYS, or with ALLOW_ANONYMOUS=1.
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 PORT=8000
EXPOSE 8000
# A drain takes up to 30 s: `docker stop --time 40`.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import http.client, os; ask = http.client.HTTPConnection('127.0.0.1', os.environ['PORT'], timeout=4); ask.request('GET', '/healthz'); exit(ask.getresponse().status != 200)"]
ENTRYPOINT ["flask", "--app", "app", "serve"]
