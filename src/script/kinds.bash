
# undo WORKLOAD REVISION IMAGE: goes back to a revision; by its image, or as the operator says.
undo() {
  local workload=$1 revision=$2 image=$3 number images
  images=$(kube get "$workload" -o jsonpath='{.spec.template.spec.containers[*].image}')
  if [ -n "$image" ]; then
    if grep -qFx -- "$image" <<<"${images// /$'\n'}"; then
      note "already there: $workload runs $image"
      return 0
    fi
    for number in $(kube rollout history "$workload" | grep -oE '^[0-9]+' | sort -rn); do
      if kube rollout history "$workload" --revision="$number" | grep -qE "Image:[[:space:]]+" &&
        kube rollout history "$workload" --revision="$number" | sed -n 's/^ *Image:[[:space:]]*//p' |
        grep -qFx -- "$image"; then
        revision=$number
        break
      fi
    done
    [ -n "$revision" ] || fail "no revision of $workload has the image $image"
  fi
  if [ -z "$revision" ]; then
    kube rollout history "$workload" >&2
    note "it runs: $images"
    read -r -p "Which revision of $workload was the last good one? (empty: it runs already) " revision || true
    [ -n "$revision" ] || return 0
  fi
  kube rollout undo "$workload" --to-revision="$revision"
}

# measures SECONDS HOLD TIMEOUT CONDITION URL QUERY CURL-ARGS...: asks Prometheus until its one number
# has been within the bound for HOLD seconds. No number is never within it.
measures() {
  local seconds=$1 hold=$2 timeout=$3 condition=$4 url=$5 query=$6
  shift 6
  local since='' end=$((SECONDS + seconds))
  while :; do
    curl -q --silent --get --output "$work/body" --max-time "$timeout" --data-urlencode "query=$query" \
      "$@" "${url%/}/api/v1/query" </dev/null || : >"$work/body"
    if jq -e '.status == "success" and ((.warnings // []) | length == 0) and (.data |
        (if .resultType == "scalar" then [.result] else [.result[].value] end) |
        length == 1 and (.[0][1] | test("^[-+]?[0-9]") and (tonumber | '"$condition"')))' \
      "$work/body" >/dev/null 2>&1; then
      since=${since:-$SECONDS}
      [ $((SECONDS - since)) -lt "$hold" ] || return 0
    else
      since=
      note "not yet: $(jq -c '.data.result // .error' "$work/body" 2>/dev/null || true)"
    fi
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 1
  done
}

# apply_from REF SECONDS PATH...: manifests as they are at a ref of the opened repository.
apply_from() {
  local ref=$1 seconds=$2 sha
  shift 2
  sha=$(commit_of "$ref")
  rm -rf -- "$work/manifests"
  mkdir "$work/manifests"
  forge archive "$sha" -- "$@" | tar -x -C "$work/manifests"
  kube diff -R -f "$work/manifests" >&2 || [ $? -eq 1 ] || fail "the API server refuses the manifests"
  kube apply -R -f "$work/manifests"
  note "wait for their rollouts: kubectl rollout status, at most ${seconds}s each"
}

# restore_snapshot NAME: ConfigMaps and pod templates as a snapshot file has them.
restore_snapshot() {
  local file="${XDG_STATE_HOME:-$HOME/.local/state}/rollback/snapshots/$1.json" name patch
  [ -r "$file" ] || fail "there is no snapshot $1 ($file)"
  for name in $(jq -r '.snapshot.configmaps | keys[]' "$file"); do
    patch=$(kube get configmap "$name" -o json | jq -c --slurpfile snapshot "$file" \
      '[{op: "test", path: "/metadata/resourceVersion", value: .metadata.resourceVersion},
        {op: "add", path: "/data", value: $snapshot[0].snapshot.configmaps["'"$name"'"]}]')
    kube patch configmap "$name" --type=json -p "$patch"
  done
  for name in $(jq -r '.snapshot.workloads | keys[]' "$file"); do
    patch=$(jq -c '[{op: "replace", path: "/spec/template", value: .snapshot.workloads["'"$name"'"]}]' "$file")
    kube patch "$name" --type=json -p "$patch"
    rolled_out 120 "$name"
  done
}
