#!/bin/sh
# Judge what is about to be pushed. Skip once with: git push --no-verify
while read -r _ head _ base; do
  case $head in *[!0]*) ;; *) continue ;; esac # a deletion
  case $base in *[!0]*) ;; *) base= ;; esac    # a new branch: promote-bot finds the merge base
  promote-bot check --head "$head" ${base:+--base "$base"} || exit
done
