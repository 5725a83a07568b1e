run_stamp=$(date -u +%Y%m%d-%H%M%S)
run_id="script-$run_stamp-$$"
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 130' INT TERM HUP

say() { printf '\n== %s\n' "$*" >&2; }
note() { printf '   %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Asks; anything but y is no.
confirm() {
  local answer=
  read -r -p "$1 [y/N] " answer || true
  case $answer in [yY] | [yY][eE][sS]) ;; *) fail "stopped by the operator" ;; esac
}

# Asks for a name to be typed.
confirm_name() {
  local answer=
  read -r -p "$1 Type $2 to go on: " answer || true
  [ "$answer" = "$2" ] || fail "stopped by the operator"
}

kube() {
  kubectl ${context:+--context "$context"} --namespace "$namespace" --request-timeout=30s "$@" </dev/null
}

# limit SECONDS COMMAND...: ends the command after so many seconds, where this machine can.
limit() {
  local seconds=$1
  shift
  if command -v timeout >/dev/null; then
    timeout --kill-after=10 "$seconds" "$@" </dev/null
  else
    "$@" </dev/null
  fi
}

# require_key CONFIGMAP KEY: a key that is not there is a misspelling.
require_key() {
  local keys
  keys=$(kube get configmap "$1" -o go-template='{{range $key, $value := .data}}{{$key}}{{"\n"}}{{end}}')
  grep -qFx -- "$2" <<<"$keys" || fail "configmap/$1 has no key $2 (it has: ${keys//$'\n'/ })"
}

# require_env WORKLOAD CONTAINER KEY: the same for a container's env; the container may be empty.
require_env() {
  local names keys
  names=$(kube get "$1" -o jsonpath='{.spec.template.spec.containers[*].name}')
  if [ -n "$2" ]; then
    grep -qFx -- "$2" <<<"${names// /$'\n'}" || fail "$1 has no container $2 (it has: $names)"
  else
    [ "$names" = "${names%% *}" ] || fail "$1 has several containers, say which: $names"
  fi
  [ -n "$3" ] || return 0
  keys=$(kube get "$1" -o jsonpath="{.spec.template.spec.containers[?(@.name==\"${2:-$names}\")].env[*].name}")
  grep -qFx -- "$3" <<<"${keys// /$'\n'}" || fail "$1 has no env $3 (it has: $keys)"
}

# rolled_out SECONDS WORKLOAD...: waits for each.
rolled_out() {
  local seconds=$1 workload
  shift
  for workload in "$@"; do
    limit "$((seconds + 5))" kubectl ${context:+--context "$context"} --namespace "$namespace" \
      rollout status "$workload" --timeout="${seconds}s" || fail "$workload is not rolled out"
  done
}

# answers SECONDS CONSECUTIVE TIMEOUT STATUSES TEXT JQ CURL-ARGS...: asks until the answer is
# right so often in a row, or the time is over. A redirect is not followed and is not right.
answers() {
  local seconds=$1 wanted=$2 timeout=$3 statuses=$4 text=$5 jq=$6
  shift 6
  local good=0 end=$((SECONDS + seconds)) status why
  while :; do
    status=$(curl -q --silent --globoff --output "$work/body" --write-out '%{http_code}' \
      --max-time "$timeout" --max-filesize 1048576 "$@" </dev/null) || true
    why=
    case " $statuses " in *" $status "*) ;; *) why="status ${status:-000}" ;; esac
    if [ -z "$why" ] && [ -n "$text" ]; then
      grep -qF -- "$text" "$work/body" || why="the body does not hold: $text"
    fi
    if [ -z "$why" ] && [ -n "$jq" ]; then
      jq -e "$jq" "$work/body" >/dev/null 2>&1 || why="the JSON is not: $jq"
    fi
    if [ -z "$why" ]; then
      good=$((good + 1))
      [ "$good" -lt "$wanted" ] || return 0
    else
      good=0
      note "not yet: $why"
    fi
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 1
  done
}
