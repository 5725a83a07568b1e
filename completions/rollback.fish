# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_rollback_global_optspecs
    string join \n runbooks= o/output= color= h/help V/version
end

function __fish_rollback_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_rollback_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_rollback_using_subcommand
    set -l cmd (__fish_rollback_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c rollback -n "__fish_rollback_needs_command" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_needs_command" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_needs_command" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_needs_command" -s V -l version -d 'Print version'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "component" -d 'Roll one component back'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "service" -d 'Roll one service back, with all its components'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "system" -d 'Roll the whole system back: the last resort'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "rehearse" -d 'Rehearse a rollback in a sandbox on this machine; nothing outside is touched'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "resume" -d 'Go on with a run that was stopped, killed or cut off'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "validate" -d 'Validate a run: ask and watch what can be asked, answer what a person must see'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "report" -d 'Write the analysis report of a run, with gaps for what only people know'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "update" -d 'Print a short text to paste, true as of the run\'s last record'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "contacts" -d 'Say who decides, who executes and who communicates'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "recovery" -d 'Show the recovery plan of a run, tick it off, or export it'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "forward" -d 'Go forward again: set the values from before a rollback, once its criteria are ticked off'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "status" -d 'Say who is rolling back the catalog\'s environment, from any machine'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "unlock" -d 'Free the lock that a dead run has left behind'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "runs" -d 'List the runs of this machine, or tell the story of one'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "snapshot" -d 'Write down ConfigMaps, pod templates and branches before a migration, to restore them later'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "triggers" -d 'Evaluate the reasons to roll back, now'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "watch" -d 'Watch the triggers, and tell, ask or act'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "metrics" -d 'Show what is measured, with its targets; before and after a run with `--run`'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "list" -d 'List the runbooks of the catalog'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "show" -d 'Show a runbook: its steps, parameters and where they come from. Asks nothing of the world'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "lint" -d 'Check every file of the catalog and say all that is wrong, at once'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "flags" -d 'Show every flag of the catalog as it is in the live system'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "ready" -d 'Survey every runbook against the live system and name what has rotted. Changes nothing'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "schema" -d 'Print the JSON Schema of the format, for editors, or its reference page'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "completions" -d 'Print a completion script for a shell, or write those of all shells to a directory'
complete -c rollback -n "__fish_rollback_needs_command" -f -a "man" -d 'Write the man pages to a directory'
complete -c rollback -n "__fish_rollback_using_subcommand component" -s m -l method -d 'The method; without it the first of the runbook' -r
complete -c rollback -n "__fish_rollback_using_subcommand component" -s p -l param -d 'Give a parameter its value. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand component" -l confirm -d 'Answer the question for the target\'s name (a service\'s, `system`; a component\'s, where a step asks for it) with it' -r
complete -c rollback -n "__fish_rollback_using_subcommand component" -l decided-by -d 'Who decided on this rollback; asked for at system level' -r
complete -c rollback -n "__fish_rollback_using_subcommand component" -l reason -d 'Why; kept in the journal' -r
complete -c rollback -n "__fish_rollback_using_subcommand component" -l trigger -d 'The trigger that called for it; kept in the journal. See `rollback triggers`' -r
complete -c rollback -n "__fish_rollback_using_subcommand component" -l incident -d 'The incident this belongs to; kept in the journal' -r
complete -c rollback -n "__fish_rollback_using_subcommand component" -l approve -d 'Run a plan that needs somebody else\'s approval: the digest that was approved' -r
complete -c rollback -n "__fish_rollback_using_subcommand component" -l approved-by -d 'Who approved; a claim that is kept in the journal' -r
complete -c rollback -n "__fish_rollback_using_subcommand component" -l break-glass -d 'Run without the approval that is needed, and say why; everybody is told' -r
complete -c rollback -n "__fish_rollback_using_subcommand component" -l skip-blocked -d 'Leave this step out if the survey finds it blocked. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand component" -l answer -d 'Answer a manual step or a step in doubt. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand component" -l lock-timeout -d 'Wait so long for the lock; without it, a lock that is held ends the command at once (exit 7)' -r
complete -c rollback -n "__fish_rollback_using_subcommand component" -l lease -d 'How long the lock lasts without being renewed (15s)' -r
complete -c rollback -n "__fish_rollback_using_subcommand component" -l survey-timeout -d 'How long the survey may take before what is missing is said to be unanswered' -r
complete -c rollback -n "__fish_rollback_using_subcommand component" -l escalated-from -d 'The run that escalated to this one' -r
complete -c rollback -n "__fish_rollback_using_subcommand component" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand component" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand component" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand component" -s n -l dry-run -d 'Survey the live system and show the plan; change nothing'
complete -c rollback -n "__fish_rollback_using_subcommand component" -s y -l yes -d 'Answer ordinary y/N questions with yes'
complete -c rollback -n "__fish_rollback_using_subcommand component" -l no-input -d 'Never ask: what needs an answer and has none is declined (exit 6)'
complete -c rollback -n "__fish_rollback_using_subcommand component" -l preempt -d 'Ask a run of a lower level to stop after its step, and wait for it'
complete -c rollback -n "__fish_rollback_using_subcommand component" -l without-lock -d 'Go on where the cluster\'s lock can be neither taken nor renewed; one that is held stays held'
complete -c rollback -n "__fish_rollback_using_subcommand component" -l now -d 'Wait only for the first step\'s survey; later steps are surveyed when their turn comes'
complete -c rollback -n "__fish_rollback_using_subcommand component" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand service" -s m -l method -d 'The method; without it the first of the runbook' -r
complete -c rollback -n "__fish_rollback_using_subcommand service" -s p -l param -d 'Give a parameter its value. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand service" -l confirm -d 'Answer the question for the target\'s name (a service\'s, `system`; a component\'s, where a step asks for it) with it' -r
complete -c rollback -n "__fish_rollback_using_subcommand service" -l decided-by -d 'Who decided on this rollback; asked for at system level' -r
complete -c rollback -n "__fish_rollback_using_subcommand service" -l reason -d 'Why; kept in the journal' -r
complete -c rollback -n "__fish_rollback_using_subcommand service" -l trigger -d 'The trigger that called for it; kept in the journal. See `rollback triggers`' -r
complete -c rollback -n "__fish_rollback_using_subcommand service" -l incident -d 'The incident this belongs to; kept in the journal' -r
complete -c rollback -n "__fish_rollback_using_subcommand service" -l approve -d 'Run a plan that needs somebody else\'s approval: the digest that was approved' -r
complete -c rollback -n "__fish_rollback_using_subcommand service" -l approved-by -d 'Who approved; a claim that is kept in the journal' -r
complete -c rollback -n "__fish_rollback_using_subcommand service" -l break-glass -d 'Run without the approval that is needed, and say why; everybody is told' -r
complete -c rollback -n "__fish_rollback_using_subcommand service" -l skip-blocked -d 'Leave this step out if the survey finds it blocked. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand service" -l answer -d 'Answer a manual step or a step in doubt. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand service" -l lock-timeout -d 'Wait so long for the lock; without it, a lock that is held ends the command at once (exit 7)' -r
complete -c rollback -n "__fish_rollback_using_subcommand service" -l lease -d 'How long the lock lasts without being renewed (15s)' -r
complete -c rollback -n "__fish_rollback_using_subcommand service" -l survey-timeout -d 'How long the survey may take before what is missing is said to be unanswered' -r
complete -c rollback -n "__fish_rollback_using_subcommand service" -l escalated-from -d 'The run that escalated to this one' -r
complete -c rollback -n "__fish_rollback_using_subcommand service" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand service" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand service" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand service" -s n -l dry-run -d 'Survey the live system and show the plan; change nothing'
complete -c rollback -n "__fish_rollback_using_subcommand service" -s y -l yes -d 'Answer ordinary y/N questions with yes'
complete -c rollback -n "__fish_rollback_using_subcommand service" -l no-input -d 'Never ask: what needs an answer and has none is declined (exit 6)'
complete -c rollback -n "__fish_rollback_using_subcommand service" -l preempt -d 'Ask a run of a lower level to stop after its step, and wait for it'
complete -c rollback -n "__fish_rollback_using_subcommand service" -l without-lock -d 'Go on where the cluster\'s lock can be neither taken nor renewed; one that is held stays held'
complete -c rollback -n "__fish_rollback_using_subcommand service" -l now -d 'Wait only for the first step\'s survey; later steps are surveyed when their turn comes'
complete -c rollback -n "__fish_rollback_using_subcommand service" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand system" -s m -l method -d 'The method; without it the first of the runbook' -r
complete -c rollback -n "__fish_rollback_using_subcommand system" -s p -l param -d 'Give a parameter its value. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand system" -l confirm -d 'Answer the question for the target\'s name (a service\'s, `system`; a component\'s, where a step asks for it) with it' -r
complete -c rollback -n "__fish_rollback_using_subcommand system" -l decided-by -d 'Who decided on this rollback; asked for at system level' -r
complete -c rollback -n "__fish_rollback_using_subcommand system" -l reason -d 'Why; kept in the journal' -r
complete -c rollback -n "__fish_rollback_using_subcommand system" -l trigger -d 'The trigger that called for it; kept in the journal. See `rollback triggers`' -r
complete -c rollback -n "__fish_rollback_using_subcommand system" -l incident -d 'The incident this belongs to; kept in the journal' -r
complete -c rollback -n "__fish_rollback_using_subcommand system" -l approve -d 'Run a plan that needs somebody else\'s approval: the digest that was approved' -r
complete -c rollback -n "__fish_rollback_using_subcommand system" -l approved-by -d 'Who approved; a claim that is kept in the journal' -r
complete -c rollback -n "__fish_rollback_using_subcommand system" -l break-glass -d 'Run without the approval that is needed, and say why; everybody is told' -r
complete -c rollback -n "__fish_rollback_using_subcommand system" -l skip-blocked -d 'Leave this step out if the survey finds it blocked. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand system" -l answer -d 'Answer a manual step or a step in doubt. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand system" -l lock-timeout -d 'Wait so long for the lock; without it, a lock that is held ends the command at once (exit 7)' -r
complete -c rollback -n "__fish_rollback_using_subcommand system" -l lease -d 'How long the lock lasts without being renewed (15s)' -r
complete -c rollback -n "__fish_rollback_using_subcommand system" -l survey-timeout -d 'How long the survey may take before what is missing is said to be unanswered' -r
complete -c rollback -n "__fish_rollback_using_subcommand system" -l escalated-from -d 'The run that escalated to this one' -r
complete -c rollback -n "__fish_rollback_using_subcommand system" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand system" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand system" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand system" -s n -l dry-run -d 'Survey the live system and show the plan; change nothing'
complete -c rollback -n "__fish_rollback_using_subcommand system" -s y -l yes -d 'Answer ordinary y/N questions with yes'
complete -c rollback -n "__fish_rollback_using_subcommand system" -l no-input -d 'Never ask: what needs an answer and has none is declined (exit 6)'
complete -c rollback -n "__fish_rollback_using_subcommand system" -l preempt -d 'Ask a run of a lower level to stop after its step, and wait for it'
complete -c rollback -n "__fish_rollback_using_subcommand system" -l without-lock -d 'Go on where the cluster\'s lock can be neither taken nor renewed; one that is held stays held'
complete -c rollback -n "__fish_rollback_using_subcommand system" -l now -d 'Wait only for the first step\'s survey; later steps are surveyed when their turn comes'
complete -c rollback -n "__fish_rollback_using_subcommand system" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l fault -d 'Something to go wrong. May be repeated' -r -f -a "permission-denied\t'The operator may not change anything in the cluster'
missing-workload\t'The workloads are not there'
crash-loop\t'The new pods crash'
slow-rollout\t'New pods take long to become ready'
health-500\t'The health endpoints stay at 500 whatever is done'
git-conflict\t'The commit that is reverted conflicts with a later one'
push-refused\t'The git server refuses the push'"
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l pod-start -d 'How long a pod takes to become ready' -r
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -s m -l method -d 'The method; without it the first of the runbook' -r
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -s p -l param -d 'Give a parameter its value. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l confirm -d 'Answer the question for the target\'s name (a service\'s, `system`; a component\'s, where a step asks for it) with it' -r
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l decided-by -d 'Who decided on this rollback; asked for at system level' -r
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l reason -d 'Why; kept in the journal' -r
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l trigger -d 'The trigger that called for it; kept in the journal. See `rollback triggers`' -r
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l incident -d 'The incident this belongs to; kept in the journal' -r
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l approve -d 'Run a plan that needs somebody else\'s approval: the digest that was approved' -r
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l approved-by -d 'Who approved; a claim that is kept in the journal' -r
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l break-glass -d 'Run without the approval that is needed, and say why; everybody is told' -r
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l skip-blocked -d 'Leave this step out if the survey finds it blocked. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l answer -d 'Answer a manual step or a step in doubt. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l lock-timeout -d 'Wait so long for the lock; without it, a lock that is held ends the command at once (exit 7)' -r
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l lease -d 'How long the lock lasts without being renewed (15s)' -r
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l survey-timeout -d 'How long the survey may take before what is missing is said to be unanswered' -r
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l escalated-from -d 'The run that escalated to this one' -r
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -s n -l dry-run -d 'Survey the live system and show the plan; change nothing'
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -s y -l yes -d 'Answer ordinary y/N questions with yes'
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l no-input -d 'Never ask: what needs an answer and has none is declined (exit 6)'
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l preempt -d 'Ask a run of a lower level to stop after its step, and wait for it'
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l without-lock -d 'Go on where the cluster\'s lock can be neither taken nor renewed; one that is held stays held'
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -l now -d 'Wait only for the first step\'s survey; later steps are surveyed when their turn comes'
complete -c rollback -n "__fish_rollback_using_subcommand rehearse" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand resume" -l confirm -d 'Answer the question for the target\'s name with it' -r
complete -c rollback -n "__fish_rollback_using_subcommand resume" -l lock-timeout -d 'Wait so long for the lock; without it, a lock that is held ends the command at once (exit 7)' -r
complete -c rollback -n "__fish_rollback_using_subcommand resume" -l lease -d 'How long the lock lasts without being renewed (15s)' -r
complete -c rollback -n "__fish_rollback_using_subcommand resume" -l answer -d 'Answer a manual step, or a step in doubt: `pass` it was applied, `fail` run it again' -r
complete -c rollback -n "__fish_rollback_using_subcommand resume" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand resume" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand resume" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand resume" -s y -l yes -d 'Answer y/N questions with yes'
complete -c rollback -n "__fish_rollback_using_subcommand resume" -l no-input -d 'Never ask'
complete -c rollback -n "__fish_rollback_using_subcommand resume" -l preempt -d 'Ask a run of a lower level to stop after its step, and wait for it'
complete -c rollback -n "__fish_rollback_using_subcommand resume" -l without-lock -d 'Go on where the cluster\'s lock can be neither taken nor renewed; one that is held stays held'
complete -c rollback -n "__fish_rollback_using_subcommand resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand validate" -s t -l tier -d 'The tier; without it the first that is not closed' -r
complete -c rollback -n "__fish_rollback_using_subcommand validate" -l answer -d 'Answer an item, from any terminal or as a bot. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand validate" -l note -d 'What was seen; kept with the answers' -r
complete -c rollback -n "__fish_rollback_using_subcommand validate" -l by -d 'Who answers, where it is not who runs this' -r
complete -c rollback -n "__fish_rollback_using_subcommand validate" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand validate" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand validate" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand validate" -l once -d 'Ask the automatic items once and do not watch them'
complete -c rollback -n "__fish_rollback_using_subcommand validate" -l status -d 'Only show how far the validation is'
complete -c rollback -n "__fish_rollback_using_subcommand validate" -l no-input -d 'Never ask'
complete -c rollback -n "__fish_rollback_using_subcommand validate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand report" -s f -l format -d 'The form; without it the one that the end of `--out` says, else Markdown' -r -f -a "md\t'Markdown'
html\t'One self-contained page with a timeline'
json\t'For programs'"
complete -c rollback -n "__fish_rollback_using_subcommand report" -l out -d 'Write it here. What people wrote in the marked gaps of such a file is kept' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand report" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand report" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand report" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand update" -s a -l audience -d 'Who reads it' -r -f -a "engineers\t'Steps, evidence, what is next'
stakeholders\t'What is affected, how far it is, who decided'
customers\t'Whether it works again; no internals'"
complete -c rollback -n "__fish_rollback_using_subcommand update" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand update" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand update" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand update" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand contacts" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand contacts" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand contacts" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand contacts" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand recovery" -l tick -d 'Tick this item off. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand recovery" -l untick -d 'Open this item again. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand recovery" -l criterion -d 'Tick this criterion of the way forward off; `--untick` opens it again. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand recovery" -l by -d 'Who did it, where it is not who runs this' -r
complete -c rollback -n "__fish_rollback_using_subcommand recovery" -l note -d 'What is to be remembered with it' -r
complete -c rollback -n "__fish_rollback_using_subcommand recovery" -l export -d 'Write the plan in this form' -r -f -a "md\t'Markdown, with boxes'
ics\t'iCalendar, for a calendar program'"
complete -c rollback -n "__fish_rollback_using_subcommand recovery" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand recovery" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand recovery" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand recovery" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l run -d 'The rollback that is taken back; without it the newest of this target' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l override -d 'Go on though criteria are open: who says so' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -s m -l method -d 'The method; without it the first of the runbook' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -s p -l param -d 'Give a parameter its value. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l confirm -d 'Answer the question for the target\'s name (a service\'s, `system`; a component\'s, where a step asks for it) with it' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l decided-by -d 'Who decided on this rollback; asked for at system level' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l reason -d 'Why; kept in the journal' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l trigger -d 'The trigger that called for it; kept in the journal. See `rollback triggers`' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l incident -d 'The incident this belongs to; kept in the journal' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l approve -d 'Run a plan that needs somebody else\'s approval: the digest that was approved' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l approved-by -d 'Who approved; a claim that is kept in the journal' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l break-glass -d 'Run without the approval that is needed, and say why; everybody is told' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l skip-blocked -d 'Leave this step out if the survey finds it blocked. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l answer -d 'Answer a manual step or a step in doubt. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l lock-timeout -d 'Wait so long for the lock; without it, a lock that is held ends the command at once (exit 7)' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l lease -d 'How long the lock lasts without being renewed (15s)' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l survey-timeout -d 'How long the survey may take before what is missing is said to be unanswered' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l escalated-from -d 'The run that escalated to this one' -r
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand forward" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand forward" -s n -l dry-run -d 'Survey the live system and show the plan; change nothing'
complete -c rollback -n "__fish_rollback_using_subcommand forward" -s y -l yes -d 'Answer ordinary y/N questions with yes'
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l no-input -d 'Never ask: what needs an answer and has none is declined (exit 6)'
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l preempt -d 'Ask a run of a lower level to stop after its step, and wait for it'
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l without-lock -d 'Go on where the cluster\'s lock can be neither taken nor renewed; one that is held stays held'
complete -c rollback -n "__fish_rollback_using_subcommand forward" -l now -d 'Wait only for the first step\'s survey; later steps are surveyed when their turn comes'
complete -c rollback -n "__fish_rollback_using_subcommand forward" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand status" -l context -d 'The kubectl context' -r
complete -c rollback -n "__fish_rollback_using_subcommand status" -l namespace -d 'The namespace' -r
complete -c rollback -n "__fish_rollback_using_subcommand status" -s p -l param -d 'Give a parameter its value, where the catalog\'s context or namespace names one' -r
complete -c rollback -n "__fish_rollback_using_subcommand status" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand status" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand status" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand status" -l observe -d 'Watch the holder for as long as its lock lasts, and say whether it lives'
complete -c rollback -n "__fish_rollback_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand unlock" -l context -d 'The kubectl context' -r
complete -c rollback -n "__fish_rollback_using_subcommand unlock" -l namespace -d 'The namespace' -r
complete -c rollback -n "__fish_rollback_using_subcommand unlock" -s p -l param -d 'Give a parameter its value, where the catalog\'s context or namespace names one' -r
complete -c rollback -n "__fish_rollback_using_subcommand unlock" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand unlock" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand unlock" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand unlock" -l force -d 'Free it although its holder still renews it: the holder stops before its next step'
complete -c rollback -n "__fish_rollback_using_subcommand unlock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand runs; and not __fish_seen_subcommand_from show" -l target -d 'Only this target: `component tool-dispatcher`, `component/tool-dispatcher`, or the name alone' -r
complete -c rollback -n "__fish_rollback_using_subcommand runs; and not __fish_seen_subcommand_from show" -l verdict -d 'Only runs that came to this: a verdict, `paused` or `unfinished`' -r -f -a "recovered\t''
applied\t''
failed\t''
aborted\t''
unknown\t''
paused\t''
unfinished\t''"
complete -c rollback -n "__fish_rollback_using_subcommand runs; and not __fish_seen_subcommand_from show" -l since -d 'Only runs that began within this time (`7d`) or since this day (`2026-11-01`)' -r
complete -c rollback -n "__fish_rollback_using_subcommand runs; and not __fish_seen_subcommand_from show" -l incident -d 'Only runs of this incident' -r
complete -c rollback -n "__fish_rollback_using_subcommand runs; and not __fish_seen_subcommand_from show" -l limit -d 'Only the newest N' -r
complete -c rollback -n "__fish_rollback_using_subcommand runs; and not __fish_seen_subcommand_from show" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand runs; and not __fish_seen_subcommand_from show" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand runs; and not __fish_seen_subcommand_from show" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand runs; and not __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand runs; and not __fish_seen_subcommand_from show" -f -a "show" -d 'Tell the story of a run'
complete -c rollback -n "__fish_rollback_using_subcommand runs; and __fish_seen_subcommand_from show" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand runs; and __fish_seen_subcommand_from show" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand runs; and __fish_seen_subcommand_from show" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand runs; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand snapshot" -l configmap -d 'Only these ConfigMaps. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand snapshot" -l workload -d 'Only these workloads. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand snapshot" -s p -l param -d 'Give a parameter its value. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand snapshot" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand snapshot" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand snapshot" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand snapshot" -l list -d 'List the snapshots of this machine'
complete -c rollback -n "__fish_rollback_using_subcommand snapshot" -l branches -d 'Show the branches of a snapshot that was taken, each with the step that goes on from there'
complete -c rollback -n "__fish_rollback_using_subcommand snapshot" -l replace -d 'Overwrite a snapshot of this name'
complete -c rollback -n "__fish_rollback_using_subcommand snapshot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand triggers" -l export -d 'Print the triggers in a form for another tool instead; asks nothing' -r -f -a "prometheus-rules\t'Alerting rules of Prometheus'"
complete -c rollback -n "__fish_rollback_using_subcommand triggers" -s p -l param -d 'Give a parameter its value. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand triggers" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand triggers" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand triggers" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand triggers" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand watch" -l act -d 'What to do about a raised trigger' -r -f -a "notify\t'Tell'
ask\t'Ask on this terminal, then act'
auto\t'Act, where a trigger has leave to'"
complete -c rollback -n "__fish_rollback_using_subcommand watch" -l every -d 'The time between two evaluations; else `watch.every` of triggers.yaml' -r
complete -c rollback -n "__fish_rollback_using_subcommand watch" -l rounds -d 'Stop after so many evaluations' -r
complete -c rollback -n "__fish_rollback_using_subcommand watch" -s p -l param -d 'Give a parameter its value. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand watch" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand watch" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand watch" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand metrics" -l run -d 'Before, at the end of, and since this run' -r
complete -c rollback -n "__fish_rollback_using_subcommand metrics" -l export -d 'Print the metrics in a form for another tool instead; asks nothing' -r -f -a "grafana\t'A dashboard that Grafana imports'"
complete -c rollback -n "__fish_rollback_using_subcommand metrics" -s p -l param -d 'Give a parameter its value. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand metrics" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand metrics" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand metrics" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand metrics" -s f -l follow -d 'Draw them again and again'
complete -c rollback -n "__fish_rollback_using_subcommand metrics" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand list" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand list" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand list" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand show" -s m -l method -d 'Only this method' -r
complete -c rollback -n "__fish_rollback_using_subcommand show" -s p -l param -d 'Give a parameter its value. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand show" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand show" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand show" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand show" -l script -d 'Print the method as a bash script, for the day this tool is the problem'
complete -c rollback -n "__fish_rollback_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand lint" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand lint" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand lint" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand lint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand flags" -s p -l param -d 'Give a parameter its value. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand flags" -l survey-timeout -d 'How long the survey may take before what is missing is said to be unanswered' -r
complete -c rollback -n "__fish_rollback_using_subcommand flags" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand flags" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand flags" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand flags" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand ready" -s p -l param -d 'Give a parameter its value. May be repeated' -r
complete -c rollback -n "__fish_rollback_using_subcommand ready" -l survey-timeout -d 'How long the survey may take before what is missing is said to be unanswered' -r
complete -c rollback -n "__fish_rollback_using_subcommand ready" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand ready" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand ready" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand ready" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand schema" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand schema" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand schema" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand completions" -l dir -d 'Write the scripts of all shells here' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand completions" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand completions" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand completions" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rollback -n "__fish_rollback_using_subcommand man" -l runbooks -d 'The catalog: a directory of runbooks with its rollback.yaml' -r -F
complete -c rollback -n "__fish_rollback_using_subcommand man" -s o -l output -d 'How results are written to stdout; prompts and progress always go to stderr' -r -f -a "text\t'For people'
json\t'One JSON document at the end'
jsonl\t'One JSON object a line, as things happen'"
complete -c rollback -n "__fish_rollback_using_subcommand man" -l color -d 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`' -r -f -a "auto\t'On a terminal that wants it'
always\t'Always'
never\t'Never'"
complete -c rollback -n "__fish_rollback_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
