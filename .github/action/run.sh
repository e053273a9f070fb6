#!/usr/bin/env bash
# Runs one command; everything but its name comes from the environment.
set -euo pipefail
case $PB_COMMAND in
  check | promote) ;;
  *) echo "error: the input command must be check or promote" >&2; exit 2 ;;
esac
report=${RUNNER_TEMP:-/tmp}/promote-bot-report.json
rm -f "$report"
status=0
"$PB_BINARY" "$PB_COMMAND" --format text --format "json=$report" || status=$?
if [ -s "$report" ]; then
  result=$(sed -n 's/^  "result": "\([a-z]*\)",$/\1/p' "$report" | head -n 1)
  echo "report=$report" >>"$GITHUB_OUTPUT"
fi
echo "result=${result:-error}" >>"$GITHUB_OUTPUT"
exit "$status"
