//! A world for one test: a catalog, a home, a cluster, an HTTP server, and the real binary run in it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use rollback::sandbox::{Options, Sandbox};
use serde_json::{Value, json};

/// The namespace of every scenario.
pub const NAMESPACE: &str = "shop";
/// The kubectl context of every scenario.
pub const CONTEXT: &str = "test";

/// A world for one test; gone with it.
pub struct Scenario {
    dir: tempfile::TempDir,
    /// The cluster, where the scenario has one.
    pub sandbox: Option<Sandbox>,
    env: BTreeMap<String, String>,
    path_front: Vec<PathBuf>,
}

/// How a command of ours ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Ended {
    /// Asserts the exit code, with both streams in the failure.
    #[track_caller]
    pub fn exits(self, code: i32) -> Ended {
        assert_eq!(
            self.code,
            Some(code),
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Asserts that the exit code is one of these.
    #[track_caller]
    pub fn exits_one_of(self, codes: &[i32]) -> Ended {
        assert!(self.code.is_some_and(|code| codes.contains(&code)), "{self:#?}");
        self
    }

    /// Asserts that standard output or standard error says this.
    #[track_caller]
    pub fn says(self, text: &str) -> Ended {
        assert!(
            self.stdout.contains(text) || self.stderr.contains(text),
            "it does not say {text:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.stdout, self.stderr))
    }

    /// Standard output as JSON Lines.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect()
    }
}

impl Scenario {
    /// A home and an empty catalog; no cluster.
    pub fn new() -> Scenario {
        let dir = tempfile::tempdir().expect("a directory");
        for name in
            ["home", "state", "cache", "config", "runbooks/components", "runbooks/services", "bin"]
        {
            std::fs::create_dir_all(dir.path().join(name)).expect("a directory");
        }
        let scenario = Scenario {
            path_front: vec![dir.path().join("bin")],
            dir,
            sandbox: None,
            env: BTreeMap::new(),
        };
        scenario.settings(&format!(
            "apiVersion: rollback/v1\ncontext: {CONTEXT}\nnamespace: {NAMESPACE}\n"
        ))
    }

    /// A path below the scenario's directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The directory that `$XDG_STATE_HOME/rollback` is.
    pub fn state(&self) -> PathBuf {
        self.path("state/rollback")
    }

    /// Writes `rollback.yaml`.
    #[must_use]
    pub fn settings(self, text: &str) -> Scenario {
        self.file("runbooks/rollback.yaml", text)
    }

    /// Writes a component's runbook; `body` is everything after its name and title.
    #[must_use]
    pub fn component(self, name: &str, body: &str) -> Scenario {
        let text = format!(
            "apiVersion: rollback/v1\nlevel: component\nname: {name}\ntitle: {name}\n{body}"
        );
        self.file(&format!("runbooks/components/{name}.yaml"), &text)
    }

    /// Writes any file of the scenario.
    #[must_use]
    pub fn file(self, name: &str, text: &str) -> Scenario {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("written");
        self
    }

    /// An executable in front of the PATH, such as a stub of kubectl.
    #[must_use]
    pub fn program(self, name: &str, script: &str) -> Scenario {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path("bin").join(name);
        std::fs::write(&path, script).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("mode");
        self
    }

    /// An environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Scenario {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// The value of one.
    pub fn env_of(&self, name: &str) -> String {
        self.env.get(name).cloned().unwrap_or_default()
    }

    /// A cluster, with kubectl pointed at it as `admin`.
    #[must_use]
    pub fn cluster(mut self) -> Scenario {
        let sandbox = Sandbox::start(Options::default()).expect("the sandbox starts");
        let kubeconfig = self.path("kubeconfig");
        sandbox.write_kubeconfig(&kubeconfig, CONTEXT, NAMESPACE, "admin").expect("a kubeconfig");
        self.env.insert("KUBECONFIG".to_owned(), kubeconfig.display().to_string());
        self.sandbox = Some(sandbox);
        self
    }

    /// The cluster.
    pub fn world(&self) -> &Sandbox {
        self.sandbox.as_ref().expect("a scenario with a cluster")
    }

    /// A ConfigMap in the cluster.
    #[must_use]
    pub fn configmap(self, name: &str, data: &[(&str, &str)]) -> Scenario {
        let data: BTreeMap<&str, &str> = data.iter().copied().collect();
        self.object(json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": NAMESPACE}, "data": data}))
    }

    /// A Deployment in the cluster whose pods read a ConfigMap; it is rolled out before this returns.
    #[must_use]
    pub fn deployment(self, name: &str, configmap: &str) -> Scenario {
        let scenario = self.object(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{"name": "app", "image": "app:1",
                        "envFrom": [{"configMapRef": {"name": configmap}}]}]}}}
        }));
        assert!(scenario.world().settle(), "the deployment is rolled out");
        scenario
    }

    /// Any object in the cluster.
    #[must_use]
    pub fn object(self, object: Value) -> Scenario {
        self.world().create(object).expect("created");
        self
    }

    /// What the running pods of an app carry for a flag, sorted.
    pub fn carried(&self, app: &str, flag: &str) -> Vec<String> {
        let world = self.world();
        let mut values: Vec<String> = world
            .list("pods", NAMESPACE)
            .iter()
            .filter(|pod| pod["metadata"]["labels"]["app"] == app)
            .filter_map(|pod| {
                let name = pod["metadata"]["name"].as_str()?;
                world.pod_env(NAMESPACE, name, "app")?.get(flag).cloned()
            })
            .collect();
        values.sort();
        values
    }

    /// The requests that changed something in the cluster but the lock, as `METHOD path`.
    pub fn changes(&self) -> Vec<String> {
        self.world()
            .requests()
            .iter()
            .filter(|it| !matches!(it.method.as_str(), "GET" | "HEAD") && !it.dry_run)
            .filter(|it| {
                !it.path.contains("/authorization.k8s.io/")
                    && !it.path.contains("/authentication.k8s.io/")
                    && !it.path.contains("/coordination.k8s.io/")
            })
            .map(|it| format!("{} {}", it.method, it.path))
            .collect()
    }

    /// A command of ours, ready to be run: hermetic environment, no terminal.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_through(&[], arguments)
    }

    /// The same, started by another program such as `strace`.
    pub fn command_through(&self, front: &[&str], arguments: &[&str]) -> Command {
        let mut words = front.to_vec();
        words.push(env!("CARGO_BIN_EXE_rollback"));
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        let mut path = self.path_front.clone();
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let path = std::env::join_paths(path).expect("a PATH");
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("USER", "alice")
            .env("LANG", "C.UTF-8")
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .envs(&self.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command of ours to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().expect("rollback starts");
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Starts a command of ours and leaves it running.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("rollback starts")
    }

    /// The ids of all runs, oldest first.
    pub fn runs(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.state().join("runs")) else { return Vec::new() };
        let mut ids: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        ids.sort();
        ids
    }

    /// The records of the newest run.
    pub fn records(&self) -> Vec<Value> {
        let id = self.runs().pop().expect("a run");
        let text =
            std::fs::read_to_string(self.state().join("runs").join(id).join("journal.jsonl"));
        text.expect("a journal")
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }
}

