#!/usr/bin/env bash
# Finds promote-bot: PROMOTE_BOT_BIN, else one on PATH unless a release is asked for (PB_VERSION), else the archive of a release whose
# checksum stands in checksums.txt. A checkout whose own version is no release yet is built from its source.
set -euo pipefail
repository=https://github.com/acme/promote-bot
targets=(x86_64-unknown-linux-musl aarch64-unknown-linux-musl x86_64-apple-darwin aarch64-apple-darwin)
table=$PB_ACTION_PATH/.github/action/checksums.txt

found() {
  echo "binary=$1" >>"$GITHUB_OUTPUT"
  exit 0
}

fail() {
  echo "::error title=promote-bot::$2"
  exit "$1"
}

# Prints the table's line for an archive.
line_of() {
  awk -v name="$1" '!/^#/ && $2 == name' "$table"
}

is_released() {
  local target
  for target in "${targets[@]}"; do
    [ -z "$(line_of "promote-bot-v$1-$target.tar.gz")" ] || return 0
  done
  return 1
}

# Prints the target of this machine; nothing where there is none.
this_target() {
  case "$(uname -s) $(uname -m)" in
    "Linux x86_64") echo x86_64-unknown-linux-musl ;;
    "Linux aarch64" | "Linux arm64") echo aarch64-unknown-linux-musl ;;
    "Darwin x86_64") echo x86_64-apple-darwin ;;
    "Darwin arm64") echo aarch64-apple-darwin ;;
  esac
}

build() {
  command -v cargo >/dev/null || fail 2 "promote-bot $version is not released, and there is no cargo to build it"
  cargo build --locked --release --manifest-path "$PB_ACTION_PATH/Cargo.toml"
  found "$PB_ACTION_PATH/target/release/promote-bot"
}

# Holds the archive against its line, both in the current directory.
verify() {
  echo "$line" >line
  if command -v sha256sum >/dev/null; then
    sha256sum -c line
  elif command -v shasum >/dev/null; then
    shasum -a 256 -c line
  else
    fail 2 "there is neither sha256sum nor shasum to check $archive with"
  fi
}

[ -z "${PROMOTE_BOT_BIN:-}" ] || found "$PROMOTE_BOT_BIN"
if [ -n "${PB_VERSION:-}" ]; then
  version=${PB_VERSION#v}
  [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || fail 2 "the input version must be a release, as 1.2.3"
  is_released "$version" || fail 2 "this action does not know release $version: its checksums are not recorded"
else
  ! on_path=$(command -v promote-bot) || found "$on_path"
  version=$(awk -F '"' '/^version = / { print $2; exit }' "$PB_ACTION_PATH/Cargo.toml")
  is_released "$version" || build
fi

target=$(this_target)
archive=promote-bot-v$version-$target.tar.gz
line=$(line_of "$archive")
[ -n "$target" ] && [ -n "$line" ] || fail 2 "release $version has no archive for $(uname -s) on $(uname -m)"
[[ $line =~ ^[0-9a-f]{64}\ \ [^\ ]+$ ]] || fail 2 "the checksum of $archive is not recorded as one line"

directory=$(mktemp -d "${RUNNER_TEMP:-/tmp}/promote-bot.XXXXXX")
cd "$directory"
curl --fail --silent --show-error --location --proto '=https' --tlsv1.2 --retry 5 --retry-connrefused --connect-timeout 20 \
  --max-time 300 --output "$archive" "$repository/releases/download/v$version/$archive" ||
  fail 3 "$archive cannot be downloaded"
verify || fail 2 "$archive is not what was released: its checksum is another one"
tar -xzf "$archive" promote-bot
found "$directory/promote-bot"
