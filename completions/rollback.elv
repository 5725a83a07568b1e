
use builtin;
use str;

set edit:completion:arg-completer[rollback] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'rollback'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'rollback'= {
            cand --runbooks 'The catalog: a directory of runbooks with its rollback.yaml'
            cand -o 'How results are written to stdout; prompts and progress always go to stderr'
            cand --output 'How results are written to stdout; prompts and progress always go to stderr'
            cand --color 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand component 'Roll one component back'
            cand service 'Roll one service back, with all its components'
            cand system 'Roll the whole system back: the last resort'
            cand rehearse 'Rehearse a rollback in a sandbox on this machine; nothing outside is touched'
            cand resume 'Go on with a run that was stopped, killed or cut off'
            cand runs 'List the runs of this machine, or tell the story of one'
            cand list 'List the runbooks of the catalog'
            cand show 'Show a runbook: its steps, parameters and where they come from. Asks nothing of the world'
            cand lint 'Check every file of the catalog and say all that is wrong, at once'
            cand schema 'Print the JSON Schema of the format, for editors, or its reference page'
            cand completions 'Print a completion script for a shell, or write those of all shells to a directory'
            cand man 'Write the man pages to a directory'
        }
        &'rollback;component'= {
            cand -m 'The method; without it the first of the runbook'
            cand --method 'The method; without it the first of the runbook'
            cand -p 'Give a parameter its value. May be repeated'
            cand --param 'Give a parameter its value. May be repeated'
            cand --confirm 'Answer the question for this name (a service''s, `system`, a step''s) with it'
            cand --decided-by 'Who decided on this rollback; asked for at system level'
            cand --reason 'Why; kept in the journal'
            cand --incident 'The incident this belongs to; kept in the journal'
            cand --skip-blocked 'Leave this step out if the survey finds it blocked. May be repeated'
            cand --answer 'Answer a manual step or a step in doubt. May be repeated'
            cand --survey-timeout 'How long the survey may take before what is missing is said to be unanswered'
            cand --escalated-from 'The run that escalated to this one'
            cand --runbooks 'The catalog: a directory of runbooks with its rollback.yaml'
            cand -o 'How results are written to stdout; prompts and progress always go to stderr'
            cand --output 'How results are written to stdout; prompts and progress always go to stderr'
            cand --color 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`'
            cand -n 'Survey the live system and show the plan; change nothing'
            cand --dry-run 'Survey the live system and show the plan; change nothing'
            cand -y 'Answer ordinary y/N questions with yes'
            cand --yes 'Answer ordinary y/N questions with yes'
            cand --no-input 'Never ask: what needs an answer and has none is declined (exit 6)'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'rollback;service'= {
            cand -m 'The method; without it the first of the runbook'
            cand --method 'The method; without it the first of the runbook'
            cand -p 'Give a parameter its value. May be repeated'
            cand --param 'Give a parameter its value. May be repeated'
            cand --confirm 'Answer the question for this name (a service''s, `system`, a step''s) with it'
            cand --decided-by 'Who decided on this rollback; asked for at system level'
            cand --reason 'Why; kept in the journal'
            cand --incident 'The incident this belongs to; kept in the journal'
            cand --skip-blocked 'Leave this step out if the survey finds it blocked. May be repeated'
            cand --answer 'Answer a manual step or a step in doubt. May be repeated'
            cand --survey-timeout 'How long the survey may take before what is missing is said to be unanswered'
            cand --escalated-from 'The run that escalated to this one'
            cand --runbooks 'The catalog: a directory of runbooks with its rollback.yaml'
            cand -o 'How results are written to stdout; prompts and progress always go to stderr'
            cand --output 'How results are written to stdout; prompts and progress always go to stderr'
            cand --color 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`'
            cand -n 'Survey the live system and show the plan; change nothing'
            cand --dry-run 'Survey the live system and show the plan; change nothing'
            cand -y 'Answer ordinary y/N questions with yes'
            cand --yes 'Answer ordinary y/N questions with yes'
            cand --no-input 'Never ask: what needs an answer and has none is declined (exit 6)'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'rollback;system'= {
            cand -m 'The method; without it the first of the runbook'
            cand --method 'The method; without it the first of the runbook'
            cand -p 'Give a parameter its value. May be repeated'
            cand --param 'Give a parameter its value. May be repeated'
            cand --confirm 'Answer the question for this name (a service''s, `system`, a step''s) with it'
            cand --decided-by 'Who decided on this rollback; asked for at system level'
            cand --reason 'Why; kept in the journal'
            cand --incident 'The incident this belongs to; kept in the journal'
            cand --skip-blocked 'Leave this step out if the survey finds it blocked. May be repeated'
            cand --answer 'Answer a manual step or a step in doubt. May be repeated'
            cand --survey-timeout 'How long the survey may take before what is missing is said to be unanswered'
            cand --escalated-from 'The run that escalated to this one'
            cand --runbooks 'The catalog: a directory of runbooks with its rollback.yaml'
            cand -o 'How results are written to stdout; prompts and progress always go to stderr'
            cand --output 'How results are written to stdout; prompts and progress always go to stderr'
            cand --color 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`'
            cand -n 'Survey the live system and show the plan; change nothing'
            cand --dry-run 'Survey the live system and show the plan; change nothing'
            cand -y 'Answer ordinary y/N questions with yes'
            cand --yes 'Answer ordinary y/N questions with yes'
            cand --no-input 'Never ask: what needs an answer and has none is declined (exit 6)'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'rollback;rehearse'= {
            cand --fault 'Something to go wrong. May be repeated'
            cand --pod-start 'How long a pod takes to become ready'
            cand -m 'The method; without it the first of the runbook'
            cand --method 'The method; without it the first of the runbook'
            cand -p 'Give a parameter its value. May be repeated'
            cand --param 'Give a parameter its value. May be repeated'
            cand --confirm 'Answer the question for this name (a service''s, `system`, a step''s) with it'
            cand --decided-by 'Who decided on this rollback; asked for at system level'
            cand --reason 'Why; kept in the journal'
            cand --incident 'The incident this belongs to; kept in the journal'
            cand --skip-blocked 'Leave this step out if the survey finds it blocked. May be repeated'
            cand --answer 'Answer a manual step or a step in doubt. May be repeated'
            cand --survey-timeout 'How long the survey may take before what is missing is said to be unanswered'
            cand --escalated-from 'The run that escalated to this one'
            cand --runbooks 'The catalog: a directory of runbooks with its rollback.yaml'
            cand -o 'How results are written to stdout; prompts and progress always go to stderr'
            cand --output 'How results are written to stdout; prompts and progress always go to stderr'
            cand --color 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`'
            cand -n 'Survey the live system and show the plan; change nothing'
            cand --dry-run 'Survey the live system and show the plan; change nothing'
            cand -y 'Answer ordinary y/N questions with yes'
            cand --yes 'Answer ordinary y/N questions with yes'
            cand --no-input 'Never ask: what needs an answer and has none is declined (exit 6)'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'rollback;resume'= {
            cand --confirm 'Answer the question for this name with it'
            cand --answer 'Answer a manual step, or a step in doubt: `pass` it was applied, `fail` run it again'
            cand --runbooks 'The catalog: a directory of runbooks with its rollback.yaml'
            cand -o 'How results are written to stdout; prompts and progress always go to stderr'
            cand --output 'How results are written to stdout; prompts and progress always go to stderr'
            cand --color 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`'
            cand -y 'Answer y/N questions with yes'
            cand --yes 'Answer y/N questions with yes'
            cand --no-input 'Never ask'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'rollback;runs'= {
            cand --runbooks 'The catalog: a directory of runbooks with its rollback.yaml'
            cand -o 'How results are written to stdout; prompts and progress always go to stderr'
            cand --output 'How results are written to stdout; prompts and progress always go to stderr'
            cand --color 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand show 'Tell the story of a run'
        }
        &'rollback;runs;show'= {
            cand --runbooks 'The catalog: a directory of runbooks with its rollback.yaml'
            cand -o 'How results are written to stdout; prompts and progress always go to stderr'
            cand --output 'How results are written to stdout; prompts and progress always go to stderr'
            cand --color 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'rollback;list'= {
            cand --runbooks 'The catalog: a directory of runbooks with its rollback.yaml'
            cand -o 'How results are written to stdout; prompts and progress always go to stderr'
            cand --output 'How results are written to stdout; prompts and progress always go to stderr'
            cand --color 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'rollback;show'= {
            cand -m 'Only this method'
            cand --method 'Only this method'
            cand -p 'Give a parameter its value. May be repeated'
            cand --param 'Give a parameter its value. May be repeated'
            cand --runbooks 'The catalog: a directory of runbooks with its rollback.yaml'
            cand -o 'How results are written to stdout; prompts and progress always go to stderr'
            cand --output 'How results are written to stdout; prompts and progress always go to stderr'
            cand --color 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`'
            cand --script 'Print the method as a bash script, for the day this tool is the problem'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'rollback;lint'= {
            cand --runbooks 'The catalog: a directory of runbooks with its rollback.yaml'
            cand -o 'How results are written to stdout; prompts and progress always go to stderr'
            cand --output 'How results are written to stdout; prompts and progress always go to stderr'
            cand --color 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'rollback;schema'= {
            cand --runbooks 'The catalog: a directory of runbooks with its rollback.yaml'
            cand -o 'How results are written to stdout; prompts and progress always go to stderr'
            cand --output 'How results are written to stdout; prompts and progress always go to stderr'
            cand --color 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'rollback;completions'= {
            cand --dir 'Write the scripts of all shells here'
            cand --runbooks 'The catalog: a directory of runbooks with its rollback.yaml'
            cand -o 'How results are written to stdout; prompts and progress always go to stderr'
            cand --output 'How results are written to stdout; prompts and progress always go to stderr'
            cand --color 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'rollback;man'= {
            cand --runbooks 'The catalog: a directory of runbooks with its rollback.yaml'
            cand -o 'How results are written to stdout; prompts and progress always go to stderr'
            cand --output 'How results are written to stdout; prompts and progress always go to stderr'
            cand --color 'Colour. `auto` asks the terminal, `NO_COLOR` and `CI`'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
    ]
    $completions[$command]
}
