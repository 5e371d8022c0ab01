#!/usr/bin/env bash
# Locks every requirements/*.in by version and hash; the locks name no index. Run it after editing an .in file.
set -euo pipefail
cd "$(dirname "$0")"
uv=${UV:-../.venv/bin/uv}
compile() { "$uv" pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 "$@"; }
compile dev.in -o dev.txt
compile system.in -c dev.txt -o system.txt
compile infra.in -c dev.txt -o infra.txt
