#!/usr/bin/env bash
# Runs one command and ends with its exit code. Everything comes by environment: PB_* is read here, PROMOTE_BOT_* by the program.
set -euo pipefail

# Refuses an input. Nothing was run: nothing is left to be settled.
refuse() {
  echo "::error title=promote-bot::the input $1"
  printf 'result=error\nsettled=true\n' >>"$GITHUB_OUTPUT"
  exit 2
}

# Prints what is to be posted, separated by commas.
posts() {
  local posts=()
  case $PB_COMMENT in
    update) posts+=(comment) ;;
    always-new) posts+=(new-comment) ;;
  esac
  case $PB_STATUS in
    commit-status) posts+=(status) ;;
    check-run) posts+=(check-run) ;;
  esac
  local IFS=,
  echo "${posts[*]-}"
}

# Runs the program, waits for it, and hands signals on. It gets SIGTERM for SIGINT, which a shell's background jobs ignore.
run() {
  local signalled=yes status=0
  "$@" &
  local child=$!
  trap 'signalled=yes; kill -TERM "$child" 2>/dev/null || true' INT TERM
  # A signal ends the wait, not the program.
  while [ -n "$signalled" ]; do
    signalled='' status=0
    wait "$child" || status=$?
  done
  trap - INT TERM
  return "$status"
}

PB_COMMENT=${PB_COMMENT-off} PB_STATUS=${PB_STATUS-off}
case ${PB_COMMAND:-} in check | promote) ;; *) refuse "command must be check or promote" ;; esac
case $PB_COMMENT in update | always-new | off) ;; *) refuse "comment must be update, always-new or off" ;; esac
case $PB_STATUS in
  auto | check-run | commit-status | off) ;;
  *) refuse "status must be auto, check-run, commit-status or off" ;;
esac
PROMOTE_BOT_POST=$(posts)
export PROMOTE_BOT_POST

directory=$(mktemp -d "${RUNNER_TEMP:-/tmp}/promote-bot.XXXXXX")
arguments=("$PB_COMMAND" --format text --format github --format "json=$directory/report.json")
[ -z "${PB_SARIF_FILE:-}" ] || arguments+=(--format "sarif=$PB_SARIF_FILE")
while IFS= read -r line; do
  [ -z "$line" ] || arguments+=("$line")
done <<<"${PB_ARGS:-}"

status=0
run "$PB_BINARY" "${arguments[@]}" || status=$?
# What ended before it had a verdict says none.
grep -qs '^result=' "$GITHUB_OUTPUT" || echo "result=error" >>"$GITHUB_OUTPUT"
exit "$status"
