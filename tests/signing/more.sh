#!/usr/bin/env bash
# Adds images to those of the signing kit's make_signed_fixtures.sh: what lies between a good signature and an obvious forgery.
#
#   KIT=DIR bash tests/signing/more.sh REGISTRY OUTDIR      REGISTRY: loopback, plain http; OUTDIR: make_signed_fixtures.sh's
#
# Keys, the throw-away authorities and the empty signing configuration are OUTDIR's. OUTDIR/more/fixtures.json lists what was made, as
# OUTDIR/fixtures.json does, and besides (README.md says more): `asks`, the rules to hold it to; `rules`, those that must deny;
# `signed_by`; `clock`, where time matters; `cosign`, where `cosign verify` says otherwise.
# Needs on PATH: cosign 3.1.1, curl, openssl, python3 with "cryptography". Everything is offline; nothing is tagged twice, so the registry
# must not hold these images yet.
set -euo pipefail
umask 077
: "${KIT:?the directory of the signing kit}" "${1:?a registry on loopback}" "${2:?the directory that make_signed_fixtures.sh filled}"
case $1 in localhost:* | 127.0.0.1:* | \[::1\]:*) ;; *) echo "refusing: $1 is not loopback" >&2 && exit 2 ;; esac
registry=$1 out=$(cd "$2" && pwd)
KIT=$(cd "$KIT" && pwd)
mkdir -p "$out/more/work"
export HOME=$out/home XDG_CONFIG_HOME=$out/home/.config XDG_CACHE_HOME=$out/home/.cache DOCKER_CONFIG=$out/home/.docker
export TUF_ROOT=$out/home/tuf COSIGN_PASSWORD="" SIGSTORE_NO_CACHE=1
unset COSIGN_REPOSITORY COSIGN_EXPERIMENTAL COSIGN_DOCKER_MEDIA_TYPES || true

# A Fulcio and a time-stamping authority that answer while this runs, under the roots that are in OUTDIR already.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
python3 "$KIT/mini_sigstore.py" serve "$out/keyless/ca" "$port" 2>"$out/more/work/authorities.log" &
authorities=$!
trap 'kill "$authorities" 2>/dev/null || true' EXIT
url=http://127.0.0.1:$port start=2024-01-01T00:00:00Z
cosign signing-config create --fulcio="url=$url,api-version=1,start-time=$start,operator=fixture" \
  --tsa="url=$url/api/v1/timestamp,api-version=1,start-time=$start,operator=fixture" --tsa-config=EXACT:1 \
  --out "$out/more/work/keyless.json"
for _ in $(seq 50); do
  curl -s -o /dev/null "$url/" && break
  sleep 0.1
done

# Keys of other kinds, imported so that cosign signs with them where it can.
openssl genpkey -algorithm ed25519 -out "$out/more/work/ed25519.pem"
openssl ecparam -genkey -name secp384r1 -noout | openssl pkcs8 -topk8 -nocrypt -out "$out/more/work/p384.pem"
openssl genpkey -quiet -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out "$out/more/work/rsa2048.pem"
for kind in ed25519 p384 rsa2048; do
  rm -f "$out/keys/$kind".{key,pub}
  cosign import-key-pair --key "$out/more/work/$kind.pem" --output-key-prefix "$out/keys/$kind" >/dev/null 2>&1
done

python3 - "$registry" "$out" <<'PY'
import base64, datetime, gzip, hashlib, io, json, os, subprocess, sys, tarfile, time, urllib.error, urllib.request
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

registry, out = sys.argv[1:]
work, keys, predicates, ca = f"{out}/more/work", f"{out}/keys", f"{out}/predicates", f"{out}/keyless/ca"
BUNDLE, DSSE = "application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.dsse.envelope.v1+json"
SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
MANIFEST, INDEX = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
IN_TOTO, STATEMENT = "application/vnd.in-toto+json", "https://in-toto.io/Statement/v1"
SIGN, VULN = "https://sigstore.dev/cosign/sign/v1", "https://cosign.sigstore.dev/attestation/vuln/v1"
SLSA = "https://slsa.dev/provenance/v1"
ISSUER = "https://token.actions.githubusercontent.com"
WORKFLOW = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main"
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
fixtures = []


def compact(value): return json.dumps(value, separators=(",", ":")).encode()
def b64(data): return base64.b64encode(data).decode()
def sha256(data): return "sha256:" + hashlib.sha256(data).hexdigest()
def when(moment): return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- The registry

def call(method, url, data=None, kind=None, accept=f"{INDEX},{MANIFEST}"):
    url = url if url.startswith("http") else f"http://{registry}{url}"
    headers = {"Accept": accept, **({"Content-Type": kind} if kind else {})}
    return urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method))


