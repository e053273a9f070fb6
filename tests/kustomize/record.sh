#!/bin/sh
# Records the cases anew: kustomize (on PATH) renders each, the test below lists the images of what it printed and writes
# expected.json, together with the positions as we find them now. Read the difference before you commit it.
set -eu
cd "$(dirname "$0")/../.."
rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT
for case in tests/kustomize/cases/*/; do
    name=$(basename "$case")
    overlay=$case
    [ -d "$case/overlay" ] && overlay=$case/overlay
    if ! kustomize build "$overlay" >"$rendered/$name.yaml" 2>"$rendered/$name.error"; then
        rm "$rendered/$name.yaml"
        head -n 1 "$rendered/$name.error"
    fi
done
KZ_RECORD=$rendered cargo test --quiet --test integration all_cases_render_what_kustomize_rendered
