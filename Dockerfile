# The version of Python to run on; the tests run on 3.11 and later.
ARG PYTHON_VERSION=3.13
# The base, by the digest of its index of all platforms: Python 3.13.15 on Debian 13. `make pin-base` renews it.
ARG BASE=python
ARG BASE_TAG=${PYTHON_VERSION}-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${BASE}:${BASE_TAG} AS packages
COPY requirements/service.txt /tmp/service.txt
# pip works on the environment from outside, so that it does not come along. Wheels only: nothing is compiled, and no
# package's build script runs.
RUN python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check \
       --require-hashes --only-binary :all: --requirement /tmp/service.txt

FROM ${BASE}:${BASE_TAG}
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    RES_OPTIONS="timeout:2 attempts:2"
COPY --from=packages /opt/venv /opt/venv
WORKDIR /srv
# Readable by every user, however private the checkout is.
COPY --chmod=444 build/rds-ca.pem rds-ca.pem
COPY --chmod=755 app app
# Fargate keeps the mode of a folder that a volume hides only if the image declares it; without, only root can write.
VOLUME ["/tmp"]
# A number, so that an orchestrator can see that it is not root; the code belongs to root and cannot be changed.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT', '8000')}/livez\", timeout=2)"]
CMD ["gunicorn", "--config", "python:app.server.config", "app:create_app()"]