/// Says how a path is answered.
type Answering = Box<dyn Fn(&str) -> (u16, String) + Send>;

/// An HTTP server that answers as it is told and remembers what it was asked.
#[derive(Clone)]
pub struct Endpoint {
    address: String,
    answer: Arc<Mutex<Answering>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Endpoint {
    /// A server whose answer to a path is (status, body).
    pub fn new(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = listener.local_addr().expect("an address").to_string();
        let endpoint = Endpoint {
            address,
            answer: Arc::new(Mutex::new(Box::new(answer))),
            asked: Arc::default(),
        };
        let serving = endpoint.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(&stream);
                let mut head = String::new();
                while reader.read_line(&mut head).is_ok_and(|got| got > 2) {}
                let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
                serving.asked.lock().expect("lock").push(head);
                let (status, body) = serving.answer.lock().expect("lock")(&path);
                let _ = write!(
                    &stream,
                    "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        endpoint
    }

    /// Answers with this status, whatever is asked.
    pub fn status(status: u16) -> Endpoint {
        Endpoint::new(move |_| (status, String::new()))
    }

    /// Answers differently from now on.
    pub fn answers(&self, answer: impl Fn(&str) -> (u16, String) + Send + 'static) {
        *self.answer.lock().expect("lock") = Box::new(answer);
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The heads of the requests so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("lock").clone()
    }
}
