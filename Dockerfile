# Grading in a container. How to run it, and what that gives up: book/grade.md.
FROM python:3.12-slim

# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 grader

WORKDIR /course
COPY requirements.txt ./
RUN pip install --no-cache-dir --root-user-action=ignore -r requirements.txt
COPY . ./
RUN pip install --no-cache-dir --root-user-action=ignore --no-deps --editable . \
 && jupyter kernelspec install --log-level=ERROR --sys-prefix patchbook/grading/kernels/spec/patchbook \
 && chmod -R a+rX .

# `docker run --user` may give another user id, which has no home.
ENV HOME=/tmp \
    JUPYTER_PLATFORM_DIRS=1
USER 1000
ENTRYPOINT ["patchbook"]
CMD ["--help"]
