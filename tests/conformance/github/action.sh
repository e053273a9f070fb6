#!/usr/bin/env bash
# Runs action.yml the way GitHub's runner would, for each of GitHub's own example events of pull_request, merge_group, push and
# workflow_dispatch, in a sample repository it makes; then lints action.yml and the workflows. Nothing is asked of any network.
#
#   KIT=DIR PROMOTE_BOT_BIN=FILE [LINT_BIN=DIR] bash tests/conformance/github/action.sh
#
# README.md in this directory says what these are. Ends with 1 when anything did not hold.
set -euo pipefail
: "${KIT:?a directory with the GitHub contract kit}" "${PROMOTE_BOT_BIN:?the promote-bot to run}"
root=$(cd "$(dirname "$0")/../../.." && pwd)
KIT=$(cd "$KIT" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# No login, configuration or cache of whoever runs this is seen; what the action leaves behind goes with the rest.
mkdir "$work/home" "$work/tmp"
export HOME=$work/home TMPDIR=$work/tmp GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=sample GIT_AUTHOR_EMAIL=sample@example.invalid GIT_AUTHOR_DATE='1700000000 +0000'
export GIT_COMMITTER_NAME=sample GIT_COMMITTER_EMAIL=sample@example.invalid GIT_COMMITTER_DATE='1700000000 +0000'
answer=$work/answer.json
passed=0 failed=0

# --- Telling

told() { # NAME ok|FAIL [FILE to show]
  echo "$2 $1"
  if [ "$2" = ok ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    [ -z "${3:-}" ] || sed 's/^/     /' "$3"
  fi
}

# Holds the last run's answer, `run`, against an expression of JavaScript.
holds() { # NAME EXPRESSION
  local verdict=FAIL
  if node -e 'const { existsSync, readFileSync } = require("fs"), run = JSON.parse(readFileSync(process.argv[1]));
    const out = run.outputs, report = () => JSON.parse(readFileSync(out.report)), of = (name) => run.steps.find((step) => step.name === name);
    process.exit(eval(process.argv[2]) ? 0 : 1)' "$answer" "$2"; then verdict=ok; fi
  told "$1" "$verdict" "$answer"
}

# --- The sample: a branch and the default branch, both moved on since they parted, and the merge of the two

in_sample() { git -C "$work/sample" "$@"; }

commit() { # IMAGE REPLICAS NOTE
  mkdir -p "$work/sample/overlays/production"
  printf '%s\n' 'version: 1' 'environments:' \
    '  production: { overlays: overlays/production, registry: registry.example.invalid, policy: "builtin:baseline" }' \
    >"$work/sample/promote-bot.yaml"
  printf '%s\n' 'resources: [api.yaml]' >"$work/sample/overlays/production/kustomization.yaml"
  printf '%s\n' 'apiVersion: apps/v1' 'kind: Deployment' 'metadata: { name: api }' 'spec:' "  replicas: $2" '  template:' \
    '    spec:' '      containers:' '        - name: api' "          image: $1" >"$work/sample/overlays/production/api.yaml"
  echo "$3" >"$work/sample/notes.txt"
  in_sample add --all
  in_sample commit --quiet --message "$1, $2 replicas, $3"
  in_sample rev-parse HEAD
}

merge() { # BASE HEAD: prints the merge as GitHub would make it, the base its first parent
  in_sample checkout --quiet --detach "$1"
  in_sample merge --quiet --no-ff --message "Merge $2 into $1" "$2" >&2
  in_sample rev-parse HEAD
}

git init --quiet --initial-branch sample "$work/sample"
start=$(commit example.invalid/api:1.0.0 1 one)
base=$(commit example.invalid/api:1.0.0 1 two)
in_sample checkout --quiet --detach "$start"
quiet=$(commit example.invalid/api:1.0.0 2 one)
in_sample checkout --quiet --detach "$start"
denied=$(commit example.invalid/api:latest 1 one)
denied_merge=$(merge "$base" "$denied")
quiet_merge=$(merge "$base" "$quiet")
for branch in main master; do in_sample update-ref "refs/remotes/origin/$branch" "$base"; done

# --- Running

# Writes an example event with the sample's commits in place of those that only GitHub has.
event() { # FILE HEAD MERGE
  node -e '
    const fs = require("fs"), [from, to, base, head, merge] = process.argv.slice(1), event = JSON.parse(fs.readFileSync(from));
    const is = (sha) => sha && !/^0+$/.test(sha);
    if (event.pull_request) {
      Object.assign(event.pull_request.head, { sha: head }), Object.assign(event.pull_request.base, { sha: base });
      if (event.pull_request.merge_commit_sha) event.pull_request.merge_commit_sha = merge;
    }
    if (event.merge_group) Object.assign(event.merge_group, { base_sha: base, head_sha: merge });
    if (is(event.before)) event.before = base;
    if (is(event.after)) event.after = event.pull_request ? head : merge;
    fs.writeFileSync(to, JSON.stringify(event));' "$1" "$work/event.json" "$base" "$2" "$3"
}

# Runs the action; its answer is for `holds`.
action() { # EVENT COMMIT [argument of run-composite.mjs]…
  local name=$1 commit=$2
  shift 2
  in_sample checkout --quiet --detach "$commit"
  node "$KIT/run-composite.mjs" "$root/action.yml" --json --event "$name" "$work/event.json" --workspace "$work/sample" \
    --env "PROMOTE_BOT_BIN=$PROMOTE_BOT_BIN" --env "GITHUB_SHA=$commit" --env GITHUB_API_URL=http://127.0.0.1:9 \
    --with comment=off "$@" >"$answer" 2>&1 || true
}

node "$KIT/events.mjs" --out "$work/events" >/dev/null
for file in "$work"/events/{pull_request,merge_group,push,workflow_dispatch}.*.json; do
  example=$(basename "$file" .json)
  command=check
  [ "${example%%.*}" != merge_group ] || command=promote
  event "$file" "$quiet" "$quiet_merge"
  action "${example%%.*}" "$quiet_merge" --with "command=$command"
  if grep -q '"deleted":true' "$work/event.json"; then
    holds "$example: what was deleted gets no verdict" 'run.outcome === "failure" && out.result === "error" && of("Run").code === 3'
    continue
  fi
  holds "$example: $command compares the right commits, and has nothing to do" \
    'run.outcome === "success" && out.result === "noop" && out.changed === "0" && out["to-promote"] === "0" && out.promoted === "0" &&
      out.violations === "0" && run.summary !== "" && run.dropped === 0 && of("Run").code === 0 &&
      of("Settle").outcome === "skipped" && !run.annotations.some((a) => a.level === "error") &&
      '"report().change.base === '$base' && report().change.head === '$quiet_merge'"
done

event "$work/events/pull_request.synchronize.1.json" "$denied" "$denied_merge"
action pull_request "$denied_merge" --with "sarif-file=$work/report.sarif"
holds "a tag that is forbidden: red, with the line that says it" \
  'run.outcome === "failure" && out.result === "failure" && out.violations === "1" && of("Run").code === 1 && existsSync(out.report) &&
    of("Settle").outcome === "skipped" &&
    run.annotations.some((a) => a.level === "error" && a.file === "overlays/production/api.yaml" && a.line === "10")'
told "SARIF lies where it is wanted" "$(grep -qs '"2.1.0"' "$work/report.sarif" && echo ok || echo FAIL)"
action pull_request "$denied_merge" --with fail-on=never
holds "fail-on never: green, and the result says no" 'run.outcome === "success" && out.result === "failure" && of("Run").code === 0'

event "$work/events/pull_request.opened.1.json" "$quiet" "$quiet_merge"
action pull_request "$quiet_merge" --with "args=--base
\$(touch '$work/evaluated'); touch '$work/evaluated'"
holds "arguments are passed on as they are, one per line" \
  "[2, 3].includes(of('Run').code) && out.result === 'error' && !existsSync('$work/evaluated')"
action pull_request "$quiet_merge" --with config=missing.yaml
holds "a configuration that is not there: exit 2, result error" 'of("Run").code === 2 && out.result === "error"'
for refused in command=update command=rollback command= comment=sometimes status=maybe; do
  action pull_request "$quiet_merge" --with "$refused"
  holds "$refused is refused, and what is allowed is named" \
    'of("Run").code === 2 && out.result === "error" && run.annotations.some((a) => / must be .* or /.test(a.message)) &&
      of("Settle").outcome === "skipped"'
done

# One that dies as the kernel would kill it, and closes what it left.
cat >"$work/dies" <<'END'
#!/usr/bin/env bash
[ "$1" != report ] || exit 0
kill -9 $$
END
chmod +x "$work/dies"
action pull_request "$quiet_merge" --env "PROMOTE_BOT_BIN=$work/dies"
holds "a run that is killed: red, error, and settled" \
  'run.outcome === "failure" && of("Run").code === 137 && out.result === "error" && of("Settle").outcome === "success"'

# --- Linting

# The newest action-validator (0.6.0) does not know the permission `attestations`, which GitHub's own parser does: what it says of the
# release workflow counts without that line.
mkdir -p "$work/lint/.github/workflows" "$work/without/.github/workflows"
cp "$root/action.yml" "$work/lint/"
cp "$root"/.github/workflows/*.yml "$work/lint/.github/workflows/"
sed '/^ *attestations: write/d' "$root/.github/workflows/release.yml" >"$work/without/.github/workflows/release.yml"
node "$KIT/lint.mjs" "$work/lint" >"$work/lint.txt" 2>&1 || true
excuse=
node "$KIT/lint.mjs" "$work/without" >/dev/null 2>&1 && excuse='action-validator: .github/workflows/release.yml'
while IFS= read -r line; do
  case $line in
    "ok "*) told "${line#ok   }" ok ;;
    "FAIL $excuse") told "$excuse, but for \`attestations\`" ok ;;
    "FAIL "*) told "${line#FAIL }" FAIL "$work/lint.txt" ;;
    "skip "*) echo "-- $line" ;;
  esac
done < <(sed "s|$work/[a-z]*/||" "$work/lint.txt")
told "the linters ran" "$(grep -q '^1 actions, 2 workflows' "$work/lint.txt" && echo ok || echo FAIL)" "$work/lint.txt"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
