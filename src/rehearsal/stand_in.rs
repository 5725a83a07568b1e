//! What is run in a rehearsal instead of commands that reach outside. A deploy writes the content of
//! its checkout into the pod templates; a test suite asks the health endpoint.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use super::cluster::CONTENT;
use super::remote::BROKEN;
use crate::runbook::{Command, CommandForm, Workload};

/// Writes the script and returns its path.
pub fn write(
    dir: &Path,
    kubeconfig: &Path,
    namespace: &str,
    workloads: &BTreeSet<Workload>,
    port: u16,
) -> io::Result<PathBuf> {
    let mut script = format!(
        "#!/usr/bin/env bash\n\
         # Stands in for a command that reaches outside: says so, and does what it would do here.\n\
         set -euo pipefail\n\
         mode=$1; shift\n\
         echo \"SIMULATED: $*\"\n\
         if [ \"$mode\" = check ]; then\n\
         \x20 exec 3<>/dev/tcp/127.0.0.1/{port}\n\
         \x20 printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3\n\
         \x20 read -r _ status _ <&3\n\
         \x20 echo \"SIMULATED: the system answers $status\"\n\
         \x20 [ \"$status\" = 200 ]; exit\n\
         fi\n\
         content=broken\n\
         if [ \"$mode\" = checkout ] && ! grep -rq '{BROKEN}' --exclude-dir=.git .; then content=good; fi\n\
         echo \"SIMULATED: deploying $content content\"\n"
    );
    for workload in workloads {
        let _ = writeln!(
            script,
            "kubectl --kubeconfig '{}' -n {namespace} patch {workload} --type=merge -p \
             '{{\"spec\":{{\"template\":{{\"metadata\":{{\"annotations\":{{\"{CONTENT}\":\"'$content'\"}}}}}}}}}}'",
            kubeconfig.display()
        );
    }
    let path = dir.join("stand-in");
    std::fs::write(&path, script)?;
    Ok(path)
}

/// Puts the stand-in where the command was; what it would have run is in its arguments.
pub fn replace(command: &mut Command, script: &Path) {
    let mode = if command.check {
        "check"
    } else if command.checkout.is_some() {
        "checkout"
    } else {
        "outside"
    };
    let said: Vec<String> = match &command.form {
        CommandForm::Argv(argv) => argv.clone(),
        CommandForm::Shell(text) => {
            vec!["shell:".to_owned(), text.lines().next().unwrap_or_default().to_owned()]
        }
    };
    let mut argv = vec!["bash".to_owned(), script.display().to_string(), mode.to_owned()];
    argv.extend(said);
    command.form = CommandForm::Argv(argv);
    command.probe = None;
    command.cwd = None;
}
