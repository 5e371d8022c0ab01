#!/bin/sh
# The first start makes the user `alexandrite` instead of `guest`; its password is a mounted file. So is the cookie by which the
# nodes of a cluster know each other.
set -eu
RABBITMQ_DEFAULT_USER=alexandrite
RABBITMQ_DEFAULT_PASS=$(cat /run/alexandrite/alexandrite_broker_password)
export RABBITMQ_DEFAULT_USER RABBITMQ_DEFAULT_PASS
cookie=/run/alexandrite/alexandrite_broker_cookie
if [ -f "$cookie" ]; then
    # Renamed into place: a kill between the two lines leaves the old one, never half of one.
    umask 077
    cp "$cookie" "$HOME/.erlang.cookie.new"
    chmod 0400 "$HOME/.erlang.cookie.new"
    mv -f "$HOME/.erlang.cookie.new" "$HOME/.erlang.cookie"
    umask 022
fi
exec rabbitmq-server "$@"
