//! Owns the replay of recorded kubectl commands, with the kubectl that is installed, against the sandbox.

#![allow(clippy::disallowed_macros, reason = "figures for the reader of the test log")]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rollback::sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::normal;

const DEPLOYMENT: &str = include_str!("../../data/apiserver/deployment.yaml");

/// A directory with kubeconfigs and manifests, and a sandbox to use them on.
pub struct Desk {
    /// The sandbox.
    pub sandbox: Sandbox,
    files: TempDir,
}

impl Desk {
    /// A sandbox with the namespace `shop`.
    pub fn new() -> Desk {
        let sandbox = Sandbox::start(Options::default()).expect("the sandbox starts");
        let namespace =
            json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "shop"}});
        sandbox.create(namespace).expect("the namespace is created");
        let files = tempfile::tempdir().expect("there is room for files");
        for user in ["admin", "viewer"] {
            let path = files.path().join(user);
            sandbox.write_kubeconfig(&path, user, "shop", user).expect("the kubeconfig is written");
        }
        let desk = Desk { sandbox, files };
        desk.write("deploy.yaml", DEPLOYMENT);
        desk.write("deploy2.yaml", &DEPLOYMENT.replace("img:1", "img:2"));
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "rollback-lock", "annotations": {"rollback/run": "r1"}},
            "spec": {"holderIdentity": "a@h", "leaseDurationSeconds": 60, "leaseTransitions": 0,
                     "acquireTime": "2026-11-23T02:00:00.000000Z", "renewTime": "2026-11-23T02:00:00.000000Z"},
        });
        desk.write("lease.json", &lease.to_string());
        desk
    }

    /// Writes a manifest.
    pub fn write(&self, name: &str, content: &str) {
        std::fs::write(self.files.path().join(name), content).expect("the file is written");
    }

    /// Runs kubectl to its end.
    pub fn kubectl(&self, args: &[&str]) -> Output {
        let viewer = args.starts_with(&["--context", "viewer"]);
        command(self.files.path(), if viewer { "viewer" } else { "admin" })
            .args(args)
            .output()
            .expect("kubectl runs")
    }
}

fn command(home: &Path, config: &str) -> Command {
    let mut command = Command::new("kubectl");
    command
        .current_dir(home)
        .env("HOME", home)
        .env("KUBECONFIG", home.join(config))
        .stdin(Stdio::null());
    command
}

/// Whether there is a kubectl; without one its tests are skipped.
pub fn has_kubectl() -> bool {
    let found = Command::new("kubectl")
        .args(["version", "--client"])
        .output()
        .is_ok_and(|out| out.status.success());
    if !found {
        eprintln!("skipped: there is no kubectl");
    }
    found
}

/// Both streams of a command.
pub fn all_output(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Takes away what depends on the version of kubectl or on the moment.
fn comparable(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.is_empty());
    // The recorded kubectl warns more than older ones do.
    let lines = lines.filter(|line| {
        let lower = line.to_lowercase();
        !lower.starts_with("warning:")
            && !line.starts_with("Client Version")
            && !line.starts_with("Kustomize Version")
    });
    let words = |line: &str| {
        let line = line.replace(" from shop namespace", "");
        let line = line.split("pod-template-hash=").next().unwrap_or_default();
        let line = normal::text(line).split_whitespace().collect::<Vec<_>>().join(" ");
        match (line.find("\"{"), line.rfind("}\": ")) {
            (Some(from), Some(to)) if from < to => {
                format!("{}\"{{...}}\": {}", &line[..from], &line[to + 4..])
            }
            _ => line,
        }
    };
    let mut lines: Vec<String> = lines.map(words).collect();
    if let Some(at) = lines.iter().position(|line| line.starts_with("NAME READY STATUS")) {
        // Ages and the order of random names.
        for line in &mut lines[at + 1..] {
            *line = line.rsplit_once(' ').map_or(line.clone(), |(row, _)| row.to_owned());
        }
    }
    lines.join("\n")
}

/// Commands whose output is not compared, or not whole, with the reason.
fn exempt(command: &str) -> Option<&'static str> {
    if command.contains("-o json") && !command.contains("jsonpath") {
        return Some("the objects are compared in the replay of the requests");
    }
    if command.starts_with("kubectl diff") {
        return Some("the differences are printed with file names and times");
    }
    if command.contains("jsonpath") {
        return Some("a uid");
    }
    if command.starts_with("kubectl logs") {
        return Some("the recorded cluster had no logs");
    }
    None
}