def found(path):
    try:
        return call("GET", path).read()
    except urllib.error.HTTPError as error:
        if error.code == 404: return None
        raise


def put_blob(repository, data):
    location = call("POST", f"/v2/{repository}/blobs/uploads/", b"").headers["Location"]
    call("PUT", f"{location}{'&' if '?' in location else '?'}digest={sha256(data)}", data, "application/octet-stream")
    return {"size": len(data), "digest": sha256(data)}


def put_manifest(repository, manifest, name=None):
    data = compact(manifest)
    call("PUT", f"/v2/{repository}/manifests/{name or sha256(data)}", data, manifest["mediaType"])
    return {"mediaType": manifest["mediaType"], "size": len(data), "digest": sha256(data)}


class Image:
    """An image in a repository of its own; `platforms` makes it an index."""

    def __init__(self, name, platforms=()):
        self.repository = f"fx/{name}"
        if platforms:
            self.children = [self.push(name, platform, None) for platform in platforms]
            index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": self.children}
            self.top = put_manifest(self.repository, index, "1.0.0")
        else:
            self.children = []
            self.top = self.push(name, "amd64", "1.0.0")

    def push(self, name, architecture, tag):
        content = f"{name} {architecture}\n".encode()
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            entry = tarfile.TarInfo("content.txt")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        config = compact({"created": "2026-01-01T00:00:00Z", "architecture": architecture, "os": "linux",
            "config": {"Labels": {"org.opencontainers.image.source": f"https://git.example/acme/{name}"}},
            "rootfs": {"type": "layers", "diff_ids": [sha256(archive.getvalue())]}})
        layer = gzip.compress(archive.getvalue(), mtime=0)
        pushed = put_manifest(self.repository, {"schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **put_blob(self.repository, config)},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **put_blob(self.repository, layer)}]}, tag)
        return {**pushed, "platform": {"os": "linux", "architecture": architecture}} if tag is None else pushed

    @property
    def digest(self): return self.top["digest"]
    @property
    def hex(self): return self.digest[7:]
    @property
    def ref(self): return f"{registry}/{self.repository}@{self.digest}"

    def attach(self, data, media_type=BUNDLE, artifact_type=None, annotations=None):
        """Pushes a manifest that refers to the image; a registry without the referrers API gets the fallback index too."""
        layer = {"mediaType": media_type, **put_blob(self.repository, data)}
        empty = {"mediaType": "application/vnd.oci.empty.v1+json", **put_blob(self.repository, b"{}")}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": artifact_type or media_type, "config": empty,
            "layers": [layer], "annotations": annotations or {}, "subject": {key: self.top[key] for key in ("mediaType", "size", "digest")}}
        entry = {**put_manifest(self.repository, manifest), "artifactType": manifest["artifactType"]}
        if found(f"/v2/{self.repository}/referrers/{self.digest}") is None:
            name = f"sha256-{self.hex}"
            index = found(f"/v2/{self.repository}/manifests/{name}")
            index = json.loads(index) if index else {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}
            index["manifests"].append(entry)
            put_manifest(self.repository, index, name)

    def tag(self, ending, data, media_type, annotations=None):
        """Puts one layer under the tag made of the digest, as older tools do."""
        layer = {"mediaType": media_type, **put_blob(self.repository, data), "annotations": annotations or {}}
        config = compact({"architecture": "", "os": "", "config": {}, "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}})
        config = {"mediaType": "application/vnd.oci.image.config.v1+json", **put_blob(self.repository, config)}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
        put_manifest(self.repository, manifest, f"sha256-{self.hex}.{ending}")


# --- Signing: by cosign where it makes what is wanted, by hand over the same bytes where it does not

def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode: sys.exit(f"failed: {' '.join(command)}\n{done.stderr[-2000:]}")


NEW = ["--signing-config", f"{out}/work/offline.json", "-y"]
OLD = ["--new-bundle-format=false", "--use-signing-config=false", "--tlog-upload=false", "-y"]


def cosign_sign(image, key="a", how=NEW, *more):
    run("cosign", "sign", "--key", f"{keys}/{key}.key", *how, *more, image.ref)


def cosign_attest(image, kind, predicate, key="a", how=NEW, digest=None):
    with open(f"{work}/predicate.json", "wb") as file: file.write(compact(predicate))
    reference = f"{registry}/{image.repository}@{digest or image.digest}"
    run("cosign", "attest", "--key", f"{keys}/{key}.key", *how, "--type", kind, "--predicate", f"{work}/predicate.json", reference)


def signature(data, key="a"):
    """Returns key's signature over data as cosign makes it."""
    with open(f"{work}/data", "wb") as file: file.write(data)
    run("cosign", "sign-blob", "--key", f"{keys}/{key}.key", *OLD, "--output-signature", f"{work}/signature", f"{work}/data")
    return base64.b64decode(open(f"{work}/signature").read())


def by_hand(key, digest=None):
    """Returns a signer with a key of another kind, for what cosign cannot do."""
    private = serialization.load_pem_private_key(open(f"{work}/{key}.pem", "rb").read(), None)
    return lambda data: private.sign(data, ec.ECDSA(digest)) if digest else private.sign(data)


def statement(image, predicate_type=SIGN, predicate=None, kind=STATEMENT, subject=None):
    subject = [{"digest": {"sha256": image.hex}}] if subject is None else subject
    return {"_type": kind, "subject": subject, "predicateType": predicate_type, "predicate": predicate or {}}


def envelope(payload, signers=("a",), payload_type=IN_TOTO, encode=b64):
    payload = payload if isinstance(payload, bytes) else compact(payload)
    pae = b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)
    made = [signer(pae) if callable(signer) else signature(pae, signer) for signer in signers]
    return {"payload": encode(payload), "payloadType": payload_type, "signatures": [{"sig": b64(one)} for one in made]}


def hint(key):
    public = serialization.load_pem_public_key(open(f"{keys}/{key}.pub", "rb").read())
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b64(hashlib.sha256(der).digest())


def bundle(signed, key="a", media_type=BUNDLE, **more):
    return compact({"mediaType": media_type, "verificationMaterial": {"publicKey": {"hint": hint(key)}}, "dsseEnvelope": signed, **more})


def simple(digest, kind="cosign container image signature"):
    identity = {"docker-reference": f"{registry}/fx/app"}
    return {"critical": {"identity": identity, "image": {"docker-manifest-digest": digest}, "type": kind}, "optional": None}


def simple_tag(image, payload, made=None, ending="sig", media_type=SIMPLE, encode=b64):
    made = signature(payload) if made is None else made
    image.tag(ending, payload, media_type, {"dev.cosignproject.cosign/signature": encode(made)})


# --- The list

def fixture(name, rules, note, formats="cosign-bundle", asks=("signature",), signed_by=("a",), clock=None, cosign=None, platforms=()):
    """Makes an image for the function it decorates to hang evidence on, and lists it; rules that must deny decide what is expected."""
    def make(fill):
        image = Image(f"more-{name}", platforms)
        fill(image)
        listed = {"name": f"more-{name}", "ref": image.ref, "tag": "1.0.0", "formats": formats.split(),
            "expect": "deny" if rules else "allow", "note": note, "rules": list(rules), "asks": list(asks), "signed_by": list(signed_by)}
        if clock: listed["clock"] = clock
        if cosign: listed["cosign"] = cosign
        fixtures.append(listed)
        return image
    return make


SIGNATURE, PROVENANCE, VULNERABILITIES = ["signature"], ["provenance"], ["vulnerabilities"]
other = Image("more-other")
print("signatures: statements", file=sys.stderr)


@fixture("control", [], "made by hand throughout; what the others differ from in one thing")
def _(image): image.attach(bundle(envelope(statement(image))))

@fixture("type-contains", SIGNATURE, "predicate types that only contain the one of a signature", cosign="allow")
def _(image):
    for kind in (f"{SIGN}/more", f"https://evil.example/?{SIGN}", f" {SIGN}"): image.attach(bundle(envelope(statement(image, kind))))

@fixture("type-case", SIGNATURE, "the predicate type of a signature in another case", cosign="allow")
def _(image): image.attach(bundle(envelope(statement(image, SIGN.replace("cosign", "Cosign")))))

@fixture("statement-v01", SIGNATURE, "an in-toto statement of v0.1: a signature is one of v1", cosign="allow")
def _(image): image.attach(bundle(envelope(statement(image, kind="https://in-toto.io/Statement/v0.1"))))

@fixture("statement-v2", SIGNATURE, "a statement of a version that nobody knows", cosign="allow")
def _(image): image.attach(bundle(envelope(statement(image, kind="https://in-toto.io/Statement/v2"))))

@fixture("two-subjects", [], "two subjects, the second is this image")
def _(image):
    subject = [{"digest": {"sha256": one.hex}} for one in (other, image)]
    image.attach(bundle(envelope(statement(image, subject=subject))))

@fixture("no-subject", SIGNATURE, "a statement about nothing")
def _(image): image.attach(bundle(envelope(statement(image, subject=[]))))

@fixture("subject-upper", SIGNATURE, "the subject's digest in upper-case digits")
def _(image): image.attach(bundle(envelope(statement(image, subject=[{"digest": {"sha256": image.hex.upper()}}]))))

@fixture("subject-algorithm-case", SIGNATURE, "the subject's digest under SHA256 instead of sha256")
def _(image): image.attach(bundle(envelope(statement(image, subject=[{"digest": {"SHA256": image.hex}}]))))

@fixture("subject-sha512", SIGNATURE, "the subject's digest is a sha512 only, and another image's")
def _(image):
    digest = hashlib.sha512(b"another image").hexdigest()
    image.attach(bundle(envelope(statement(image, subject=[{"digest": {"sha512": digest}}]))))

@fixture("twice-type", SIGNATURE, "predicateType twice in the signed statement: a signature's, then a scan's")
def _(image):
    payload = compact(statement(image)).replace(b'"predicate":', b'"predicateType":"%s","predicate":' % VULN.encode())
    image.attach(bundle(envelope(payload)))

@fixture("twice-type-reversed", SIGNATURE, "predicateType twice in the signed statement: a scan's, then a signature's")
def _(image):
    payload = compact(statement(image)).replace(b'"predicateType":', b'"predicateType":"%s","predicateType":' % VULN.encode())
    image.attach(bundle(envelope(payload)))

@fixture("twice-digest", SIGNATURE, "sha256 twice in the subject's digest: another image's, then this one's")
def _(image):
    payload = compact(statement(image)).replace(b'"sha256":', b'"sha256":"%s","sha256":' % other.hex.encode())
    image.attach(bundle(envelope(payload)))

@fixture("child-only", SIGNATURE, "both platforms are signed, the index is not", platforms=("amd64", "arm64"))
def _(image):
    for child in image.children: run("cosign", "sign", "--key", f"{keys}/a.key", *NEW, f"{registry}/{image.repository}@{child['digest']}")


print("signatures: envelopes and bundles", file=sys.stderr)

@fixture("dsse-two", [], "an envelope with two signatures, the first by b, the second by a", cosign="deny")
def _(image): image.attach(bundle(envelope(statement(image), ("b", "a"))))

@fixture("payloadtype-case", SIGNATURE, "the payload type in another case, and signed so")
def _(image): image.attach(bundle(envelope(statement(image), payload_type="application/vnd.in-toto+JSON")))

@fixture("payload-base64url", [], "the payload in the URL-safe alphabet, which DSSE allows; the signature is over the decoded bytes")
def _(image):
    signed = envelope(statement(image, predicate={"note": "???>>>~~~"}), encode=lambda data: base64.urlsafe_b64encode(data).decode())
    assert set("-_") & set(signed["payload"])
    image.attach(bundle(signed))

@fixture("bundle-old-type", [], "a bundle v0.3 that writes its media type the older way, within and in the manifest")
def _(image):
    kind = "application/vnd.dev.sigstore.bundle+json;version=0.3"
    image.attach(bundle(envelope(statement(image)), media_type=kind), kind)

@fixture("bundle-as-envelope", SIGNATURE, "a bundle under the media type of a bare envelope")
def _(image): image.tag("att", bundle(envelope(statement(image))), DSSE)

@fixture("bundle-both", SIGNATURE, "a bundle with an envelope and a message signature, of which there may be one")
def _(image):
    message = {"messageDigest": {"algorithm": "SHA2_256", "digest": b64(bytes.fromhex(image.hex))}, "signature": b64(signature(b"x"))}
    image.attach(bundle(envelope(statement(image)), messageSignature=message))

@fixture("message-only", SIGNATURE, "a bundle with a message signature over the image's manifest: not a statement")
def _(image):
    manifest = found(f"/v2/{image.repository}/manifests/{image.digest}")
    message = {"messageDigest": {"algorithm": "SHA2_256", "digest": b64(bytes.fromhex(image.hex))}, "signature": b64(signature(manifest))}
    image.attach(compact({"mediaType": BUNDLE, "verificationMaterial": {"publicKey": {"hint": hint("a")}}, "messageSignature": message}))

@fixture("twice-envelope", SIGNATURE, "dsseEnvelope twice in the bundle: a good one, then one by b")
def _(image):
    good, bad = bundle(envelope(statement(image))), envelope(statement(image), ("b",))
    image.attach(good[:-1] + b',"dsseEnvelope":' + compact(bad) + b"}")

@fixture("trailing", SIGNATURE, "a good bundle and then more text")
def _(image): image.attach(bundle(envelope(statement(image))) + b"{}")

@fixture("envelope-in-sig", SIGNATURE, "an envelope of a signature under the .sig tag, where payloads of the older format stand", "cosign-sig-tag")
def _(image): image.tag("sig", compact(envelope(statement(image))), DSSE)

@fixture("envelope-as-simple", SIGNATURE, "an envelope of a signature under the media type of simple signing", "cosign-sig-tag")
def _(image):
    data = compact(envelope(statement(image)))
    image.tag("sig", data, SIMPLE, {"dev.cosignproject.cosign/signature": b64(signature(data))})

@fixture("scan-in-sig", SIGNATURE, "an envelope of a scan under the .sig tag", "cosign-sig-tag")
def _(image): image.tag("sig", compact(envelope(statement(image, VULN))), DSSE)


print("signatures: simple signing", file=sys.stderr)

@fixture("simple-control", [], "simple signing made by hand", "cosign-sig-tag")
def _(image): simple_tag(image, compact(simple(image.digest)))

@fixture("simple-in-att", [], "a simple-signing payload under the .att tag, its media type tells", "cosign-att-tag", cosign="deny")
def _(image): simple_tag(image, compact(simple(image.digest)), ending="att")

@fixture("simple-type", SIGNATURE, "critical.type is another one", "cosign-sig-tag", cosign="allow")
def _(image): simple_tag(image, compact(simple(image.digest, "a container image that was looked at")))

@fixture("simple-replay", SIGNATURE, "a good signature, of another image", "cosign-sig-tag")
def _(image): simple_tag(image, compact(simple(other.digest)))

@fixture("simple-twice", SIGNATURE, "critical twice: another image's, then this one's", "cosign-sig-tag", cosign="allow")
def _(image):
    first, second = compact(simple(other.digest)["critical"]), compact(simple(image.digest)["critical"])
    simple_tag(image, b'{"critical":' + first + b',"critical":' + second + b',"optional":null}')

@fixture("simple-base64url", SIGNATURE, "the signature in the URL-safe alphabet", "cosign-sig-tag")
def _(image):
    payload, made = compact(simple(image.digest)), b""
    while not set("-_") & set(base64.urlsafe_b64encode(made).decode()): made = signature(payload)
    simple_tag(image, payload, made, encode=lambda data: base64.urlsafe_b64encode(data).decode())

@fixture("simple-reserialised", SIGNATURE, "the signature is over the same payload in other bytes", "cosign-sig-tag")
def _(image):
    payload = simple(image.digest)
    simple_tag(image, json.dumps(payload, indent=1).encode(), signature(compact(payload)))

@fixture("simple-unsigned", SIGNATURE, "no annotation with a signature", "cosign-sig-tag")
def _(image): image.tag("sig", compact(simple(image.digest)), SIMPLE)

@fixture("sbom-tag", [], "signed; an unsigned bill of materials under the .sbom tag changes nothing", "cosign-bundle sbom-tag")
def _(image):
    cosign_sign(image)
    image.tag("sbom", open(f"{predicates}/sbom.spdx.json", "rb").read(), "text/spdx+json")


print("signatures: keys of other kinds", file=sys.stderr)

@fixture("ed25519", [], "Ed25519, a bundle made by hand", signed_by=["ed25519"])
def _(image): image.attach(bundle(envelope(statement(image), [by_hand("ed25519")]), "ed25519"))

@fixture("ed25519-ph", [], "Ed25519ph, as cosign 3.1.1 signs bundles with an Ed25519 key and refuses them itself",
    signed_by=["ed25519"], cosign="deny")
def _(image): cosign_sign(image, "ed25519")

@fixture("ed25519-ph-old", [], "Ed25519ph in the old format, as cosign 3.1.1 signs and refuses", "cosign-sig-tag",
    signed_by=["ed25519"], cosign="deny")
def _(image): cosign_sign(image, "ed25519", OLD)

@fixture("ed25519-old", [], "Ed25519, simple signing over the payload itself", "cosign-sig-tag", signed_by=["ed25519"])
def _(image): simple_tag(image, compact(simple(image.digest)), by_hand("ed25519")(compact(simple(image.digest))))

for key, note, judged in (("p384", "P-384 with SHA-384, as cosign 3.1.1 signs and refuses to verify", "deny"),
        ("rsa2048", "RSA-2048, PKCS #1 v1.5 with SHA-256, by cosign", None)):
    @fixture(key, [], note, signed_by=[key], cosign=judged)
    def _(image): cosign_sign(image, key)

    @fixture(f"{key}-old", [], note + ", in the old format", "cosign-sig-tag", signed_by=[key], cosign=judged)
    def _(image): cosign_sign(image, key, OLD)

@fixture("p384-sha256", [], "P-384 with SHA-256, the only one that cosign 3.1.1 verifies; by hand", signed_by=["p384"])
def _(image): image.attach(bundle(envelope(statement(image), [by_hand("p384", hashes.SHA256())]), "p384"))


print("scans", file=sys.stderr)
OLD_SCAN, NEW_SCAN = "2026-01-02T03:06:30Z", "2026-01-03T03:06:30Z"


def scan(critical, finished=OLD_SCAN, change=lambda vulnerability: None):
    made = json.load(open(f"{predicates}/vuln-{'critical' if critical else 'clean'}.json"))
    made["metadata"] = {"scanStartedOn": finished, "scanFinishedOn": finished} if finished else {}
    if finished: made["scanner"]["result"]["CreatedAt"] = finished
    if critical: change(made["scanner"]["result"]["Results"][0]["Vulnerabilities"][0])
    return made


def scanned(name, rules, note, scans, formats="cosign-bundle vuln", asks=("signature", "vulnerabilities"), vex=(), **more):
    """An image signed by a, with scans as (key, predicate) and VEX documents as (key, type, predicate)."""
    @fixture(name, rules, note, formats, asks, **more)
    def _(image):
        cosign_sign(image)
        for key, predicate in scans: cosign_attest(image, "vuln", predicate, key)
        for key, kind, predicate in vex: cosign_attest(image, kind, predicate, key)


LATELY = ("signature", "vulnerabilities:24h")
scanned("scan-fresh", [], "scanned just now", [("a", scan(False, when(NOW)))], asks=LATELY, clock=when(NOW))
scanned("scan-stale", VULNERABILITIES, "scanned more than 24 hours ago", [("a", scan(False))], asks=LATELY)
scanned("scan-future", VULNERABILITIES, "scanned in the year 2099", [("a", scan(False, "2099-01-01T00:00:00Z"))], asks=LATELY)
scanned("scan-undated", VULNERABILITIES, "does not say when it was scanned", [("a", scan(False, None))], asks=LATELY)
scanned("scan-none", VULNERABILITIES, "no scan at all", [])
scanned("scan-somebody", VULNERABILITIES, "a clean scan, by b", [("b", scan(False))])
scanned("scan-critical-undated", VULNERABILITIES, "a critical without a publication date, which counts as old",
    [("a", scan(True, change=lambda vulnerability: vulnerability.pop("PublishedDate")))])
scanned("scan-critical-case", VULNERABILITIES, "the severity is Critical, not CRITICAL",
    [("a", scan(True, change=lambda vulnerability: vulnerability.update(Severity="Critical")))])
scanned("scan-newer-critical", VULNERABILITIES, "an older clean scan, a newer one with a critical",
    [("a", scan(True, NEW_SCAN)), ("a", scan(False))])
scanned("scan-newer-clean", [], "an older scan with a critical, a newer clean one",
    [("a", scan(False, NEW_SCAN)), ("a", scan(True))])
scanned("scan-somebody-newer", VULNERABILITIES, "a critical by a, a newer clean scan by b",
    [("a", scan(True)), ("b", scan(False, NEW_SCAN))])

@fixture("scan-replay", VULNERABILITIES, "a clean scan of another image, by a", "cosign-bundle vuln", ("signature", "vulnerabilities"))
def _(image):
    cosign_sign(image)
    image.attach(bundle(envelope(statement(other, VULN, scan(False)))))

@fixture("scan-unsigned", VULNERABILITIES, "a clean report that nobody signed", "cosign-bundle trivy-report",
    ("signature", "vulnerabilities"))
def _(image):
    cosign_sign(image)
    image.attach(open(f"{predicates}/trivy-clean.json", "rb").read(), "application/json", "application/vnd.aquasec.trivy.report+json")

@fixture("scan-platform", VULNERABILITIES, "linux/amd64 is clean, linux/arm64 has a critical", "cosign-bundle vuln",
    ("signature", "vulnerabilities"), platforms=("amd64", "arm64"))
def _(image):
    cosign_sign(image)
    for child, critical in zip(image.children, (False, True)): cosign_attest(image, "vuln", scan(critical), digest=child["digest"])


print("VEX", file=sys.stderr)


def openvex(status, vulnerability="CVE-2024-1111", at="2026-01-03T00:00:00Z"):
    made = json.load(open(f"{predicates}/openvex.json"))
    made.update({"@id": f"https://openvex.dev/docs/acme/{status}-{at[:10]}", "timestamp": at})
    said = {"vulnerability": {"name": vulnerability}, "products": [{"@id": "pkg:oci/app"}], "status": status}
    if status == "not_affected": said["justification"] = "vulnerable_code_not_in_execute_path"
    if status == "affected": said["action_statement"] = "update openssl"
    return {**made, "statements": [said]}


def cyclonedx(state):
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "metadata": {"timestamp": "2026-01-03T00:00:00Z"},
        "vulnerabilities": [{"id": "CVE-2024-1111", "analysis": {"state": state, "detail": "looked at"},
            "affects": [{"ref": "pkg:deb/debian/openssl@3.0.9?arch=amd64"}]}]}


def vexed(name, rules, note, *vex): scanned(name, rules, note, [("a", scan(True))], "cosign-bundle vuln openvex", vex=vex)


LATER = "2026-01-04T00:00:00Z"
vexed("vex-somebody", VULNERABILITIES, "not affected, says b", ("b", "openvex", openvex("not_affected")))
vexed("vex-other", VULNERABILITIES, "not affected by another vulnerability", ("a", "openvex", openvex("not_affected", "CVE-2024-2222")))
vexed("vex-investigating", VULNERABILITIES, "under investigation", ("a", "openvex", openvex("under_investigation")))
vexed("vex-newer-affected", VULNERABILITIES, "an older not affected, a newer affected",
    ("a", "openvex", openvex("affected", at=LATER)), ("a", "openvex", openvex("not_affected")))
vexed("vex-newer-not-affected", [], "an older affected, a newer not affected",
    ("a", "openvex", openvex("not_affected", at=LATER)), ("a", "openvex", openvex("affected")))
vexed("vex-cyclonedx", [], "not affected, in CycloneDX", ("a", "cyclonedx", cyclonedx("not_affected")))
vexed("vex-cyclonedx-exploitable", VULNERABILITIES, "exploitable, in CycloneDX", ("a", "cyclonedx", cyclonedx("exploitable")))
vexed("vex-cyclonedx-somebody", VULNERABILITIES, "not affected, in CycloneDX, says b", ("b", "cyclonedx", cyclonedx("not_affected")))


print("provenance", file=sys.stderr)
REPOSITORY = "https://git.example/acme/app"


def slsa1(ref="refs/heads/main", repository=REPOSITORY, dependency=None):
    made = json.load(open(f"{predicates}/slsa1-main.json"))
    made["buildDefinition"]["externalParameters"]["workflow"].update(ref=ref, repository=repository)
    made["buildDefinition"]["resolvedDependencies"][0]["uri"] = dependency or f"git+{repository}@{ref}"
    return made


def slsa02(ref): return json.loads(open(f"{predicates}/slsa02-main.json").read().replace("refs/heads/main", ref))


def built(name, rules, note, predicate, kind="slsaprovenance1", how=NEW, key="a"):
    @fixture(name, rules, note, f"cosign-bundle {kind}" if how is NEW else "cosign-sig-tag cosign-att-tag", ("signature", "provenance"))
    def _(image):
        cosign_sign(image, how=how)
        if predicate: cosign_attest(image, kind, predicate, key, how)


built("built-none", PROVENANCE, "no provenance at all", None)
built("built-dependency", PROVENANCE, "the workflow's repository is right, the source that was fetched is another's",
    slsa1(dependency="git+https://git.example/evil/app@refs/heads/main"))
built("built-dependency-ref", PROVENANCE, "the workflow's ref is main, the source that was fetched is refs/heads/evil's",
    slsa1(dependency=f"git+{REPOSITORY}@refs/heads/evil"))
built("built-repository", PROVENANCE, "from another repository, whose name begins as the right one", slsa1(repository=f"{REPOSITORY}-evil"))
built("built-main2", PROVENANCE, "from refs/heads/main2", slsa1("refs/heads/main2"))
built("built-tag", PROVENANCE, "from refs/tags/v1", slsa1("refs/tags/v1"))
built("built-v02", [], "provenance v0.2 in the old format, from main", slsa02("refs/heads/main"), "slsaprovenance02", OLD)
built("built-v02-evil", PROVENANCE, "provenance v0.2 in the old format, from refs/heads/evil",
    slsa02("refs/heads/evil"), "slsaprovenance02", OLD)
built("built-v02-as-v1", PROVENANCE, "what v0.2 says under the predicate type of v1", slsa02("refs/heads/main"), SLSA)


print("keyless", file=sys.stderr)


def token(ref="refs/heads/main", issuer=ISSUER):
    """A stand-in for the token of a workflow's run; the authority believes anything."""
    part = lambda value: base64.urlsafe_b64encode(compact(value)).rstrip(b"=").decode()
    now = int(time.time())
    claims = {"iss": issuer, "aud": "sigstore", "sub": f"repo:acme/app:ref:{ref}", "iat": now, "exp": now + 3600, "repository": "acme/app",
        "ref": ref, "sha": "1" * 40, "event_name": "push", "job_workflow_ref": f"acme/app/.github/workflows/release.yml@{ref}"}
    return f'{part({"alg": "RS256", "typ": "JWT"})}.{part(claims)}.c2ln'


def cosign_keyless(image, **claims):
    run("cosign", "sign", "--signing-config", f"{work}/keyless.json", "--trusted-root", f"{out}/keyless/trusted_root.json",
        "--identity-token", token(**claims), "-y", image.ref)


def certificate(begins=-1, ends=10, authority=None):
    """Returns a key and its certificate for the right workflow, good from `begins` to `ends`, in minutes from now."""
    issuer_key = serialization.load_pem_private_key(open(f"{ca}/fulcio.key", "rb").read(), None) if authority is None else authority
    issuer = x509.load_pem_x509_certificate(open(f"{ca}/fulcio.pem", "rb").read())
    key = ec.generate_private_key(ec.SECP256R1())
    minutes = lambda number: NOW + datetime.timedelta(minutes=number)
    der = b"\x0c" + bytes([len(ISSUER)]) + ISSUER.encode()
    extension = lambda number, value: x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{number}"), value)
    made = (x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(issuer.subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(minutes(begins)).not_valid_after(minutes(ends))
        .add_extension(x509.KeyUsage(True, False, False, False, False, False, False, False, False), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False)
        .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(WORKFLOW)]), True)
        .add_extension(extension(1, ISSUER.encode()), False).add_extension(extension(8, der), False).sign(issuer_key, hashes.SHA256()))
    return key, made


