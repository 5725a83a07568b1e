//! `make bench`: speed as ratios against bash and against an empty program, measured in one run,
//! in turn, so that a slow machine slows both. Prints one line a figure; never fails on time.
#![allow(missing_docs)]
#![allow(clippy::disallowed_macros, reason = "the figures are the result")]
#![allow(clippy::disallowed_methods, reason = "bash is started beside the product")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rollback::sandbox::{Options, Sandbox};
use serde_json::json;

const ROLLBACK: &str = env!("CARGO_BIN_EXE_rollback");
const RUNS: usize = 11;

fn main() {
    let dir = tempfile::tempdir().expect("a directory");
    flag_rollback(dir.path());
    listing(dir.path());
    many_steps(dir.path());
    flood(dir.path());
}

/// Medians of two commands run in turn, and their ratio pair by pair.
fn compare(
    what: &str,
    bound: f64,
    mut ours: impl FnMut() -> Duration,
    mut theirs: impl FnMut() -> Duration,
) {
    ours();
    theirs();
    let (mut a, mut b, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (x, y) = (ours().as_secs_f64(), theirs().as_secs_f64());
        a.push(x);
        b.push(y);
        ratios.push(x / y);
    }
    let median = |list: &mut Vec<f64>| {
        list.sort_by(f64::total_cmp);
        list[list.len() / 2]
    };
    println!(
        "{what}: {:.1} ms against {:.1} ms, ratio {:.2} (aim: at most {bound})",
        median(&mut a) * 1000.0,
        median(&mut b) * 1000.0,
        median(&mut ratios)
    );
}

fn timed(command: &mut Command) -> Duration {
    let begun = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let took = begun.elapsed();
    assert!(status.is_ok_and(|status| matches!(status.code(), Some(0 | 5))), "{command:?}");
    took
}

fn ours(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(ROLLBACK);
    command
        .args(arguments)
        .current_dir(dir)
        .env("XDG_STATE_HOME", dir.join("state"))
        .env("XDG_CACHE_HOME", dir.join("cache"));
    command
}

fn write(path: PathBuf, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    std::fs::write(path, text).expect("written");
}

/// Three kubectl changes and a health check, against the same in bash.
fn flag_rollback(dir: &Path) {
    let instant = Options {
        pod_delay: Duration::ZERO,
        termination_delay: Duration::ZERO,
        ..Options::default()
    };
    let sandbox = Sandbox::start(instant).expect("the sandbox");
    let kubeconfig = dir.join("kubeconfig");
    sandbox.write_kubeconfig(&kubeconfig, "bench", "shop", "admin").expect("a kubeconfig");
    let create = |object| sandbox.create(object).expect("created");
    create(json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "flags", "namespace": "shop"}, "data": {"NEW": "true"}}));
    for name in ["backend", "websocket"] {
        create(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": name}}, "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": "app:1",
                    "envFrom": [{"configMapRef": {"name": "flags"}}]}]}}}}));
    }
    let url = healthy();
    write(
        dir.join("runbooks/rollback.yaml"),
        "apiVersion: rollback/v1\ncontext: bench\nnamespace: shop\n",
    );
    write(
        dir.join("runbooks/flag.yaml"),
        &format!(
            "apiVersion: rollback/v1\nlevel: component\nname: flag\ntitle: flag\nmethods:\n  flag:\n    steps:\n      - name: Flag\n        set_flags: {{ configmap: flags, flags: {{ NEW: \"false\" }} }}\n      - name: Restart\n        restart: [deployment/backend, deployment/websocket]\nrecovered_when:\n  - http: {{ url: \"{url}\" }}\n"
        ),
    );
    let script = dir.join("flag.sh");
    let kubectl = "kubectl --context bench -n shop";
    write(
        script.clone(),
        &format!(
            "set -e\n{kubectl} patch configmap flags --type=merge -p '{{\"data\":{{\"NEW\":\"false\"}}}}'\n{kubectl} rollout restart deployment/backend\n{kubectl} rollout restart deployment/websocket\ncurl -sf {url}\n"
        ),
    );
    let reset = || {
        let patch = json!({"data": {"NEW": "true"}});
        sandbox.patch_merge("configmaps", "shop", "flags", &patch).expect("reset");
        sandbox.settle();
        // A second restart within a second is refused by kubectl.
        std::thread::sleep(Duration::from_millis(1100));
    };
    compare(
        "flag rollback, surveyed and verified, against bash",
        1.1,
        || {
            reset();
            timed(ours(dir, &["component", "flag", "--yes"]).env("KUBECONFIG", &kubeconfig))
        },
        || {
            reset();
            timed(Command::new("bash").arg(&script).env("KUBECONFIG", &kubeconfig))
        },
    );
}

