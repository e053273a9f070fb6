#!/usr/bin/env bash
# Holds the action's scripts to what they promise, without GitHub: fetch.sh runs nothing that was not recorded, run.sh hands signals on.
# Stand-ins play uname, curl and the program; nothing is asked of any network.
#
#   bash tests/conformance/github/scripts.sh
# shellcheck disable=SC2016 # stand-ins expand for themselves
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

told() { # NAME ok|FAIL
  echo "$2 $1"
  if [ "$2" = ok ]; then passed=$((passed + 1)); else failed=$((failed + 1)) && sed 's/^/     /' "$work/log"; fi
}

same() { # NAME WANTED FOUND
  if [ "$2" = "$3" ]; then told "$1" ok; else told "$1: $3 instead of $2" FAIL; fi
}

program() { # FILE LINE…
  local file=$1
  shift
  printf '%s\n' '#!/usr/bin/env bash' "$@" >"$file"
  chmod +x "$file"
}

# --- fetch.sh: an action at 1.2.3 with one release recorded, another in part

mkdir -p "$work/action/.github/action" "$work/bin" "$work/served" "$work/packed"
cp "$root/.github/action/fetch.sh" "$work/action/.github/action/"
printf '%s\n' '[package]' 'name = "promote-bot"' 'version = "1.2.3"' >"$work/action/Cargo.toml"
for tool in awk bash mktemp sha256sum tar gzip cat rm; do ln -s "$(command -v "$tool")" "$work/bin/$tool"; done
program "$work/bin/uname" 'case $1 in -s) echo "${FAKE_SYSTEM:-Linux}" ;; *) echo "${FAKE_MACHINE:-x86_64}" ;; esac'
# Serves a file; what it was asked for lies beside.
program "$work/bin/curl" 'while [ $# -gt 1 ]; do [ "$1" != --output ] || to=$2; shift; done' \
  'echo "$1" >"'"$work"'/asked"' 'cat "'"$work"'/served/${1##*/}" >"$to" 2>/dev/null || { rm -f "$to"; exit 22; }'
program "$work/packed/promote-bot" 'echo released'
archive=promote-bot-v1.2.3-x86_64-unknown-linux-musl.tar.gz
tar -czf "$work/served/$archive" -C "$work/packed" promote-bot
recorded=$(cd "$work/served" && sha256sum "$archive")

table() { printf '%s\n' '# a comment' "$@" >"$work/action/.github/action/checksums.txt"; }

# Runs fetch.sh; leaves its exit code in $code, the binary in $binary.
fetch() { # [VARIABLE=VALUE]…
  code=0
  rm -f "$work/outputs" "$work/asked"
  env -i PATH="${BIN:-$work/bin}" HOME="$work" RUNNER_TEMP="$work" PB_ACTION_PATH="$work/action" GITHUB_OUTPUT="$work/outputs" "$@" \
    bash "$work/action/.github/action/fetch.sh" >"$work/log" 2>&1 || code=$?
  binary=$(sed -n 's/^binary=//p' "$work/outputs" 2>/dev/null || true)
}

refused() { # NAME CODE WORDS
  same "$1" "$2 -" "$code ${binary:--}"
  if grep -q "^::error title=promote-bot::.*$3" "$work/log"; then told "  and says so" ok; else told "  and says so" FAIL; fi
}

table "$recorded"
fetch
same "the release of this action is fetched and checked" "0 released" "$code $("$binary")"
same "from where releases are" "https://github.com/acme/promote-bot/releases/download/v1.2.3/$archive" "$(cat "$work/asked")"
fetch PB_VERSION=v1.2.3 PROMOTE_BOT_BIN=
same "a release that is named is fetched, with or without its v" "0 released" "$code $("$binary")"
fetch PROMOTE_BOT_BIN=/opt/promote-bot PB_VERSION=9.9.9
same "PROMOTE_BOT_BIN comes first" "0 /opt/promote-bot" "$code $binary"

