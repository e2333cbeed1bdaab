# One image, many roles: web, worker, trainer, beat and the one-shot migration run the same code.
#   docker build -t gloss .
#   docker build -t gloss --build-arg TORCH_INDEX_URL=URL .   for another build of torch
FROM python:3.11-slim-bookworm AS build
ARG TORCH_INDEX_URL=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
COPY requirements.txt .
RUN if [ -n "$TORCH_INDEX_URL" ]; then \
      pip install --index-url "$TORCH_INDEX_URL" "$(grep '^torch==' requirements.txt)"; \
    fi \
    && pip install -r requirements.txt

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --create-home gloss \
    && mkdir -p /var/lib/gloss && chown gloss /var/lib/gloss
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app/platform PYTHONUNBUFFERED=1 \
    GLOSS_HOME=/var/lib/gloss HF_HOME=/var/lib/gloss/huggingface GLOSS_BIND=0.0.0.0:8000
WORKDIR /app
COPY --from=build /venv /venv
COPY manage.py requirements.txt ./
COPY platform platform
COPY labelling labelling
COPY ml ml
COPY analysis analysis
COPY templates templates
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["python", "manage.py", "healthcheck", "web"]
CMD ["python", "-m", "gunicorn", "-c", "python:config.gunicorn_conf"]