/// A server that is always well.
fn healthy() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let url = format!("http://{}/health", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|got| got > 2) {
                line.clear();
            }
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
            let _ = (&stream).write_all(answer.as_bytes());
        }
    });
    url
}

/// `list`, against an empty program and against a large catalog.
fn listing(dir: &Path) {
    let source = dir.join("empty.rs");
    write(source.clone(), "fn main() {}\n");
    let empty = dir.join("empty");
    let built = Command::new("rustc").args(["-O", "-o"]).arg(&empty).arg(&source).status();
    assert!(built.is_ok_and(|status| status.success()), "rustc");
    let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks");
    let list = |catalog: &str| {
        let mut total = Duration::ZERO;
        for _ in 0..20 {
            total += timed(&mut ours(dir, &["--runbooks", catalog, "list"]));
        }
        total
    };
    compare(
        "20 times `list` on this catalog, against an empty main",
        3.0,
        || list(catalog),
        || (0..20).map(|_| timed(&mut Command::new(&empty))).sum(),
    );
    let large = dir.join("large");
    write(large.join("rollback.yaml"), "apiVersion: rollback/v1\n");
    let model = std::fs::read_to_string(format!("{catalog}/components/tool-dispatcher.yaml"));
    let model = model.expect("a runbook");
    for number in 0..2000 {
        let text = model.replace("name: tool-dispatcher", &format!("name: component-{number}"));
        write(large.join(format!("components/{number}.yaml")), &text);
    }
    let large = large.display().to_string();
    compare(
        "20 times `list` on 2,000 runbooks, against this catalog",
        10.0,
        || list(&large),
        || list(catalog),
    );
}

/// 200 steps, journaled and synced, against bash.
fn many_steps(dir: &Path) {
    use std::fmt::Write as _;
    let mut text = "apiVersion: rollback/v1\nlevel: component\nname: many\ntitle: many\nmethods:\n  flag:\n    steps:\n".to_owned();
    for number in 0..200 {
        let _ = writeln!(text, "      - {{ name: Step {number}, command: [\"true\"] }}");
    }
    write(dir.join("runbooks/many.yaml"), &text);
    let script = dir.join("many.sh");
    write(script.clone(), &"bash -c true\n".repeat(200));
    compare(
        "200 steps, journaled and synced, against `bash -c` of the same",
        2.0,
        || timed(&mut ours(dir, &["component", "many", "--yes"])),
        || timed(Command::new("bash").arg(&script)),
    );
}

/// The largest memory while a step prints 1 GB.
fn flood(dir: &Path) {
    write(
        dir.join("runbooks/flood.yaml"),
        "apiVersion: rollback/v1\nlevel: component\nname: flood\ntitle: flood\nmethods:\n  flag:\n    steps:\n      - { name: Flood, shell: \"yes 'a line of output that is not short' | head -c 1000000000\", timeout: 5m }\n",
    );
    let mut child = ours(dir, &["component", "flood", "--yes"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().is_ok_and(|status| status.is_none()) {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let now = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = now.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        peak = peak.max(now.unwrap_or_default());
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("a step that prints 1 GB: {} MB at most (aim: under 40)", peak / 1024);
}
