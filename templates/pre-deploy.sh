#!/bin/sh
# Stops a deployment that would cut clients off: judges the files, then proves them on the embedded broker.
# Status: 0 deploy, 1 do not deploy, 2 it could not be judged.
#
#   pre-deploy.sh [DIR]        DIR: the compose project (default: @DIR@)
set -eu

dir=${1:-'@DIR@'}

if ! command -v mqttcert >/dev/null 2>&1; then
  echo "pre-deploy: mqttcert is not installed" >&2
  exit 2
fi

# Each step's own status is kept: 1 is a judgement, 2 is a failure to judge.
step() {
  status=0
  mqttcert "$@" || status=$?
  if [ "$status" -ne 0 ]; then
    echo "pre-deploy: stopped by: mqttcert $*" >&2
    exit "$status"
  fi
}

step check "$dir" --require certificate,conf,clients
step rehearse "$dir"
echo "pre-deploy: @BROKER@ may be deployed" >&2
