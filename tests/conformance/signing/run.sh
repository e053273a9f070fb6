#!/usr/bin/env bash
# Holds promote-bot's verdict on every signing fixture to what is expected of it, to the kit's own judge, and to `cosign verify`.
#
#   KIT=DIR bash tests/conformance/signing/run.sh [REGISTRY OUTDIR]
#
# README.md in this directory says what these are. Prints one line for each fixture, and ends with 1 when anything did not agree.
set -euo pipefail
: "${KIT:?the directory of the signing kit}"
[ $# = 0 ] || [ $# = 2 ] || { echo "usage: run.sh [REGISTRY OUTDIR]" >&2 && exit 2; }
root=$(cd "$(dirname "$0")/../../.." && pwd)
KIT=$(cd "$KIT" && pwd)
program=${PROMOTE_BOT:-$root/target/release/promote-bot}
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
# No login, configuration or cache of whoever runs this is seen; what cosign leaves behind goes with the rest.
mkdir "$work/home" "$work/sample"
export HOME=$work/home DOCKER_CONFIG=$work/home GIT_CONFIG_NOSYSTEM=1 SIGSTORE_NO_CACHE=1
export GIT_AUTHOR_NAME=sample GIT_AUTHOR_EMAIL=sample@example.invalid GIT_AUTHOR_DATE='1700000000 +0000'
export GIT_COMMITTER_NAME=sample GIT_COMMITTER_EMAIL=sample@example.invalid GIT_COMMITTER_DATE='1700000000 +0000'

# --- The fixtures: those that are there, or fresh ones in a registry of this run

if [ $# = 2 ]; then
  registry=$1 out=$(cd "$2" && pwd)
else
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  registry=localhost:$port out=$work/fixtures
  printf '%s\n' 'version: 0.1' 'log: {level: error, accesslog: {disabled: true}}' "http: {addr: \"127.0.0.1:$port\"}" \
    "storage: {filesystem: {rootdirectory: $work/store}}" >"$work/registry.yml"
  docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
  server=$!
  for _ in $(seq 50); do
    curl -fs -o /dev/null "http://$registry/v2/" && break
    sleep 0.1
  done
  bash "$KIT/make_signed_fixtures.sh" "$registry" "$out"
  bash "$root/tests/signing/more.sh" "$registry" "$out"
fi

# --- The sample: an overlay for each image, and policies that ask each image for what it is there for

python3 - "$registry" "$out" "$work/sample" "$root/tests/signing/fixtures" "${WITHOUT:-}" <<'PY'
import json, os, shutil, sys

registry, out, sample, recorded, without = sys.argv[1:]
KEYLESS = json.load(open(f"{out}/keyless/identity.json"))


def write(path, text):
    os.makedirs(os.path.dirname(f"{sample}/{path}"), exist_ok=True)
    with open(f"{sample}/{path}", "w") as file:
        file.write(text)


fixtures = []
for listing in (f"{out}/fixtures.json", f"{out}/more/fixtures.json"):
    if os.path.exists(listing):
        fixtures += json.load(open(listing))["fixtures"]
for fixture in fixtures:
    # What the kit's own list does not say, the recordings do.
    for key in ("asks", "signed_by"):
        if key not in fixture: fixture[key] = json.load(open(f"{recorded}/{fixture['name']}.json"))[key]
fixtures = [fixture for fixture in fixtures if not set(fixture["signed_by"]) & set(without.split())]

write("promote-bot.yaml", f"""version: 1
environments:
  dev: {{overlays: overlays/dev, registry: "{registry}/fx"}}
  production: {{overlays: "overlays/production/*", registry: "{registry}/production", from: dev, policy: policies}}
""")
write("overlays/dev/kustomization.yaml", "resources: []\n")
for fixture in fixtures:
    name, digest = fixture["name"], fixture["ref"].split("@")[1]
    # Not always the fixture's name: predlie lies in predlie2.
    repository = fixture["ref"].split("@")[0].removeprefix(f"{registry}/fx/")
    fixture["image"] = f"production/{repository}"
    write(f"overlays/production/{name}/kustomization.yaml",
        f'resources: [deployment.yaml]\nimages: [{{name: fixture, newName: "{registry}/production/{repository}", digest: "{digest}"}}]\n')
    write(f"overlays/production/{name}/deployment.yaml", "apiVersion: apps/v1\nkind: Deployment\n"
        f"metadata: {{name: {name}}}\nspec: {{template: {{spec: {{containers: [{{name: app, image: fixture}}]}}}}}}\n")
json.dump(fixtures, open(f"{sample}.json", "w"))

# --- Who may sign

signers = "version: 1\nsigners:\n"
for signer in sorted({signer for fixture in fixtures for signer in fixture["signed_by"]}):
    if signer == "keyless":
        signers += (f'  keyless:\n    keyless: {{issuer: "{KEYLESS["issuer"]}", identity: "{KEYLESS["identity"]}", '
            "trusted_root: keys/trusted_root.json}\n")
        source = f"{out}/keyless/trusted_root.json"
    else:
        signers += f"  {signer}: {{cosign_key: keys/{signer}.pub}}\n"
        source = f"{out}/keys/{signer}.pub"
    os.makedirs(f"{sample}/policies/keys", exist_ok=True)
    shutil.copy(source, f"{sample}/policies/keys/")
write("policies/signers.yaml", signers)

# --- What is asked: a policy for each rule and signer, because all that fit must pass and missing evidence is a no

RULES = {
    "signature": "signature: {signed_by: [%s]}",
    "provenance": 'provenance: {signed_by: [%s], repository: "https://git.example/acme/app", '
        'refs: [refs/heads/main, "refs/heads/release/*"]}',
    "vulnerabilities": "vulnerabilities: {deny: [{severity: critical, known_for: 7d}], vex_by: [%s]}",
    "vulnerabilities:24h": "vulnerabilities: {scan_no_older_than: 24h, deny: [{severity: critical, known_for: 7d}], vex_by: [%s]}",
}
for rule, text in RULES.items():
    for signer in sorted({signer for fixture in fixtures for signer in fixture["signed_by"]}):
        images = [fixture["image"] for fixture in fixtures if rule in fixture["asks"] and signer in fixture["signed_by"]]
        if images:
            policy = f"{rule.replace(':', '-')}-{signer}"
            write(f"policies/{policy}.yaml", f"version: 1\npolicy: {policy}\nenvironments: [production]\n"
                f"images: {json.dumps(sorted(images))}\nrules:\n  {text % signer}\n")
PY
git init --quiet --initial-branch main "$work/sample"
git -C "$work/sample" add --all
git -C "$work/sample" commit --quiet --message "every fixture"

# --- The three judges

code=0
env -i PATH="$PATH" HOME="$HOME" "$program" check --directory "$work/sample" --base empty --format json \
  >"$work/report.json" 2>"$work/report.log" || code=$?
if [ "$code" -gt 1 ]; then
  echo "promote-bot ended with $code" >&2
  cat "$work/report.log" >&2
  exit 1
fi
python3 "$KIT/check_fixtures.py" "$out" >"$work/judge.txt" || true

python3 - "$work" "$out" <<'PY'
import concurrent.futures, json, os, subprocess, sys

work, out = sys.argv[1:]
fixtures = json.load(open(f"{work}/sample.json"))
report = json.load(open(f"{work}/report.json"))
production = next(environment for environment in report["environments"] if environment["name"] == "production")
identity = json.load(open(f"{out}/keyless/identity.json"))
KNOWN = {"signature", "provenance", "vulnerabilities"}
# Where cosign 3.1.1 is known to say something else than we must.
COSIGN = {"attonly": "allow"}


def judged():
    """Returns what the kit's judge prints of its own images: whether it agrees with the list, and its reasons."""
    found = {}
    for line in open(f"{work}/judge.txt"):
        if line[:4] in ("ok  ", "BAD "):
            name, rest = line[4:].split(maxsplit=1)
            expected, _, reasons = rest.partition(" ")
            found[name] = (line.startswith("ok"), reasons.strip())
    return found


def rules_of(reasons):
    """Returns the rules that the judge's reasons belong to."""
    rules = set()
    if "not signed" in reasons: rules.add("signature")
    if "built from" in reasons or "no provenance" in reasons: rules.add("provenance")
    if "CVE-" in reasons: rules.add("vulnerabilities")
    return rules


def expected(fixture, reasons):
    """Returns the verdict, and the rules that must deny; None where nothing but the verdict is said."""
    if "rules" in fixture: return fixture["expect"], set(fixture["rules"])
    if fixture["expect"] == "keyless":
        verdict = fixture["note"].split(":")[0]
        return verdict, set() if verdict == "allow" else {"signature"}
    if fixture["expect"] in ("format", "report"): return "deny", {"signature"}
    return fixture["expect"], rules_of(reasons)


def cosign(fixture):
    """Returns whether `cosign verify` takes an image for signed."""
    signer = fixture["signed_by"][0]
    who = ["--key", f"{out}/keys/{signer}.pub"]
    if signer == "keyless":
        who = ["--certificate-identity", identity["identity"], "--certificate-oidc-issuer", identity["issuer"], "--use-signed-timestamps",
            "--trusted-root", f"{out}/keyless/trusted_root.json", "--insecure-ignore-sct"]
    environment = dict(os.environ)
    # Signatures as referrers of the second version stand behind a switch.
    if "cosign-sig-referrer" in fixture["formats"]:
        environment["COSIGN_EXPERIMENTAL"] = "1"
        who += ["--experimental-oci11"]
    done = subprocess.run(["cosign", "verify", "--insecure-ignore-tlog", *who, fixture["ref"]], capture_output=True, env=environment)
    return "allow" if done.returncode == 0 else "deny"


judge, bad = judged(), 0
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    of_cosign = list(pool.map(cosign, fixtures))
for fixture, said in zip(fixtures, of_cosign):
    name, wrong = fixture["name"], []
    agrees, reasons = judge.get(name, (True, ""))
    if "rules" not in fixture and name not in judge: wrong.append("check_fixtures.py says nothing of it")
    if not agrees: wrong.append(f"check_fixtures.py disagrees with the list: {reasons}")
    verdict, rules = expected(fixture, reasons)
    images = [image for image in production["images"] if image["name"] == fixture["image"]]
    denials = [finding for finding in production["findings"] if finding["image"] == fixture["image"] and finding["severity"] == "error"]
    denying = {finding["rule"].rsplit("/", 1)[-1] for finding in denials}
    words = "; ".join(f"{finding['rule']}: {finding['message']}" for finding in denials)
    if len(images) != 1:
        got = "none"
        wrong.append(f"{len(images)} images of this name in the report")
    else:
        got = "deny" if images[0]["denied"] else "allow"
        if images[0]["digest"] != fixture["ref"].split("@")[1]: wrong.append(f"judged {images[0]['digest']}")
        if images[0]["state"] != "missing": wrong.append(f"state {images[0]['state']}")
        if got != verdict: wrong.append("another verdict")
        if got == "deny" and not denials: wrong.append("denied without a reason")
        if denying != rules: wrong.append(f"denied by {sorted(denying) or 'nothing'} instead of {sorted(rules) or 'nothing'}")
        if fixture["expect"] == "format" and "notation" not in words.lower(): wrong.append("the format is not named")
    # cosign answers one question only: is it signed? Where it is known to differ, the list says what it answers.
    signed = "deny" if "signature" in rules else "allow"
    if said != fixture.get("cosign", COSIGN.get(name, signed)): wrong.append(f"cosign says {said}")
    elif said != signed: words = f"{words}; cosign says {said}, as is known".lstrip("; ")
    bad += bool(wrong)
    print(f"{'BAD' if wrong else 'ok '} {name:30} expect={verdict:5} got={got:5} {'; '.join(wrong + [words] if words else wrong)}")
print(f"{len(fixtures)} fixtures, {bad} disagreements")
sys.exit(bool(bad))
PY
