# syntax=docker/dockerfile:1
# The image of web, worker, sweeper, postman and beat: the same code and the same packages, another command.

FROM python:3.13-slim AS build
ENV PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy
WORKDIR /srv/linli
COPY requirements/uv.txt requirements/production.txt requirements/
RUN pip install --require-hashes --no-deps --requirement requirements/uv.txt \
 && uv venv /opt/venv \
 && uv pip sync --require-hashes --compile-bytecode --python /opt/venv/bin/python requirements/production.txt
COPY manage.py ./
COPY config config
COPY web web
COPY workflow workflow
COPY casework casework
COPY notifications notifications
COPY community community
COPY tickets tickets
COPY console console
# Compiled here, since no process of the image may write; each would compile all of it at its start.
RUN /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash .
# Nothing of these values stays in the image: collecting static files reads the settings and connects to nothing.
RUN LINLI_ENV=production SECRET_KEY=only-for-collecting-the-static-files AUDIT_KEY=only-for-collecting-the-static-files \
    ALLOWED_HOSTS=build TRUSTED_PROXIES=0 SITE_URL=https://build DATABASE_URL=postgres://build/build REDIS_URL=redis://build \
    STATIC_ROOT=/srv/static /opt/venv/bin/python manage.py collectstatic --noinput

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin linli \
 && install --directory --owner linli --mode 0750 /srv/media /srv/state
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    LINLI_ENV=production LINLI_LOCAL_DIR=/srv/state STATIC_ROOT=/srv/static MEDIA_ROOT=/srv/media
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/static /srv/static
COPY --from=build /srv/linli /srv/linli
WORKDIR /srv/linli
USER linli
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "config.probe", "web"]
CMD ["granian", "--interface", "wsgi", "--http", "1", "--no-ws", "--host", "0.0.0.0", "--port", "8000", \
     "--workers", "2", "--blocking-threads", "2", "--http1-buffer-size", "65536", "--http1-header-read-timeout", "10000", \
     "--respawn-failed-workers", "config.wsgi:application"]
