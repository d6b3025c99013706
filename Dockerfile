# The book in a container, on a processor:
#
#   docker build -t siamese-book .
#   docker run --rm -p 8888:8888 siamese-book
#
# and then open the address that it prints. The data sets are downloaded when a chapter first needs
# them; -v NAME:/data keeps them in a volume, as /data is the cache in there.

# What the commands of the Makefile need; .devcontainer uses this stage.
FROM python:3.11-slim AS tools
RUN apt-get update \
    && apt-get install -y --no-install-recommends chromium git make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home reader

FROM tools AS book
RUN mkdir /book /data && chown reader /book /data
USER reader
WORKDIR /book
COPY --chown=reader . .
RUN make setup
ENV XDG_CACHE_HOME=/data
EXPOSE 8888
CMD [".venv/bin/python", "-m", "jupyterlab", "--ip=0.0.0.0", "--no-browser", \
     "--LabApp.default_url=/lab/tree/notebooks"]
