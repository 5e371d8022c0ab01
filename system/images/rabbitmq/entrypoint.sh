#!/bin/sh
# The first start makes the user `alexandrite` instead of `guest`; its password is a mounted file.
set -eu
RABBITMQ_DEFAULT_USER=alexandrite
RABBITMQ_DEFAULT_PASS=$(cat /run/alexandrite/alexandrite_broker_password)
export RABBITMQ_DEFAULT_USER RABBITMQ_DEFAULT_PASS
exec rabbitmq-server "$@"
