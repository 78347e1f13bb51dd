#!/bin/sh
# After `npm ci` in a checkout: link the pinned Node.js where npm 10 forgets to, and build the supervisor.
set -eu
cd "$(dirname "$0")/.."

case $(uname -m) in
  x86_64 | amd64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) arch=none ;;
esac
pinned=node_modules/node-linux-$arch/bin/node
if [ -x "$pinned" ]; then
  mkdir -p node_modules/.bin
  ln -sf "../node-linux-$arch/bin/node" node_modules/.bin/node
fi
bin/drover-node -e 0

if ! command -v make >/dev/null 2>&1; then
  echo 'drover: cannot build the supervisor: make is missing (Debian: apt-get install make)' >&2
  exit 1
fi
if ! command -v "${CC:-cc}" >/dev/null 2>&1; then
  echo "drover: cannot build the supervisor: no C compiler ${CC:-cc} (Debian: apt-get install gcc libc6-dev)" >&2
  exit 1
fi
make --silent -C native/supervisor
