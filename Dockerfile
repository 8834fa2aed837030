# The service in an image that any uid may run and nothing writes to, but /data and /tmp.
# Not on Alpine: some packages have wheels for glibc only.
FROM python:3.13-slim-bookworm AS packages
COPY requirements/runtime.lock requirements/geo.lock /tmp/
RUN python -m venv --without-pip /opt/handbill \
    && pip --python /opt/handbill/bin/python install --no-cache-dir --no-deps \
        --require-hashes --only-binary :all: --requirement /tmp/runtime.lock \
        --requirement /tmp/geo.lock

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="Handbill" \
      org.opencontainers.image.licenses="MIT"
COPY --from=packages /opt/handbill /opt/handbill
COPY config /app/config
COPY service /app/service
RUN python -m compileall -q /app/service && install -d -o 10001 -g 10001 /data
# Both listeners are reachable from outside the container; so the service asks, by name, for
# HANDBILL_PUBLIC_URL and HANDBILL_REPORT_AUTH before it starts. It wants a Redis of its own
# (HANDBILL_REDIS_URL) and, as replicas share them, keys that you made (HANDBILL_KEYS); to try it
# alone, HANDBILL_EMBEDDED=auto gives it an engine, and keys, in /data.
ENV PATH=/opt/handbill/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HANDBILL_CONFIG=/app/config \
    HANDBILL_DATA=/data \
    HANDBILL_PUBLIC=0.0.0.0:8080 \
    HANDBILL_INTERNAL=0.0.0.0:8081 \
    HANDBILL_EMBEDDED=never \
    HANDBILL_LOG=json
USER 10001:10001
WORKDIR /app
VOLUME /data
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-m", "service", "health"]
CMD ["python", "-m", "service", "serve"]