fetch PB_VERSION=9.9.9
refused "an unknown release is refused" 2 "does not know release 9.9.9"
fetch PB_VERSION='../../x'
refused "what is no version is refused" 2 "must be a release"
fetch FAKE_SYSTEM=Linux FAKE_MACHINE=riscv64
refused "a machine without an archive is refused" 2 "no archive for Linux on riscv64"
fetch FAKE_SYSTEM=Darwin FAKE_MACHINE=arm64
refused "an archive that is not recorded is refused" 2 "no archive for Darwin on arm64"
table "$(printf '%064d  %s' 0 "$archive")"
fetch
refused "another content than was recorded is refused" 2 "its checksum is another one"
table "$recorded" "$recorded"
fetch
refused "a table that names an archive twice is refused" 2 "not recorded as one line"
table "${recorded/1.2.3/1.2.4}"
fetch PB_VERSION=1.2.4
refused "an archive that cannot be downloaded can be tried again" 3 "cannot be downloaded"

fetch
refused "without a release and without cargo there is nothing to run" 2 "not released, and there is no cargo"
program "$work/bin/cargo" 'echo "$*" >"'"$work"'/built"'
fetch
same "a checkout that is no release is built from its source" "0 $work/action/target/release/promote-bot" "$code $binary"
same "  with the versions of its lock file" "build --locked --release --manifest-path $work/action/Cargo.toml" "$(cat "$work/built")"
mkdir "$work/path"
program "$work/path/promote-bot" 'echo "from PATH"'
BIN=$work/bin:$work/path fetch
same "one on PATH is taken" "0 $work/path/promote-bot" "$code $binary"
table "$recorded"
BIN=$work/bin:$work/path fetch PB_VERSION=1.2.3
same "but not when a release is named" "0 released" "$code $("$binary")"

# --- run.sh

run() { # [VARIABLE=VALUE]…
  code=0
  rm -f "$work/outputs" "$work/arguments"
  env -i PATH="$PATH" RUNNER_TEMP="$work" GITHUB_OUTPUT="$work/outputs" PB_BINARY="$work/program" PB_COMMAND=check "$@" \
    bash "$root/.github/action/run.sh" >"$work/log" 2>&1 || code=$?
}

program "$work/program" 'printf "%s\n" "post=$PROMOTE_BOT_POST" "$@" >"'"$work"'/arguments"' 'echo result=noop >>"$GITHUB_OUTPUT"; exit 3'
run PB_ARGS=$'--base\na b; $(c) *\n\n--quiet' PB_SARIF_FILE=s.sarif
same "the exit code is the program's, its result stands alone" "3 result=noop" "$code $(cat "$work/outputs")"
same "arguments are one per line" "--format sarif=s.sarif --base|a b; \$(c) *|--quiet" \
  "$(tail -n 5 "$work/arguments" | paste -s -d '|' | sed 's/|/ /; s/|/ /')"
for case in "update auto comment" "always-new off new-comment" "off off " "off commit-status status" \
  "update check-run comment,check-run" "always-new commit-status new-comment,status"; do
  read -r comment status post <<<"$case"
  run "PB_COMMENT=$comment" "PB_STATUS=$status"
  same "comment $comment, status $status" "post=$post" "$(head -n 1 "$work/arguments")"
done
run PB_COMMENT=sometimes
same "other words are refused before anything runs" "2 result=error settled=true no" \
  "$code $(paste -s -d ' ' "$work/outputs") $([ -e "$work/arguments" ] && echo yes || echo no)"
program "$work/program" 'exit 2'
run
same "what ended without a result is an error" "2 result=error" "$code $(cat "$work/outputs")"

# The runner sends SIGINT to the script alone, then SIGTERM.
program "$work/program" 'trap "sleep 0.3; exit 143" TERM' 'touch "'"$work"'/begun"' 'for _ in {1..100}; do sleep 0.1; done'
for signals in INT TERM "INT TERM"; do
  rm -f "$work/begun" "$work/outputs"
  # A job of its own, or SIGINT would be ignored from the start.
  set -m
  env -i PATH="$PATH" RUNNER_TEMP="$work" GITHUB_OUTPUT="$work/outputs" PB_BINARY="$work/program" PB_COMMAND=promote \
    bash "$root/.github/action/run.sh" >"$work/log" 2>&1 &
  script=$!
  set +m
  until [ -e "$work/begun" ]; do sleep 0.05; done
  for signal in $signals; do
    kill "-$signal" "$script"
    sleep 0.1
  done
  code=0
  wait "$script" || code=$?
  same "$signals reaches the program, which is waited for" "143 result=error" "$code $(cat "$work/outputs")"
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
