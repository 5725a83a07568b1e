
# Git works in bare clones of this script's own: no working tree, index or hook is touched.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
export GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=/bin/false GIT_EDITOR=true PAGER=cat
export GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-ssh -oBatchMode=yes -oConnectTimeout=10 -oServerAliveInterval=5 -oServerAliveCountMax=2}"
if ! git config user.email >/dev/null; then
  export GIT_AUTHOR_NAME="${USER:-rollback}" GIT_AUTHOR_EMAIL="${USER:-rollback}@$(hostname)"
  export GIT_COMMITTER_NAME="$GIT_AUTHOR_NAME" GIT_COMMITTER_EMAIL="$GIT_AUTHOR_EMAIL"
fi
git_options=(-c core.hooksPath=/dev/null -c core.fsmonitor=false -c protocol.ext.allow=never
  -c http.lowSpeedLimit=1 -c http.lowSpeedTime=10)

forge() { git --git-dir="$bare" "${git_options[@]}" --literal-pathspecs "$@"; }

# open_repository URL: its bare clone becomes $bare.
open_repository() {
  bare=$work/$(printf '%s' "$1" | git hash-object --stdin).git
  [ -d "$bare" ] || git "${git_options[@]}" clone --quiet --bare --template= -- "$1" "$bare" </dev/null
  [ "$(forge rev-parse --is-shallow-repository)" = false ] || fail "$1 is a shallow repository"
}

# tip BRANCH: the commit that the branch has at this moment.
tip() {
  forge fetch --quiet origin "+refs/heads/$1:refs/remotes/origin/$1" </dev/null ||
    fail "the branch $1 cannot be fetched"
  forge rev-parse --verify "refs/remotes/origin/$1^{commit}"
}

# commit_of NAME: a branch's tip, a tag or a commit.
commit_of() {
  if forge show-ref --quiet --verify "refs/heads/$1"; then
    tip "$1"
  else
    forge rev-parse --verify --quiet "$1^{commit}" || fail "there is no branch, tag or commit $1"
  fi
}

# push_tree BRANCH BASE TREE MESSAGE STEP: the pushed commit becomes $sha; BASE where nothing changes.
push_tree() {
  if [ "$3" = "$(forge rev-parse "$2^{tree}")" ]; then
    note "already so on $1: nothing to commit"
    sha=$2
    return
  fi
  sha=$(printf '%s\n\nRollback-Run: %s/%s\n' "$4" "$run_id" "$5" | forge commit-tree "$3" -p "$2")
  forge push --quiet --atomic origin "$sha:refs/heads/$1" </dev/null || fail "the push to $1 was refused"
  note "pushed $sha to $1"
}

# restore_files BRANCH FROM MESSAGE STEP PATH...: the pushed commit becomes $sha.
restore_files() {
  local branch=$1 base from tree path message=$3 step=$4
  base=$(tip "$1")
  from=$(commit_of "$2")
  shift 4
  export GIT_INDEX_FILE=$work/index
  forge read-tree "$base"
  for path in "$@"; do
    forge cat-file -e "$from:$path" || fail "$path does not exist there"
    forge ls-tree -r -z --full-tree --format='0 %(objectname)%x09%(path)' "$base" -- "$path" |
      forge update-index -z --index-info
    forge ls-tree -r -z --full-tree "$from" -- "$path" | forge update-index -z --index-info
  done
  tree=$(forge write-tree)
  unset GIT_INDEX_FILE
  push_tree "$branch" "$base" "$tree" "$message" "$step"
}

# revert_commits BRANCH MAINLINE MESSAGE STEP COMMIT...: the pushed commit becomes $sha.
# MAINLINE is the parent that stays, for merge commits; 0 where there is none.
revert_commits() {
  local branch=$1 mainline=$2 message=$3 step=$4 base now commit tree parents
  base=$(tip "$branch")
  now=$base
  shift 4
  for commit in "$@"; do
    commit=$(forge rev-parse --verify --quiet "$commit^{commit}") || fail "there is no such commit"
    forge merge-base --is-ancestor "$commit" "$base" || fail "$commit is not on $branch"
    parents=$(forge rev-list --parents -n 1 "$commit" | wc -w)
    [ "$parents" -le 2 ] || [ "$mainline" -gt 0 ] || fail "$commit is a merge: name its mainline"
    tree=$(forge merge-tree --write-tree --merge-base="$commit" "$now" \
      "$commit^$((mainline > 0 ? mainline : 1))") || fail "$commit cannot be reverted: conflicts"
    now=$(printf 'revert\n' | forge commit-tree "$tree" -p "$now")
  done
  push_tree "$branch" "$base" "$tree" "$message" "$step"
}

# commit_with_subject BRANCH SUBJECT: prints the one commit with exactly this subject.
commit_with_subject() {
  local on found
  on=$(tip "$1") || exit
  found=$(forge log --format='%H %s' "$on" |
    SUBJECT=$2 awk 'substr($0, index($0, " ") + 1) == ENVIRON["SUBJECT"] { print $1 }')
  case $found in
  '') fail "no commit on $1 has the subject: $2" ;;
  *$'\n'*) fail "several commits on $1 have the subject: $2" ;;
  esac
  printf '%s\n' "$found"
}

# rollback_branch NEW ON COMMIT: pushes a new branch; refuses one that is there.
rollback_branch() {
  local on
  on=$(tip "$2")
  forge merge-base --is-ancestor "$3" "$on" || fail "$3 is not on $2"
  forge push --quiet --atomic --force-with-lease="refs/heads/$1:" origin "$3:refs/heads/$1" </dev/null ||
    fail "the branch $1 could not be pushed"
  note "pushed $3 as $1"
}

# checkout SHA STEP: prints a directory with this commit, freshly checked out.
checkout() {
  local dir=$work/checkout-$2
  [ -d "$dir" ] || forge worktree add --quiet --detach "$dir" "$1" >&2 || exit
  printf '%s\n' "$dir"
}
