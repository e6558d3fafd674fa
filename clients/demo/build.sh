#!/bin/sh
# Builds the chat page into dist/ (or the folder given). Installs esbuild from the lock file when it is not there.
set -eu
cd "$(dirname "$0")"
if [ ! -x node_modules/.bin/esbuild ]; then
  npm ci --no-audit --no-fund --loglevel=error
fi
exec node build.mjs "$@"
