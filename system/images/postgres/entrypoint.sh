#!/bin/sh
# Makes the cluster once, then becomes the server; or, told `backups ...`, works on its backups. Secrets are mounted files.
set -eu
data=/var/lib/postgresql/17
backups=/var/lib/pgbackrest/backup/alexandrite/backup.info
if [ -r /run/alexandrite/alexandrite_backup_key ]; then
    PGBACKREST_REPO1_CIPHER_PASS=$(cat /run/alexandrite/alexandrite_backup_key)
    export PGBACKREST_REPO1_CIPHER_PASS
fi
if [ "${1:-}" = backups ]; then
    exec "$@"
fi
if [ ! -d "$data" ]; then
    if [ -e "$backups" ] && [ "${ALEXANDRITE_BEGIN_EMPTY:-}" != yes ]; then
        # An empty server over the backups of a full one would let the system run as if nothing had ever been sold.
        echo "There is no data, but there are backups: restore them (make restore), or say ALEXANDRITE_BEGIN_EMPTY=yes." >&2
        exit 1
    fi
    # Made beside its place and renamed: a container killed half way starts again from nothing.
    rm -rf "$data.unfinished"
    initdb --pgdata="$data.unfinished" --username=postgres --pwfile=/run/alexandrite/alexandrite_postgres_password \
        --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 \
        --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C.UTF-8 --data-checksums >/dev/null
    mv "$data.unfinished" "$data"
fi
# Without a repository there is nothing to write the log to; the server starts all the same, and its archiver says what is wrong.
if [ -w /var/lib/pgbackrest ] && [ ! -e /var/lib/pgbackrest/archive/alexandrite/archive.info ]; then
    pgbackrest --stanza=alexandrite --no-online stanza-create || echo "The repository of backups could not be made." >&2
fi
exec postgres -D "$data" -c config_file=/etc/alexandrite/postgresql.conf -c hba_file=/etc/alexandrite/pg_hba.conf "$@"
