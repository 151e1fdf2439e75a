# One image for every role: the worker (the default), the contact-centre simulator and every
# `switchboard` command. Any base with Python 3.11 or newer at the same place in both stages will do:
#   docker build -t switchboard .
#   docker build -t switchboard --build-arg BASE=python:3.13-slim-bookworm .

ARG BASE=python:3.12.12-slim-bookworm
ARG BUILD_BASE=${BASE}

FROM ${BUILD_BASE} AS build
# Where packages come from is the builder's pip configuration; these pass it on where it is needed.
ARG PIP_NO_INDEX=
ARG PIP_FIND_LINKS=
# What is installed depends on the locks alone, not on when or where it is.
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONHASHSEED=0
WORKDIR /build
COPY requirements/build.txt requirements/app.txt requirements/
RUN python3 -m venv /opt/switchboard && \
    /opt/switchboard/bin/pip install --quiet --no-compile --require-hashes \
    -r requirements/build.txt -r requirements/app.txt
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY workers workers
COPY simulator simulator
COPY infra infra
# Bytecode is made here, once and by content: the running container can write none.
RUN /opt/switchboard/bin/pip install --quiet --no-compile --no-deps --no-build-isolation . && \
    site="$(/opt/switchboard/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" && \
    python3 infra/image/trim.py "${site}" infra/image/aws-services.txt && \
    /opt/switchboard/bin/pip uninstall --quiet --yes pip setuptools && \
    python3 -m compileall -q -f -j 0 --invalidation-mode unchecked-hash "${site}" && \
    find /opt/switchboard -name direct_url.json -delete

# For docker-compose.localstack.yml alone: the emulator, which never ships.
FROM ${BUILD_BASE} AS emulator
ARG PIP_NO_INDEX=
ARG PIP_FIND_LINKS=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements/emulator.txt requirements/
RUN python3 -m venv /opt/emulator && \
    /opt/emulator/bin/pip install --quiet --require-hashes -r requirements/emulator.txt
ENV PATH=/opt/emulator/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 4566
CMD ["ministack"]

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Switchboard" \
      org.opencontainers.image.description="Joins messaging channels to a contact centre" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/switchboard /opt/switchboard
ENV PATH=/opt/switchboard/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["switchboard", "health"]
CMD ["switchboard", "worker"]
