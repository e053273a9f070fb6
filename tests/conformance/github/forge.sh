#!/usr/bin/env bash
# Runs the forge's tests through a server that holds every request, and every answer of the tests' own GitHub, to GitHub's OpenAPI
# description: once as github.com, once as an enterprise server. Fails on any violation.
#
#   KIT=DIR bash tests/conformance/github/forge.sh      KIT: the contract kit, with node_modules (see README.md)
set -euo pipefail
cd "$(dirname "$0")/../../.."
: "${KIT:?the directory of the contract kit}"

server=4310
fake=4311
total=0
for spec in api.github.com ghes-3.19; do
  prefix=
  [ "$spec" = api.github.com ] || prefix=/api/v3
  log=$(mktemp)
  node "$KIT/server.mjs" --port $server --spec "$spec" ${prefix:+--prefix "$prefix"} --upstream "http://127.0.0.1:$fake" >"$log" &
  node=$!
  trap 'kill "$node" 2>/dev/null || true' EXIT
  for _ in $(seq 300); do
    grep -q ready "$log" && break
    sleep 0.2
  done
  PROMOTE_BOT_TEST_FAKE_PORT=$fake PROMOTE_BOT_TEST_GITHUB="http://127.0.0.1:$server$prefix" \
    cargo test --locked --test integration forge:: -- --test-threads=1 --skip gitlab
  curl -fsS "http://127.0.0.1:$server/_contract/log" >"$log"
  node -e '
    const log = JSON.parse(require("fs").readFileSync(process.argv[1]));
    const calls = Array.isArray(log) ? log : log.log ?? log.calls;
    // The faults that the tests inject are statuses that the description does not foresee: limits, missing rights, a bad gateway.
    const isFault = (one) => one.where === "response" && one.message.startsWith("Unable to match the returned status code");
    for (const call of calls) call.violations = (call.violations ?? []).filter((one) => !isFault(one));
    const bad = calls.filter((call) => call.violations.length > 0);
    for (const call of bad) console.error(call.method, call.path, JSON.stringify(call.violations).slice(0, 600));
    console.log(`${process.argv[2]}: ${calls.length} calls, ${bad.length} with violations`);
    process.exit(bad.length > 0 ? 1 : 0);
  ' "$log" "$spec" || total=1
  kill "$node"
  wait "$node" 2>/dev/null || true
  trap - EXIT
done
exit $total
