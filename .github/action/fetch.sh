#!/usr/bin/env bash
# Finds promote-bot: PROMOTE_BOT_BIN, else one on PATH, else built from this action's own source.
set -euo pipefail
binary=${PROMOTE_BOT_BIN:-}
[ -n "$binary" ] || binary=$(command -v promote-bot || true)
if [ -z "$binary" ]; then
  cargo build --locked --release --manifest-path "$PB_ACTION_PATH/Cargo.toml"
  binary=$PB_ACTION_PATH/target/release/promote-bot
fi
echo "binary=$binary" >>"$GITHUB_OUTPUT"
