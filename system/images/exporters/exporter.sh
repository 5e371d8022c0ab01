#!/bin/sh
# exporter.sh postgres | host | redis: becomes that exporter. Passwords are mounted files, never arguments: a process list shows those.
set -eu
kind=${1:?postgres, host or redis}
shift
case $kind in
postgres)
    export DATA_SOURCE_URI="${ALEXANDRITE_DATABASE_HOST:-postgres}:${ALEXANDRITE_DATABASE_PORT:-5432}/postgres?sslmode=disable"
    export DATA_SOURCE_USER=monitor
    export DATA_SOURCE_PASS_FILE=/run/alexandrite/alexandrite_monitor_password
    # Statements by their number, never by their text. Tables are not asked about: that would need a connection per database.
    exec prometheus-postgres-exporter --collector.stat_statements --disable-settings-metrics \
        --no-collector.stat_user_tables --no-collector.statio_user_tables \
        --extend.query-path=/etc/alexandrite/queries.yaml "$@"
    ;;
host)
    # Only what an alert or a picture reads.
    exec prometheus-node-exporter --path.procfs=/host/proc --path.sysfs=/host/sys --path.rootfs=/host/root \
        --collector.disable-defaults --collector.cpu --collector.diskstats --collector.filesystem --collector.loadavg \
        --collector.meminfo --collector.netdev --collector.pressure --collector.stat --collector.textfile --collector.vmstat \
        --collector.filesystem.mount-points-exclude='^/(dev|proc|sys|run)($|/)|^/var/lib/docker/.+' \
        --collector.textfile.directory=/var/lib/alexandrite/textfile "$@"
    ;;
redis)
    REDIS_PASSWORD=$(cat /run/alexandrite/alexandrite_redis_password)
    export REDIS_PASSWORD
    exec prometheus-redis-exporter --redis.addr="redis://${ALEXANDRITE_REDIS_HOST:-redis}:6379" "$@"
    ;;
*)
    echo "no exporter $kind; there are postgres, host and redis" >&2
    exit 2
    ;;
esac
