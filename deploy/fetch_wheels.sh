#!/usr/bin/env bash
# Fetch every wheel that deploy/Dockerfile installs, for a build that cannot reach a package index.
#
#   fetch_wheels.sh BASE_IMAGE [FOLDER]
#   docker build -f deploy/Dockerfile --build-arg BASE_IMAGE=… --build-arg PIP_NO_INDEX=1 .
#
# FOLDER is deploy/wheels, where the Dockerfile looks, unless said. The wheels are those of BASE_IMAGE's Python; each has
# one of the hashes in the lock files, or pip refuses it here and again in the build. Needs pip (that of $PYTHON, else of
# python3) on a Linux of the image's architecture.
set -euo pipefail

base_image=$1
top=$(cd "$(dirname "$0")/.." && pwd)
folder=${2:-$top/deploy/wheels}

version=$(docker run --rm "$base_image" python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
exec "${PYTHON:-python3}" -m pip download --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
    --python-version "$version" --dest "$folder" -r "$top/requirements.lock" -r "$top/deploy/build.lock"
