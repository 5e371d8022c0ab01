#!/bin/sh
# The configuration is written here, not passed as arguments: a process list would show the password.
set -eu
umask 077
cat > /tmp/redis.conf <<CONF
bind * -::*
port 6379
requirepass $(cat /run/alexandrite/alexandrite_redis_password)
save ""
appendonly no
maxmemory 128mb
maxmemory-policy volatile-lru
dir /tmp
CONF
exec redis-server /tmp/redis.conf "$@"
