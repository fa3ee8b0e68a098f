# Muralist without root: the wheel is built in one stage and installed in the next.
FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml README.md constraints.txt ./
COPY bot bot
COPY adapters adapters
COPY simulator simulator
COPY workflows workflows
RUN python -m venv /opt/muralist \
    && /opt/muralist/bin/pip install --no-cache-dir --constraint constraints.txt .

FROM python:3.12-slim
RUN useradd --uid 1000 --create-home muralist && install -d -o muralist -g muralist /data
COPY --from=build /opt/muralist /opt/muralist
ENV PATH=/opt/muralist/bin:$PATH DATA_DIR=/data WEB_HOST=0.0.0.0 LOG_FORMAT=json PYTHONUNBUFFERED=1
USER muralist
WORKDIR /data
VOLUME /data
EXPOSE 8190
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('WEB_PORT', '8190')}/healthz\", timeout=4)"]
ENTRYPOINT ["muralist"]
CMD ["run"]
