# Two images. `service`, the default, runs every command but the stand-in; `simulator` carries the stand-in for Replicate
# and its drawing as well.
FROM python:3.13-slim AS build
WORKDIR /build
# `service-c2pa` adds the package that signs what is generated: docs/provenance.md.
ARG LOCK=service
COPY requirements/${LOCK}.lock requirements/service.lock
RUN python -m venv /opt/diorama \
    && /opt/diorama/bin/pip install --no-cache-dir --require-hashes -r requirements/service.lock
COPY pyproject.toml README.md LICENSE ./
COPY schema schema
COPY jobs jobs
COPY statemachine statemachine
COPY db db
COPY storage storage
COPY diorama diorama
RUN /opt/diorama/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM build AS build-simulator
COPY requirements/simulator.lock requirements/simulator.lock
RUN /opt/diorama/bin/pip install --no-cache-dir --require-hashes -r requirements/simulator.lock
COPY simulator simulator
RUN /opt/diorama/bin/pip install --no-cache-dir --no-deps --no-build-isolation --force-reinstall .

FROM python:3.13-slim AS runtime
RUN useradd --system --no-create-home diorama
ENV PATH=/opt/diorama/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 LOG_FORMAT=json
USER diorama
ENTRYPOINT ["diorama"]

FROM runtime AS simulator
COPY --from=build-simulator /opt/diorama /opt/diorama
EXPOSE 8100 8101
CMD ["simulator"]

FROM runtime AS service
COPY --from=build /opt/diorama /opt/diorama
EXPOSE 8000
CMD ["serve"]
