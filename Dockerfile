# The service, the trainer and the command line in one image, for CPUs. Weights come with a Python package.
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY recsys recsys
COPY ingest ingest
COPY api api
COPY migrations migrations
# the CPU build of torch is a tenth of the size of the one with CUDA
RUN python -m venv /opt/attune \
    && /opt/attune/bin/pip install --no-cache-dir -c constraints.txt \
        --extra-index-url https://download.pytorch.org/whl/cpu '.[cpu,plot,postgres,redis,stream]'

FROM python:3.11-slim
# LightGBM needs libgomp1
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 attune \
    && install --directory --owner=attune --group=attune /var/lib/attune
COPY --from=build /opt/attune /opt/attune
ENV PATH=/opt/attune/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ATTUNE_HOME=/var/lib/attune \
    ATTUNE_DATABASE_URL=sqlite:////var/lib/attune/attune.db
USER attune
WORKDIR /var/lib/attune
VOLUME /var/lib/attune
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["attune"]
CMD ["serve", "--host", "0.0.0.0"]
