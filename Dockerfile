# One recipe for every image. `docker compose build` names the service: its target and, for Python's, SERVICE.
#
#   TORCH_INDEX     where torch comes from; not given: PyTorch's CPU builds; empty: pip's own index (with CUDA)
#   TORCH_VERSION   another torch than the one that is tested
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ARG SERVICE
ARG TORCH_INDEX
ARG TORCH_VERSION
WORKDIR /app
COPY requirements/build.txt requirements/${SERVICE}.txt requirements/
COPY tools/bootstrap.py tools/
# What runs needs no pip and no tests; numba's are 60 MB.
RUN --mount=type=cache,target=/root/.cache/pip \
    python tools/bootstrap.py "--service=${SERVICE}" \
    && .venv/bin/python -m pip uninstall --quiet --yes pip setuptools \
    && find .venv -type d \( -name tests -o -name test \) -path '*/site-packages/*' -prune -exec rm -rf {} + \
    && rm -rf tools requirements
COPY wire wire
COPY infra infra
COPY wta wta
COPY ${SERVICE} ${SERVICE}
RUN .venv/bin/python -m compileall -q wire infra wta "${SERVICE}"

FROM ${PYTHON_IMAGE} AS runtime
# New volumes take the owner of the folder that they cover. 101 is nginx in its own image.
RUN groupadd --gid 10001 app \
    && useradd --uid 10001 --gid app --no-log-init --no-create-home --home-dir /tmp --shell /usr/sbin/nologin app \
    && install -d -o app -g app /models \
    && install -d -o 101 -g 101 /certificates /authority
ENV PATH=/app/.venv/bin:${PATH} \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    MODEL_CACHE=/models \
    NUMBA_CACHE_DIR=/tmp/numba \
    HEALTH_FILE=/tmp/health
WORKDIR /app
COPY --from=build /app /app
USER 10001:10001
# Healthy: within the last 10 s this container's process was ready (a worker: with its model loaded; the gateway: its
# event loop runs; its socket is not tried) and Redis answered. The process keeps HEALTH_FILE; looking at it costs milliseconds.
HEALTHCHECK --interval=10s --timeout=5s --start-period=180s --retries=3 CMD ["sh", "infra/healthcheck.sh"]

FROM runtime AS fastapi_service
EXPOSE 8000
CMD ["python", "-m", "fastapi_service.fastapi_service"]

FROM runtime AS stt_worker
CMD ["celery", "--quiet", "-A", "stt_worker:celery", "worker", "-Q", "stt_queue", "--pool=solo", "--concurrency=1", "--without-gossip", "--without-mingle", "--without-heartbeat"]

FROM runtime AS analyzer_worker
CMD ["celery", "--quiet", "-A", "analyzer_worker:celery", "worker", "-Q", "analyzer_queue", "--pool=threads", "--concurrency=16", "--without-gossip", "--without-mingle", "--without-heartbeat"]

FROM runtime AS listener_service
CMD ["python", "-m", "listener_service.listener_service"]

FROM runtime AS recorder_service
HEALTHCHECK NONE
ENTRYPOINT ["python", "-m", "recorder_service.recorder_service"]

FROM runtime AS certificates
USER 101:101
HEALTHCHECK NONE
CMD ["python", "-m", "certificates.certificates"]

FROM docker.io/library/nginx:1.28.0-bookworm AS nginx
COPY nginx/nginx.conf /etc/nginx/nginx.conf
COPY nginx/templates /etc/nginx/templates
COPY --chmod=755 nginx/check-settings.sh /docker-entrypoint.d/10-check-settings.sh
COPY --chmod=755 nginx/trusted-proxy.sh /docker-entrypoint.d/15-trusted-proxy.sh
COPY --chmod=755 nginx/resolver.sh /docker-entrypoint.d/16-resolver.sh
COPY --chmod=755 nginx/login.sh /docker-entrypoint.d/17-login.sh
COPY --chmod=755 nginx/reload.sh /docker-entrypoint.d/40-reload.sh
RUN install -d -m 1777 /etc/nginx/conf.d /var/cache/nginx
USER 101:101
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["curl", "--fail", "--silent", "--noproxy", "*", "--output", "/dev/null", "http://127.0.0.1:8081/healthz"]
