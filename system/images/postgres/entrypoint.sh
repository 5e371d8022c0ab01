#!/bin/sh
# Makes the cluster once, then becomes the server. The superuser's password is a mounted file.
set -eu
data=/var/lib/postgresql/17
if [ ! -d "$data" ]; then
    # Made beside its place and renamed: a container killed half way starts again from nothing.
    rm -rf "$data.unfinished"
    initdb --pgdata="$data.unfinished" --username=postgres --pwfile=/run/alexandrite/alexandrite_postgres_password \
        --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 \
        --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C.UTF-8 --data-checksums >/dev/null
    mv "$data.unfinished" "$data"
fi
exec postgres -D "$data" -c config_file=/etc/alexandrite/postgresql.conf -c hba_file=/etc/alexandrite/pg_hba.conf "$@"
