#!/bin/sh
# One S3 identity, its secret from a mounted file; anonymous requests are refused.
set -eu
umask 077
access_key=${ALEXANDRITE_S3_ACCESS_KEY:?}
secret_key=$(cat /run/alexandrite/alexandrite_s3_secret_key)
cat > /tmp/s3.json <<CONF
{"identities": [{"name": "files", "credentials": [{"accessKey": "$access_key", "secretKey": "$secret_key"}],
                 "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
CONF
# Forms are spooled to files before they are stored. On the disk, not in /tmp: that is memory, and a few large models at once used all of it.
export TMPDIR=/data/incoming
rm -rf "$TMPDIR"
mkdir -p "$TMPDIR"
# Volumes grow as they are filled, and there may be as many as the disk has room for.
exec weed -logtostderr=true -v=0 server -dir=/data -ip=127.0.0.1 -ip.bind=0.0.0.0 \
    -master.volumeSizeLimitMB=1024 -volume.max=0 -volume.index=leveldb -master.telemetry=false -filer \
    -metricsPort=9327 -s3 -s3.port=8333 -s3.port.iceberg=0 -s3.config=/tmp/s3.json -s3.allowedOrigins="${ALEXANDRITE_S3_ALLOWED_ORIGINS:-*}" "$@"