#[test]
fn recorded_kubectl_commands_end_alike() {
    if !has_kubectl() {
        return;
    }
    let desk = Desk::new();
    let recording = include_str!("../../data/apiserver/kubectl.txt");
    let (mut equal, mut exempted, mut failures, mut last) = (0, 0, Vec::new(), String::new());
    for block in recording.split("$ kubectl ").skip(1) {
        let (command, rest) = block.split_once('\n').expect("a command is a line");
        let (output, exit) = rest.rsplit_once("[exit ").expect("a block ends with the exit code");
        let exit: i32 =
            exit.trim().trim_end_matches(']').parse().expect("the exit code is a number");
        let args: Vec<&str> = command.split(' ').collect();
        if args == ["replace", "-f", "l2.json"] && !last.starts_with("replace") {
            let mut lease =
                desk.sandbox.get("leases", "shop", "rollback-lock").expect("the lease is there");
            lease["spec"]["renewTime"] = "2026-11-23T02:00:15.000000Z".into();
            desk.write("l2.json", &lease.to_string());
        }
        if command == "rollout restart deployment/web" && last == command {
            // Not run: kubectl itself refuses it, and only if the clock still shows the second of the first.
            exempted += 1;
            continue;
        }
        if command.starts_with("rollout restart deployment/web deployment/nope") {
            // kubectl refuses a restart in the same second as the one before.
            std::thread::sleep(Duration::from_millis(1100));
        }
        let result = desk.kubectl(&args);
        desk.sandbox.settle();
        let full = format!("kubectl {command}");
        let reason = exempt(&full);
        let said = all_output(&result);
        let (theirs, ours) = (comparable(output), comparable(&said));
        let same = if command.starts_with("rollout status") {
            // How many lines there are on the way depends on the speed of the pods.
            theirs.lines().last() == ours.lines().last()
        } else {
            theirs == ours || reason.is_some()
        };
        if result.status.code() != Some(exit) || !same {
            failures.push(format!(
                "$ {full}\n  recorded {exit}: {theirs}\n  now {:?}: {ours}",
                result.status.code()
            ));
        } else if reason.is_some() {
            exempted += 1;
        } else {
            equal += 1;
        }
        command.clone_into(&mut last);
    }
    eprintln!(
        "{equal} commands alike, {exempted} alike in their exit code or not run, {} different",
        failures.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(equal >= 60, "only {equal} commands were compared");
    assert_eq!(desk.sandbox.unimplemented(), Vec::<String>::new());
}

#[test]
fn a_kubectl_proxy_passes_requests_on_as_its_user() {
    if !has_kubectl() {
        return;
    }
    let desk = Desk::new();
    let socket = desk.files.path().join("proxy");
    let mut proxy = command(desk.files.path(), "viewer")
        .arg("proxy")
        .arg(format!("--unix-socket={}", socket.display()))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the proxy starts");
    let mut greeting = [0_u8; 8];
    std::io::Read::read_exact(proxy.stdout.as_mut().expect("its output is piped"), &mut greeting)
        .expect("it greets");
    let mut stream = std::os::unix::net::UnixStream::connect(&socket).expect("the proxy listens");
    let request =
        "GET /api/v1/namespaces/shop/pods HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("the request is sent");
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).expect("the answer is read");
    proxy.kill().expect("the proxy ends");
    proxy.wait().expect("the proxy is reaped");
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(answer.contains("User \\\"viewer\\\" cannot list resource \\\"pods\\\""), "{answer}");
}

#[test]
fn kubectl_reads_the_log_of_a_crashing_container() {
    if !has_kubectl() {
        return;
    }
    let desk = Desk::new();
    let deployment = super::world::deployment("api", "img:crash", 1, &json!([]));
    desk.sandbox.create(deployment).expect("the deployment is created");
    let crashed =
        |pod: &Value| pod["status"]["containerStatuses"][0]["restartCount"].as_u64() > Some(0);
    assert!(desk.sandbox.wait_until(Duration::from_secs(5), |view| {
        view.list("pods", "shop").iter().any(crashed)
    }));
    let log = desk.kubectl(&["logs", "deployment/api", "--previous"]);
    assert_eq!(
        String::from_utf8_lossy(&log.stdout),
        "img:crash: starting\nfatal: this build is broken\n"
    );
    let pods = all_output(&desk.kubectl(&["get", "pods"]));
    assert!(pods.contains("0/1") && pods.contains("CrashLoopBackOff"), "{pods}");
    let events = all_output(&desk.kubectl(&["get", "events"]));
    assert!(events.contains("Back-off restarting failed container app"), "{events}");
}
