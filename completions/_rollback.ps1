
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'rollback' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'rollback'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'rollback' {
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('component', 'component', [CompletionResultType]::ParameterValue, 'Roll one component back')
            [CompletionResult]::new('service', 'service', [CompletionResultType]::ParameterValue, 'Roll one service back, with all its components')
            [CompletionResult]::new('system', 'system', [CompletionResultType]::ParameterValue, 'Roll the whole system back: the last resort')
            [CompletionResult]::new('rehearse', 'rehearse', [CompletionResultType]::ParameterValue, 'Rehearse a rollback in a sandbox on this machine; nothing outside is touched')
            [CompletionResult]::new('resume', 'resume', [CompletionResultType]::ParameterValue, 'Go on with a run that was stopped, killed or cut off')
            [CompletionResult]::new('validate', 'validate', [CompletionResultType]::ParameterValue, 'Validate a run: ask and watch what can be asked, answer what a person must see')
            [CompletionResult]::new('report', 'report', [CompletionResultType]::ParameterValue, 'Write the analysis report of a run, with gaps for what only people know')
            [CompletionResult]::new('update', 'update', [CompletionResultType]::ParameterValue, 'Print a short text to paste, true as of the run''s last record')
            [CompletionResult]::new('contacts', 'contacts', [CompletionResultType]::ParameterValue, 'Say who decides, who executes and who communicates')
            [CompletionResult]::new('recovery', 'recovery', [CompletionResultType]::ParameterValue, 'Show the recovery plan of a run, tick it off, or export it')
            [CompletionResult]::new('forward', 'forward', [CompletionResultType]::ParameterValue, 'Go forward again: set the values from before a rollback, once its criteria are ticked off')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Say who is rolling back the catalog''s environment, from any machine')
            [CompletionResult]::new('unlock', 'unlock', [CompletionResultType]::ParameterValue, 'Free the lock that a dead run has left behind')
            [CompletionResult]::new('runs', 'runs', [CompletionResultType]::ParameterValue, 'List the runs of this machine, or tell the story of one')
            [CompletionResult]::new('snapshot', 'snapshot', [CompletionResultType]::ParameterValue, 'Write down ConfigMaps, pod templates and branches before a migration, to restore them later')
            [CompletionResult]::new('triggers', 'triggers', [CompletionResultType]::ParameterValue, 'Evaluate the reasons to roll back, now')
            [CompletionResult]::new('watch', 'watch', [CompletionResultType]::ParameterValue, 'Watch the triggers, and tell, ask or act')
            [CompletionResult]::new('metrics', 'metrics', [CompletionResultType]::ParameterValue, 'Show what is measured, with its targets; before and after a run with `--run`')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the runbooks of the catalog')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show a runbook: its steps, parameters and where they come from. Asks nothing of the world')
            [CompletionResult]::new('lint', 'lint', [CompletionResultType]::ParameterValue, 'Check every file of the catalog and say all that is wrong, at once')
            [CompletionResult]::new('flags', 'flags', [CompletionResultType]::ParameterValue, 'Show every flag of the catalog as it is in the live system')
            [CompletionResult]::new('ready', 'ready', [CompletionResultType]::ParameterValue, 'Survey every runbook against the live system and name what has rotted. Changes nothing')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of the format, for editors, or its reference page')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell, or write those of all shells to a directory')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Write the man pages to a directory')
            break
        }
        'rollback;component' {
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'The method; without it the first of the runbook')
            [CompletionResult]::new('--method', '--method', [CompletionResultType]::ParameterName, 'The method; without it the first of the runbook')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--confirm', '--confirm', [CompletionResultType]::ParameterName, 'Answer the question for the target''s name (a service''s, `system`; a component''s, where a step asks for it) with it')
            [CompletionResult]::new('--decided-by', '--decided-by', [CompletionResultType]::ParameterName, 'Who decided on this rollback; asked for at system level')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Why; kept in the journal')
            [CompletionResult]::new('--trigger', '--trigger', [CompletionResultType]::ParameterName, 'The trigger that called for it; kept in the journal. See `rollback triggers`')
            [CompletionResult]::new('--incident', '--incident', [CompletionResultType]::ParameterName, 'The incident this belongs to; kept in the journal')
            [CompletionResult]::new('--approve', '--approve', [CompletionResultType]::ParameterName, 'Run a plan that needs somebody else''s approval: the digest that was approved')
            [CompletionResult]::new('--approved-by', '--approved-by', [CompletionResultType]::ParameterName, 'Who approved; a claim that is kept in the journal')
            [CompletionResult]::new('--break-glass', '--break-glass', [CompletionResultType]::ParameterName, 'Run without the approval that is needed, and say why; everybody is told')
            [CompletionResult]::new('--skip-blocked', '--skip-blocked', [CompletionResultType]::ParameterName, 'Leave this step out if the survey finds it blocked. May be repeated')
            [CompletionResult]::new('--answer', '--answer', [CompletionResultType]::ParameterName, 'Answer a manual step or a step in doubt. May be repeated')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'Wait so long for the lock; without it, a lock that is held ends the command at once (exit 7)')
            [CompletionResult]::new('--lease', '--lease', [CompletionResultType]::ParameterName, 'How long the lock lasts without being renewed (15s)')
            [CompletionResult]::new('--survey-timeout', '--survey-timeout', [CompletionResultType]::ParameterName, 'How long the survey may take before what is missing is said to be unanswered')
            [CompletionResult]::new('--escalated-from', '--escalated-from', [CompletionResultType]::ParameterName, 'The run that escalated to this one')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Survey the live system and show the plan; change nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Survey the live system and show the plan; change nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer ordinary y/N questions with yes')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer ordinary y/N questions with yes')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask: what needs an answer and has none is declined (exit 6)')
            [CompletionResult]::new('--preempt', '--preempt', [CompletionResultType]::ParameterName, 'Ask a run of a lower level to stop after its step, and wait for it')
            [CompletionResult]::new('--without-lock', '--without-lock', [CompletionResultType]::ParameterName, 'Go on where the cluster''s lock can be neither taken nor renewed; one that is held stays held')
            [CompletionResult]::new('--now', '--now', [CompletionResultType]::ParameterName, 'Wait only for the first step''s survey; later steps are surveyed when their turn comes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;service' {
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'The method; without it the first of the runbook')
            [CompletionResult]::new('--method', '--method', [CompletionResultType]::ParameterName, 'The method; without it the first of the runbook')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--confirm', '--confirm', [CompletionResultType]::ParameterName, 'Answer the question for the target''s name (a service''s, `system`; a component''s, where a step asks for it) with it')
            [CompletionResult]::new('--decided-by', '--decided-by', [CompletionResultType]::ParameterName, 'Who decided on this rollback; asked for at system level')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Why; kept in the journal')
            [CompletionResult]::new('--trigger', '--trigger', [CompletionResultType]::ParameterName, 'The trigger that called for it; kept in the journal. See `rollback triggers`')
            [CompletionResult]::new('--incident', '--incident', [CompletionResultType]::ParameterName, 'The incident this belongs to; kept in the journal')
            [CompletionResult]::new('--approve', '--approve', [CompletionResultType]::ParameterName, 'Run a plan that needs somebody else''s approval: the digest that was approved')
            [CompletionResult]::new('--approved-by', '--approved-by', [CompletionResultType]::ParameterName, 'Who approved; a claim that is kept in the journal')
            [CompletionResult]::new('--break-glass', '--break-glass', [CompletionResultType]::ParameterName, 'Run without the approval that is needed, and say why; everybody is told')
            [CompletionResult]::new('--skip-blocked', '--skip-blocked', [CompletionResultType]::ParameterName, 'Leave this step out if the survey finds it blocked. May be repeated')
            [CompletionResult]::new('--answer', '--answer', [CompletionResultType]::ParameterName, 'Answer a manual step or a step in doubt. May be repeated')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'Wait so long for the lock; without it, a lock that is held ends the command at once (exit 7)')
            [CompletionResult]::new('--lease', '--lease', [CompletionResultType]::ParameterName, 'How long the lock lasts without being renewed (15s)')
            [CompletionResult]::new('--survey-timeout', '--survey-timeout', [CompletionResultType]::ParameterName, 'How long the survey may take before what is missing is said to be unanswered')
            [CompletionResult]::new('--escalated-from', '--escalated-from', [CompletionResultType]::ParameterName, 'The run that escalated to this one')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Survey the live system and show the plan; change nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Survey the live system and show the plan; change nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer ordinary y/N questions with yes')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer ordinary y/N questions with yes')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask: what needs an answer and has none is declined (exit 6)')
            [CompletionResult]::new('--preempt', '--preempt', [CompletionResultType]::ParameterName, 'Ask a run of a lower level to stop after its step, and wait for it')
            [CompletionResult]::new('--without-lock', '--without-lock', [CompletionResultType]::ParameterName, 'Go on where the cluster''s lock can be neither taken nor renewed; one that is held stays held')
            [CompletionResult]::new('--now', '--now', [CompletionResultType]::ParameterName, 'Wait only for the first step''s survey; later steps are surveyed when their turn comes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;system' {
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'The method; without it the first of the runbook')
            [CompletionResult]::new('--method', '--method', [CompletionResultType]::ParameterName, 'The method; without it the first of the runbook')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--confirm', '--confirm', [CompletionResultType]::ParameterName, 'Answer the question for the target''s name (a service''s, `system`; a component''s, where a step asks for it) with it')
            [CompletionResult]::new('--decided-by', '--decided-by', [CompletionResultType]::ParameterName, 'Who decided on this rollback; asked for at system level')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Why; kept in the journal')
            [CompletionResult]::new('--trigger', '--trigger', [CompletionResultType]::ParameterName, 'The trigger that called for it; kept in the journal. See `rollback triggers`')
            [CompletionResult]::new('--incident', '--incident', [CompletionResultType]::ParameterName, 'The incident this belongs to; kept in the journal')
            [CompletionResult]::new('--approve', '--approve', [CompletionResultType]::ParameterName, 'Run a plan that needs somebody else''s approval: the digest that was approved')
            [CompletionResult]::new('--approved-by', '--approved-by', [CompletionResultType]::ParameterName, 'Who approved; a claim that is kept in the journal')
            [CompletionResult]::new('--break-glass', '--break-glass', [CompletionResultType]::ParameterName, 'Run without the approval that is needed, and say why; everybody is told')
            [CompletionResult]::new('--skip-blocked', '--skip-blocked', [CompletionResultType]::ParameterName, 'Leave this step out if the survey finds it blocked. May be repeated')
            [CompletionResult]::new('--answer', '--answer', [CompletionResultType]::ParameterName, 'Answer a manual step or a step in doubt. May be repeated')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'Wait so long for the lock; without it, a lock that is held ends the command at once (exit 7)')
            [CompletionResult]::new('--lease', '--lease', [CompletionResultType]::ParameterName, 'How long the lock lasts without being renewed (15s)')
            [CompletionResult]::new('--survey-timeout', '--survey-timeout', [CompletionResultType]::ParameterName, 'How long the survey may take before what is missing is said to be unanswered')
            [CompletionResult]::new('--escalated-from', '--escalated-from', [CompletionResultType]::ParameterName, 'The run that escalated to this one')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Survey the live system and show the plan; change nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Survey the live system and show the plan; change nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer ordinary y/N questions with yes')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer ordinary y/N questions with yes')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask: what needs an answer and has none is declined (exit 6)')
            [CompletionResult]::new('--preempt', '--preempt', [CompletionResultType]::ParameterName, 'Ask a run of a lower level to stop after its step, and wait for it')
            [CompletionResult]::new('--without-lock', '--without-lock', [CompletionResultType]::ParameterName, 'Go on where the cluster''s lock can be neither taken nor renewed; one that is held stays held')
            [CompletionResult]::new('--now', '--now', [CompletionResultType]::ParameterName, 'Wait only for the first step''s survey; later steps are surveyed when their turn comes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;rehearse' {
            [CompletionResult]::new('--fault', '--fault', [CompletionResultType]::ParameterName, 'Something to go wrong. May be repeated')
            [CompletionResult]::new('--pod-start', '--pod-start', [CompletionResultType]::ParameterName, 'How long a pod takes to become ready')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'The method; without it the first of the runbook')
            [CompletionResult]::new('--method', '--method', [CompletionResultType]::ParameterName, 'The method; without it the first of the runbook')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--confirm', '--confirm', [CompletionResultType]::ParameterName, 'Answer the question for the target''s name (a service''s, `system`; a component''s, where a step asks for it) with it')
            [CompletionResult]::new('--decided-by', '--decided-by', [CompletionResultType]::ParameterName, 'Who decided on this rollback; asked for at system level')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Why; kept in the journal')
            [CompletionResult]::new('--trigger', '--trigger', [CompletionResultType]::ParameterName, 'The trigger that called for it; kept in the journal. See `rollback triggers`')
            [CompletionResult]::new('--incident', '--incident', [CompletionResultType]::ParameterName, 'The incident this belongs to; kept in the journal')
            [CompletionResult]::new('--approve', '--approve', [CompletionResultType]::ParameterName, 'Run a plan that needs somebody else''s approval: the digest that was approved')
            [CompletionResult]::new('--approved-by', '--approved-by', [CompletionResultType]::ParameterName, 'Who approved; a claim that is kept in the journal')
            [CompletionResult]::new('--break-glass', '--break-glass', [CompletionResultType]::ParameterName, 'Run without the approval that is needed, and say why; everybody is told')
            [CompletionResult]::new('--skip-blocked', '--skip-blocked', [CompletionResultType]::ParameterName, 'Leave this step out if the survey finds it blocked. May be repeated')
            [CompletionResult]::new('--answer', '--answer', [CompletionResultType]::ParameterName, 'Answer a manual step or a step in doubt. May be repeated')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'Wait so long for the lock; without it, a lock that is held ends the command at once (exit 7)')
            [CompletionResult]::new('--lease', '--lease', [CompletionResultType]::ParameterName, 'How long the lock lasts without being renewed (15s)')
            [CompletionResult]::new('--survey-timeout', '--survey-timeout', [CompletionResultType]::ParameterName, 'How long the survey may take before what is missing is said to be unanswered')
            [CompletionResult]::new('--escalated-from', '--escalated-from', [CompletionResultType]::ParameterName, 'The run that escalated to this one')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Survey the live system and show the plan; change nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Survey the live system and show the plan; change nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer ordinary y/N questions with yes')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer ordinary y/N questions with yes')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask: what needs an answer and has none is declined (exit 6)')
            [CompletionResult]::new('--preempt', '--preempt', [CompletionResultType]::ParameterName, 'Ask a run of a lower level to stop after its step, and wait for it')
            [CompletionResult]::new('--without-lock', '--without-lock', [CompletionResultType]::ParameterName, 'Go on where the cluster''s lock can be neither taken nor renewed; one that is held stays held')
            [CompletionResult]::new('--now', '--now', [CompletionResultType]::ParameterName, 'Wait only for the first step''s survey; later steps are surveyed when their turn comes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;resume' {
            [CompletionResult]::new('--confirm', '--confirm', [CompletionResultType]::ParameterName, 'Answer the question for the target''s name with it')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'Wait so long for the lock; without it, a lock that is held ends the command at once (exit 7)')
            [CompletionResult]::new('--lease', '--lease', [CompletionResultType]::ParameterName, 'How long the lock lasts without being renewed (15s)')
            [CompletionResult]::new('--answer', '--answer', [CompletionResultType]::ParameterName, 'Answer a manual step, or a step in doubt: `pass` it was applied, `fail` run it again')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer y/N questions with yes')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer y/N questions with yes')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask')
            [CompletionResult]::new('--preempt', '--preempt', [CompletionResultType]::ParameterName, 'Ask a run of a lower level to stop after its step, and wait for it')
            [CompletionResult]::new('--without-lock', '--without-lock', [CompletionResultType]::ParameterName, 'Go on where the cluster''s lock can be neither taken nor renewed; one that is held stays held')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;validate' {
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'The tier; without it the first that is not closed')
            [CompletionResult]::new('--tier', '--tier', [CompletionResultType]::ParameterName, 'The tier; without it the first that is not closed')
            [CompletionResult]::new('--answer', '--answer', [CompletionResultType]::ParameterName, 'Answer an item, from any terminal or as a bot. May be repeated')
            [CompletionResult]::new('--note', '--note', [CompletionResultType]::ParameterName, 'What was seen; kept with the answers')
            [CompletionResult]::new('--by', '--by', [CompletionResultType]::ParameterName, 'Who answers, where it is not who runs this')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('--once', '--once', [CompletionResultType]::ParameterName, 'Ask the automatic items once and do not watch them')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Only show how far the validation is')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;report' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'The form; without it the one that the end of `--out` says, else Markdown')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'The form; without it the one that the end of `--out` says, else Markdown')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Write it here. What people wrote in the marked gaps of such a file is kept')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;update' {
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Who reads it')
            [CompletionResult]::new('--audience', '--audience', [CompletionResultType]::ParameterName, 'Who reads it')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;contacts' {
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;recovery' {
            [CompletionResult]::new('--tick', '--tick', [CompletionResultType]::ParameterName, 'Tick this item off. May be repeated')
            [CompletionResult]::new('--untick', '--untick', [CompletionResultType]::ParameterName, 'Open this item again. May be repeated')
            [CompletionResult]::new('--criterion', '--criterion', [CompletionResultType]::ParameterName, 'Tick this criterion of the way forward off; `--untick` opens it again. May be repeated')
            [CompletionResult]::new('--by', '--by', [CompletionResultType]::ParameterName, 'Who did it, where it is not who runs this')
            [CompletionResult]::new('--note', '--note', [CompletionResultType]::ParameterName, 'What is to be remembered with it')
            [CompletionResult]::new('--export', '--export', [CompletionResultType]::ParameterName, 'Write the plan in this form')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;forward' {
            [CompletionResult]::new('--run', '--run', [CompletionResultType]::ParameterName, 'The rollback that is taken back; without it the newest of this target')
            [CompletionResult]::new('--override', '--override', [CompletionResultType]::ParameterName, 'Go on though criteria are open: who says so')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'The method; without it the first of the runbook')
            [CompletionResult]::new('--method', '--method', [CompletionResultType]::ParameterName, 'The method; without it the first of the runbook')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--confirm', '--confirm', [CompletionResultType]::ParameterName, 'Answer the question for the target''s name (a service''s, `system`; a component''s, where a step asks for it) with it')
            [CompletionResult]::new('--decided-by', '--decided-by', [CompletionResultType]::ParameterName, 'Who decided on this rollback; asked for at system level')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Why; kept in the journal')
            [CompletionResult]::new('--trigger', '--trigger', [CompletionResultType]::ParameterName, 'The trigger that called for it; kept in the journal. See `rollback triggers`')
            [CompletionResult]::new('--incident', '--incident', [CompletionResultType]::ParameterName, 'The incident this belongs to; kept in the journal')
            [CompletionResult]::new('--approve', '--approve', [CompletionResultType]::ParameterName, 'Run a plan that needs somebody else''s approval: the digest that was approved')
            [CompletionResult]::new('--approved-by', '--approved-by', [CompletionResultType]::ParameterName, 'Who approved; a claim that is kept in the journal')
            [CompletionResult]::new('--break-glass', '--break-glass', [CompletionResultType]::ParameterName, 'Run without the approval that is needed, and say why; everybody is told')
            [CompletionResult]::new('--skip-blocked', '--skip-blocked', [CompletionResultType]::ParameterName, 'Leave this step out if the survey finds it blocked. May be repeated')
            [CompletionResult]::new('--answer', '--answer', [CompletionResultType]::ParameterName, 'Answer a manual step or a step in doubt. May be repeated')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'Wait so long for the lock; without it, a lock that is held ends the command at once (exit 7)')
            [CompletionResult]::new('--lease', '--lease', [CompletionResultType]::ParameterName, 'How long the lock lasts without being renewed (15s)')
            [CompletionResult]::new('--survey-timeout', '--survey-timeout', [CompletionResultType]::ParameterName, 'How long the survey may take before what is missing is said to be unanswered')
            [CompletionResult]::new('--escalated-from', '--escalated-from', [CompletionResultType]::ParameterName, 'The run that escalated to this one')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Survey the live system and show the plan; change nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Survey the live system and show the plan; change nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer ordinary y/N questions with yes')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer ordinary y/N questions with yes')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask: what needs an answer and has none is declined (exit 6)')
            [CompletionResult]::new('--preempt', '--preempt', [CompletionResultType]::ParameterName, 'Ask a run of a lower level to stop after its step, and wait for it')
            [CompletionResult]::new('--without-lock', '--without-lock', [CompletionResultType]::ParameterName, 'Go on where the cluster''s lock can be neither taken nor renewed; one that is held stays held')
            [CompletionResult]::new('--now', '--now', [CompletionResultType]::ParameterName, 'Wait only for the first step''s survey; later steps are surveyed when their turn comes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;status' {
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The kubectl context')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Give a parameter its value, where the catalog''s context or namespace names one')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Give a parameter its value, where the catalog''s context or namespace names one')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('--observe', '--observe', [CompletionResultType]::ParameterName, 'Watch the holder for as long as its lock lasts, and say whether it lives')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;unlock' {
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The kubectl context')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Give a parameter its value, where the catalog''s context or namespace names one')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Give a parameter its value, where the catalog''s context or namespace names one')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Free it although its holder still renews it: the holder stops before its next step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;runs' {
            [CompletionResult]::new('--target', '--target', [CompletionResultType]::ParameterName, 'Only this target: `component tool-dispatcher`, `component/tool-dispatcher`, or the name alone')
            [CompletionResult]::new('--verdict', '--verdict', [CompletionResultType]::ParameterName, 'Only runs that came to this: a verdict, `paused` or `unfinished`')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Only runs that began within this time (`7d`) or since this day (`2026-11-01`)')
            [CompletionResult]::new('--incident', '--incident', [CompletionResultType]::ParameterName, 'Only runs of this incident')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Only the newest N')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Tell the story of a run')
            break
        }
        'rollback;runs;show' {
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;snapshot' {
            [CompletionResult]::new('--configmap', '--configmap', [CompletionResultType]::ParameterName, 'Only these ConfigMaps. May be repeated')
            [CompletionResult]::new('--workload', '--workload', [CompletionResultType]::ParameterName, 'Only these workloads. May be repeated')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'List the snapshots of this machine')
            [CompletionResult]::new('--branches', '--branches', [CompletionResultType]::ParameterName, 'Show the branches of a snapshot that was taken, each with the step that goes on from there')
            [CompletionResult]::new('--replace', '--replace', [CompletionResultType]::ParameterName, 'Overwrite a snapshot of this name')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;triggers' {
            [CompletionResult]::new('--export', '--export', [CompletionResultType]::ParameterName, 'Print the triggers in a form for another tool instead; asks nothing')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;watch' {
            [CompletionResult]::new('--act', '--act', [CompletionResultType]::ParameterName, 'What to do about a raised trigger')
            [CompletionResult]::new('--every', '--every', [CompletionResultType]::ParameterName, 'The time between two evaluations; else `watch.every` of triggers.yaml')
            [CompletionResult]::new('--rounds', '--rounds', [CompletionResultType]::ParameterName, 'Stop after so many evaluations')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;metrics' {
            [CompletionResult]::new('--run', '--run', [CompletionResultType]::ParameterName, 'Before, at the end of, and since this run')
            [CompletionResult]::new('--export', '--export', [CompletionResultType]::ParameterName, 'Print the metrics in a form for another tool instead; asks nothing')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Draw them again and again')
            [CompletionResult]::new('--follow', '--follow', [CompletionResultType]::ParameterName, 'Draw them again and again')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;list' {
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;show' {
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Only this method')
            [CompletionResult]::new('--method', '--method', [CompletionResultType]::ParameterName, 'Only this method')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('--script', '--script', [CompletionResultType]::ParameterName, 'Print the method as a bash script, for the day this tool is the problem')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;lint' {
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;flags' {
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--survey-timeout', '--survey-timeout', [CompletionResultType]::ParameterName, 'How long the survey may take before what is missing is said to be unanswered')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;ready' {
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Give a parameter its value. May be repeated')
            [CompletionResult]::new('--survey-timeout', '--survey-timeout', [CompletionResultType]::ParameterName, 'How long the survey may take before what is missing is said to be unanswered')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;schema' {
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;completions' {
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'Write the scripts of all shells here')
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'rollback;man' {
            [CompletionResult]::new('--runbooks', '--runbooks', [CompletionResultType]::ParameterName, 'The catalog: a directory of runbooks with its rollback.yaml')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to stdout; prompts and progress always go to stderr')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