YEARS = 10 * 365 * 24 * 60


def keyless_bundle(image, key, made, is_timed=True):
    signed = envelope(statement(image), [lambda data: key.sign(data, ec.ECDSA(hashes.SHA256()))])
    material = {"certificate": {"rawBytes": b64(made.public_bytes(serialization.Encoding.DER))}}
    if is_timed:
        with open(f"{work}/stamped", "wb") as file: file.write(base64.b64decode(signed["signatures"][0]["sig"]))
        run("openssl", "ts", "-query", "-data", f"{work}/stamped", "-sha256", "-cert", "-out", f"{work}/query")
        run("openssl", "ts", "-reply", "-config", f"{ca}/tsa.cnf", "-queryfile", f"{work}/query", "-out", f"{work}/reply")
        stamp = b64(open(f"{work}/reply", "rb").read())
        material["timestampVerificationData"] = {"rfc3161Timestamps": [{"signedTimestamp": stamp}]}
    image.attach(compact({"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": signed}))


def keyless(name, rules, note, formats="cosign-bundle keyless", **more):
    return fixture(f"keyless-{name}", rules, note, formats, signed_by=["keyless"], **more)


@keyless("control", [], "made by hand: the right workflow, a certificate that was good at the timestamp")
def _(image): keyless_bundle(image, *certificate())

