#!/usr/bin/env python3
"""Records what hangs on the images of the signing kit, one JSON file each, so that tests judge it without a registry.

    record.py REGISTRY OUTDIR TARGET

REGISTRY is loopback, plain http; OUTDIR is make_signed_fixtures.sh's, and more.sh's when it ran; TARGET is tests/signing/fixtures.
Evidence is what promote-bot gathers: the union of the referrers API, of the index under the tag `sha256-<hex>` (entries whose own
manifest names the digest as its subject), and of the tags `.sig`, `.att` and `.sbom`, for an image and each child of an index. Every
layer of each such manifest is one document. README.md says what the fields are; its table is written anew. Private keys stay where
they are.
"""
import base64, hashlib, json, os, re, shutil, sys, urllib.error, urllib.request

INDEX, LIST = "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"
TABLE = "## The fixtures\n\n"
MANIFESTS = f"{INDEX},{LIST},application/vnd.oci.image.manifest.v1+json,application/vnd.docker.distribution.manifest.v2+json"


def get(path, accept="*/*"):
    """Returns what is there, or None."""
    request = urllib.request.Request(f"http://{registry}/v2/{path}", headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise


def held(data, digest):
    """Returns the data, which must have the digest."""
    if data is None or "sha256:" + hashlib.sha256(data).hexdigest() != digest:
        sys.exit(f"{digest} is not there, or is something else")
    return data


def manifest(repository, name):
    """Returns a manifest's digest and what it says; None where there is none."""
    data = get(f"{repository}/manifests/{name}", MANIFESTS)
    if data is None:
        return None
    if name.startswith("sha256:"):
        held(data, name)
    return "sha256:" + hashlib.sha256(data).hexdigest(), json.loads(data)


def holders(repository, subject):
    """Returns the manifests that hang on a digest, by digest, in the order they were found in."""
    tag, listed, found = subject.replace(":", "-"), [], {}
    data = get(f"{repository}/referrers/{subject}", INDEX)
    for index in (json.loads(data) if data else None, (manifest(repository, tag) or (None, None))[1]):
        if index and index.get("mediaType") == INDEX:
            listed += [entry["digest"] for entry in index["manifests"]]
    for digest in listed:
        one = manifest(repository, digest)
        if one and one[1].get("subject", {}).get("digest") == subject:
            found[digest] = one[1]
    for ending in ("sig", "att", "sbom"):
        one = manifest(repository, f"{tag}.{ending}")
        if one:
            found[one[0]] = one[1]
    return found


def documents(repository, subject):
    """Returns every layer of what hangs on a digest."""
    for digest, holder in holders(repository, subject).items():
        for layer in holder.get("layers", []):
            annotations = layer.get("annotations", {})
            data = held(get(f"{repository}/blobs/{layer['digest']}"), layer["digest"])
            yield {
                "subject": subject,
                "manifest": digest,
                "artifact_type": holder.get("artifactType") or holder.get("config", {}).get("mediaType"),
                "media_type": layer["mediaType"],
                "signature": annotations.get("dev.cosignproject.cosign/signature"),
                "certificate": annotations.get("dev.sigstore.cosign/certificate"),
                "bytes": base64.b64encode(data).decode(),
            }


def config(repository, image):
    """Returns what an image's configuration says of it."""
    said = json.loads(held(get(f"{repository}/blobs/{image['config']['digest']}"), image["config"]["digest"]))
    labels = said.get("config", {}).get("Labels") or {}
    return {"created": said.get("created"), "labels": labels, "os": said.get("os"), "architecture": said.get("architecture")}


def asks(fixture):
    """Returns the rules to hold one of the kit's own images to, as the kit's judge does."""
    name, words = fixture["name"], f"{fixture['note']} {' '.join(fixture['formats'])}"
    asked = ["signature"]
    if name != "attonly" and (name.startswith("att-") or "provenance" in words or name == "att"):
        asked.append("provenance")
    if name in ("att", "att-legacy", "att-release", "att-evil", "att-critical", "att-vexed", "att-multi", "attonly"):
        asked.append("vulnerabilities")
    return asked


def record(fixture):
    """Returns all there is to know of one image."""
    repository, digest = fixture["ref"].removeprefix(f"{registry}/").split("@")
    top = manifest(repository, digest)[1]
    children = [child["digest"] for child in top.get("manifests", [])]
    images = {child: manifest(repository, child)[1] for child in children} if children else {digest: top}
    recorded = {
        "name": fixture["name"],
        "repository": repository,
        "digest": digest,
        "children": children,
        "expect": fixture["expect"],
        "note": fixture["note"],
        "formats": fixture["formats"],
        "asks": fixture.get("asks") or asks(fixture),
        "signed_by": fixture.get("signed_by") or ["keyless" if fixture["expect"] == "keyless" else "a"],
        **{key: fixture[key] for key in ("rules", "clock", "cosign") if key in fixture},
    }
    recorded["documents"] = [document for subject in (digest, *children) for document in documents(repository, subject)]
    recorded["config"] = {digest: config(repository, image) for digest, image in images.items()}
    return recorded


def copy_keys():
    """Copies what verifies; what signs is refused."""
    keys = f"{target}/keys"
    os.makedirs(keys, exist_ok=True)
    public = [f"{out}/keys/{name}" for name in sorted(os.listdir(f"{out}/keys")) if re.fullmatch(r".*\.(pub|crt)", name)]
    for path in public + [f"{out}/keyless/{name}" for name in ("trusted_root.json", "identity.json")]:
        if not os.path.exists(path):
            continue
        with open(path, "rb") as file:
            if b"PRIVATE" in file.read():
                sys.exit(f"{path} holds a private key")
        shutil.copyfile(path, f"{keys}/{os.path.basename(path)}")
        os.chmod(f"{keys}/{os.path.basename(path)}", 0o644)


def tell(recordings):
    """Writes the table at the end of README.md anew, where there is one beside the target."""
    path = os.path.join(os.path.dirname(os.path.abspath(target)), "README.md")
    if not os.path.exists(path):
        return
    with open(path) as file:
        above = file.read().split(TABLE)[0]
    rows = ["| name | expect | note |", "| --- | --- | --- |"]
    for one in recordings:
        denied = f" by {', '.join(one['rules'])}" if one.get("rules") else ""
        note = one["note"].replace(f"{registry}/", "").replace("|", "\\|")
        rows.append(f"| `{one['name']}` | {one['expect']}{denied} | {note} |")
    with open(path, "w") as file:
        file.write(above + TABLE + "\n".join(rows) + "\n")


registry, out, target = sys.argv[1:]
if not re.fullmatch(r"(localhost|127\.0\.0\.1|\[::1\]):\d+", registry):
    sys.exit(f"refusing: {registry} is not loopback")
if os.path.isdir(target):
    for name in os.listdir(target):
        if name.endswith(".json"):
            os.remove(f"{target}/{name}")
os.makedirs(target, exist_ok=True)
copy_keys()
recordings = []
for listing in (f"{out}/fixtures.json", f"{out}/more/fixtures.json"):
    if not os.path.exists(listing):
        continue
    with open(listing) as file:
        fixtures = json.load(file)["fixtures"]
    for fixture in fixtures:
        recordings.append(record(fixture))
        with open(f"{target}/{fixture['name']}.json", "w") as file:
            json.dump(recordings[-1], file, indent=1)
            file.write("\n")
tell(recordings)
size = sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(target) for name in names)
print(f"{len(recordings)} fixtures, {size / 1000:.0f} kB -> {target}")
