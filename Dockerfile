# Lumen alone: no demo, no sandbox, no compiler, no installer; runs as a user who owns nothing.
# A tag, for people and for what looks for newer ones; a release builds from its digest (scripts/image).
FROM python:3.13-slim-trixie AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/lumen
COPY requirements/core.txt /tmp/requirements.txt
RUN /opt/lumen/bin/pip install --require-hashes --only-binary :all: -r /tmp/requirements.txt
# Plain modules and their texts: there is nothing to build, hence no build tool that no hash vouches for.
COPY bot /opt/lumen/app/bot
COPY handlers /opt/lumen/app/handlers
COPY lumen /opt/lumen/app/lumen
RUN /opt/lumen/bin/python -m compileall -q /opt/lumen/app \
    && /opt/lumen/bin/pip uninstall --yes pip

FROM python:3.13-slim-trixie
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin lumen
COPY --from=build /opt/lumen /opt/lumen
ENV PATH=/opt/lumen/bin:$PATH \
    PYTHONPATH=/opt/lumen/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HTTP_HOST=0.0.0.0 \
    PORT=8080
WORKDIR /opt/lumen/app
USER 10001
EXPOSE 8080
# Every argument of `lumen` works: docker run --env-file .env lumen doctor
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run"]