@keyless("issuer", SIGNATURE, "the right workflow, vouched for by another issuer")
def _(image): cosign_keyless(image, issuer="https://tokens.evil.example")

@keyless("main2", SIGNATURE, "the right workflow of refs/heads/main2")
def _(image): cosign_keyless(image, ref="refs/heads/main2")

@keyless("expired", SIGNATURE, "the certificate had expired an hour before the timestamp")
def _(image): keyless_bundle(image, *certificate(-70, -60))

@keyless("early", SIGNATURE, "the certificate becomes good an hour after the timestamp")
def _(image): keyless_bundle(image, *certificate(60, 70))

@keyless("untimed", SIGNATURE, "nothing proves when it was signed, though the certificate is good for ten years")
def _(image): keyless_bundle(image, *certificate(ends=YEARS), is_timed=False)

@keyless("authority", SIGNATURE, "a certificate of an authority with the right one's name and another key")
def _(image): keyless_bundle(image, *certificate(authority=ec.generate_private_key(ec.SECP256R1())))

@keyless("replay", SIGNATURE, "a good bundle, of another image")
def _(image):
    source = Image("more-keyless-source")
    source.attach = image.attach
    keyless_bundle(source, *certificate())

@keyless("old", SIGNATURE, "the old format with a certificate beside it, good for ten years, and nothing that proves when",
    "cosign-sig-tag keyless", cosign="allow")
def _(image):
    key, made = certificate(ends=YEARS)
    payload = compact(simple(image.digest))
    image.tag("sig", payload, SIMPLE, {"dev.cosignproject.cosign/signature": b64(key.sign(payload, ec.ECDSA(hashes.SHA256()))),
        "dev.sigstore.cosign/certificate": made.public_bytes(serialization.Encoding.PEM).decode(),
        "dev.sigstore.cosign/chain": open(f"{ca}/fulcio.pem").read()})


with open(f"{out}/more/fixtures.json", "w") as file: json.dump({"registry": registry, "fixtures": fixtures}, file, indent=1)
print(f"{len(fixtures)} fixtures -> {out}/more/fixtures.json", file=sys.stderr)
PY
