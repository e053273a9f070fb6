#!/usr/bin/env python3
"""Measures promote-bot against kustomize, both in one run, interleaved; prints medians and their ratio.

  overlays.py generated [--overlays N] [--runs N]
      a repository of N overlays on shared bases (5,000 unless given), made anew in a temporary directory:
      `check --offline` of a one-line change in one overlay, and of one in a base that all share
  overlays.py repository GIT_DIRECTORY REVISION [--runs N]
      every kustomization of a revision: `images` over all of them against one `kustomize build` each,
      and `check --offline` of the newest first-parent commits that touch a kustomization

PROMOTE_BOT and KUSTOMIZE name the binaries; target/release/promote-bot and kustomize unless set. Nothing is fetched.
"""
import argparse, os, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
PROMOTE_BOT = os.environ.get("PROMOTE_BOT", os.path.join(HERE, "..", "target", "release", "promote-bot"))
KUSTOMIZE = os.environ.get("KUSTOMIZE", "kustomize")
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_GLOBAL": "/dev/null", "LC_ALL": "C"}
NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: app
spec:
  template:
    spec:
      containers:
        - name: app
          image: registry.example/app:1.0.0
"""


def timed(command, **options):
    """Seconds and peak memory in KiB of one run; what it prints is dropped."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT, **options)
    _, _, usage = os.wait4(process.pid, 0)
    return time.perf_counter() - begun, usage.ru_maxrss


def git(directory, *arguments, **options):
    identity = ["-c", "user.name=b", "-c", "user.email=b@example.com"]
    run = subprocess.run(["git", "-C", directory, *identity, *arguments], env=ENVIRONMENT, capture_output=True, check=True, **options)
    return run.stdout.decode(errors="surrogateescape")


def row(what, runs, note=""):
    seconds, memory = statistics.median(s for s, _ in runs), max(m for _, m in runs)
    print(f"| {what} | {seconds * 1000:.0f} ms | {memory // 1024} MiB | {note} |")
    return seconds


def write(root, path, text):
    path = os.path.join(root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def generated(arguments):
    with tempfile.TemporaryDirectory() as root:
        write(root, "promote-bot.yaml", "version: 1\nenvironments:\n  production:\n    overlays: 'apps/*/production'\n    registry: registry.example\n")
        for base in range(20):
            write(root, f"bases/b{base}/kustomization.yaml", "resources: [deployment.yaml]\n")
            write(root, f"bases/b{base}/deployment.yaml", DEPLOYMENT)
        for app in range(arguments.overlays):
            text = f"resources:\n- ../../../bases/b{app % 20}\nnameSuffix: -a{app}\nimages:\n- name: registry.example/app\n  newTag: 1.0.{app}\n"
            write(root, f"apps/a{app}/production/kustomization.yaml", text)
        git(root, "init", "-q")
        git(root, "add", ".")
        git(root, "commit", "-qm", "base")
        one = os.path.join(root, "apps/a7/production/kustomization.yaml")
        write(root, os.path.relpath(one, root), open(one).read().replace("1.0.7", "2.0.0"))
        git(root, "commit", "-qam", "one line")
        write(root, "bases/b3/deployment.yaml", DEPLOYMENT.replace("1.0.0", "1.0.0 # new"))
        git(root, "commit", "-qam", "a base")
        print(f"| {arguments.overlays} overlays | median of {arguments.runs} | peak memory | |\n|---|---|---|---|")
        check = [PROMOTE_BOT, "-C", root, "check", "--offline"]
        for what, base, head in [
            ("check of a one-line change, two commits", "HEAD~2", "HEAD~1"),
            ("check of a base that every 20th shares", "HEAD~1", "HEAD"),
            ("check of a one-line change, work tree", "HEAD", "worktree"),
        ]:
            if head == "worktree":
                write(root, os.path.relpath(one, root), open(one).read().replace("2.0.0", "3.0.0"))
            row(what, [timed([*check, "--base", base, "--head", head]) for _ in range(arguments.runs)])


def repository(arguments):
    paths = git(arguments.git, "ls-tree", "-r", "--name-only", "-z", arguments.revision).split("\0")
    overlays = sorted({os.path.dirname(path) or "." for path in paths if os.path.basename(path) in NAMES})
    with tempfile.TemporaryDirectory() as root:
        archive = subprocess.Popen(["git", "-C", arguments.git, "archive", arguments.revision], stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", root], stdin=archive.stdout, check=True)
        listed = os.path.join(root, "..", os.path.basename(root) + ".overlays")
        with open(listed, "w") as file:
            file.write("\n".join(overlays) + "\n")
        images = [PROMOTE_BOT, "-C", arguments.git, "images", "--rev", arguments.revision, "--overlays-from", listed]
        images += ["--load-restrictor", "none", "-f", "json"]
        ours, theirs = [], []
        for _ in range(arguments.runs):
            ours.append(timed(images))
            build = [KUSTOMIZE, "build", "--load-restrictor", "LoadRestrictionsNone"]
            each = [timed([*build, os.path.join(root, overlay)]) for overlay in overlays]
            theirs.append((sum(s for s, _ in each), max(m for _, m in each)))
        os.unlink(listed)
        print(f"| {len(overlays)} overlays | median of {arguments.runs} | peak memory | |\n|---|---|---|---|")
        seconds = row("promote-bot images", ours)
        peer = statistics.median(s for s, _ in theirs)
        row("kustomize build, each", theirs, f"{peer / seconds:.0f} times as long")
        commits = git(arguments.git, "log", "--first-parent", "--format=%H", "-n", "20", arguments.revision, "--", "*kustomization.y*ml").split()
        checks = []
        config = os.path.join(root, "promote-bot.yaml")
        for commit in commits:
            base = git(arguments.git, "rev-parse", commit + "^").strip()
            command = [PROMOTE_BOT, "-C", arguments.git, "check", "--offline", "--base", base, "--head", commit]
            checks += [timed(command) for _ in range(3)]
        if checks:
            slowest = max(s for s, _ in checks)
            row(f"check --offline of {len(commits)} commits", checks, f"slowest {slowest * 1000:.0f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("generated")
    one.add_argument("--overlays", type=int, default=5000)
    two = commands.add_parser("repository")
    two.add_argument("git")
    two.add_argument("revision")
    for command in (one, two):
        command.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    {"generated": generated, "repository": repository}[arguments.command](arguments)


if __name__ == "__main__":
    sys.exit(main())
