//! The health endpoints of a rehearsal: they answer as the running pods deserve, by the flags that
//! they carry and by the content that was deployed.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use serde_json::{Value, json};

use super::cluster::CONTENT;
use super::{Fault, Needs};
use crate::draft::Draft;
use crate::runbook::{Action, Http, Metric, Workload};
use crate::sandbox::Sandbox;

/// The path below which numbers are answered: `GOOD/BAD/api/v1/query`.
const METRIC: &str = "/rehearsed-metric/";

/// What an endpoint answers when the system is healthy.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    status: u16,
    body: String,
}

/// The server, and what it judges by.
#[derive(Debug)]
pub struct Health {
    port: u16,
    judge: Arc<Judge>,
}

#[derive(Debug)]
struct Judge {
    sandbox: Arc<Sandbox>,
    namespace: String,
    workloads: Vec<Workload>,
    flags: BTreeMap<String, String>,
    always_broken: bool,
    expected: BTreeMap<String, Expected>,
}

impl Health {
    /// Starts the server on a free port of the loopback.
    pub fn start(
        sandbox: &Arc<Sandbox>,
        namespace: &str,
        needs: &Needs,
        own: &[Draft],
        faults: &[Fault],
    ) -> io::Result<Health> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let judge = Arc::new(Judge {
            sandbox: Arc::clone(sandbox),
            namespace: namespace.to_owned(),
            workloads: needs.own_workloads.iter().cloned().collect(),
            flags: needs.own_flags.clone(),
            always_broken: faults.contains(&Fault::Health500),
            expected: expected(own),
        });
        let answering = Arc::clone(&judge);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let judge = Arc::clone(&answering);
                std::thread::spawn(move || answer(&judge, &stream));
            }
        });
        Ok(Health { port, judge })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The same path on this server.
    pub fn rewrite(&self, url: &str) -> String {
        format!("http://127.0.0.1:{}{}", self.port, path_of(url))
    }

    /// A Prometheus on this server that answers with what the bound wants, or does not want.
    pub fn metric_url(&self, metric: &Metric) -> String {
        let more = metric.above.map(|bound| (bound + 1.0, bound - 1.0));
        let less = metric.below.map(|bound| (bound - 1.0, bound + 1.0));
        let at_least = metric.at_least.map(|bound| (bound, bound - 1.0));
        let at_most = metric.at_most.map(|bound| (bound, bound + 1.0));
        let (good, bad) = more.or(less).or(at_least).or(at_most).unwrap_or_default();
        format!("http://127.0.0.1:{}{METRIC}{good}/{bad}", self.port)
    }

    /// Whether it answers as a healthy system's.
    pub fn is_healthy(&self) -> bool {
        self.judge.is_healthy()
    }
}

/// The path of a URL, with its query.
fn path_of(url: &str) -> &str {
    let after = url.split_once("://").map_or(url, |(_, rest)| rest);
    after.find('/').map_or("/", |start| &after[start..])
}

/// What the runbook wants each path to answer.
fn expected(own: &[Draft]) -> BTreeMap<String, Expected> {
    let steps = own.iter().flat_map(|draft| draft.steps.iter().map(|step| &step.action));
    let criteria = own.iter().flat_map(|draft| draft.recovered_when.iter().map(|it| &it.action));
    steps
        .chain(criteria)
        .filter_map(|action| match action {
            Action::Http(http) => Some((path_of(&http.url).to_owned(), answer_of(http))),
            _ => None,
        })
        .collect()
}

fn answer_of(http: &Http) -> Expected {
    let mut body = json!({"status": "ok"});
    for (pointer, value) in &http.json {
        put(&mut body, pointer, value);
    }
    if let Some(text) = &http.contains {
        body["says"] = json!(text);
    }
    Expected { status: http.status.first().copied().unwrap_or(200), body: body.to_string() }
}

/// Sets the value at a JSON pointer, making the objects on the way.
fn put(body: &mut Value, pointer: &str, value: &Value) {
    let mut place = body;
    for key in pointer.split('/').skip(1) {
        let key = key.replace("~1", "/").replace("~0", "~");
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[key];
    }
    *place = value.clone();
}

impl Judge {
    fn is_healthy(&self) -> bool {
        !self.always_broken && self.workloads.iter().all(|workload| self.serves_well(workload))
    }

    /// All pods that serve carry the flags, or the good content; and there are some.
    fn serves_well(&self, workload: &Workload) -> bool {
        let pods: Vec<Value> = self
            .sandbox
            .list("pods", &self.namespace)
            .into_iter()
            .filter(|pod| pod["metadata"]["labels"]["app"] == workload.name.as_str())
            .filter(is_ready)
            .collect();
        !pods.is_empty() && pods.iter().all(|pod| self.is_good(pod))
    }

    fn is_good(&self, pod: &Value) -> bool {
        let annotations = &pod["metadata"]["annotations"];
        if annotations[CONTENT] == "good" {
            return true;
        }
        if self.flags.is_empty() {
            return !annotations["kubectl.kubernetes.io/restartedAt"].is_null();
        }
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        let carried = self.sandbox.pod_env(&self.namespace, name, "app").unwrap_or_default();
        self.flags.iter().all(|(flag, wanted)| carried.get(flag) == Some(wanted))
    }
}

fn is_ready(pod: &Value) -> bool {
    pod["status"]["conditions"].as_array().is_some_and(|conditions| {
        conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
    })
}

/// Prometheus's answer: the first of the values where all is well, else the second.
fn measured(values: &str, healthy: bool) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.unwrap_or_default().as_secs_f64();
    let value = values.split('/').nth(usize::from(!healthy)).unwrap_or_default().to_owned();
    let value = if values.contains("timestamp%28") { now.to_string() } else { value };
    json!({"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {}, "value": [now, value]},
    ]}})
    .to_string()
}

fn answer(judge: &Judge, stream: &TcpStream) {
    let mut reader = BufReader::new(stream.take(64 * 1024));
    let mut first = String::new();
    let _ = reader.read_line(&mut first);
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|got| got > 2) {
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or("/").to_owned();
    let (status, body) = if let Some(values) = path.strip_prefix(METRIC) {
        (200, measured(values, judge.is_healthy()))
    } else if judge.is_healthy() {
        let ok = || Expected { status: 200, body: r#"{"status":"ok"}"#.to_owned() };
        let expected = judge.expected.get(&path).cloned().unwrap_or_else(ok);
        (expected.status, expected.body)
    } else if judge.always_broken {
        (500, r#"{"status":"broken"}"#.to_owned())
    } else {
        (503, r#"{"status":"broken"}"#.to_owned())
    };
    let mut stream = stream;
    let _ = write!(
        stream,
        "HTTP/1.1 {status} Rehearsal\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
}
