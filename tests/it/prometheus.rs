//! A real Prometheus and a real Alertmanager on loopback, and an exporter whose numbers a test moves.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::scenario::Endpoint;

/// Numbers that Prometheus scrapes; what is not there is not exported.
#[derive(Clone)]
pub struct Exporter {
    numbers: Arc<Mutex<BTreeMap<String, f64>>>,
    endpoint: Endpoint,
}

impl Exporter {
    fn new() -> Exporter {
        let numbers: Arc<Mutex<BTreeMap<String, f64>>> = Arc::default();
        let exported = numbers.clone();
        let endpoint = Endpoint::new(move |_| {
            let lines: Vec<String> = exported
                .lock()
                .expect("lock")
                .iter()
                .map(|(name, value)| format!("{name} {value}\n"))
                .collect();
            (200, lines.concat())
        });
        Exporter { numbers, endpoint }
    }

    /// From now on this is the number.
    pub fn set(&self, name: &str, value: f64) {
        self.numbers.lock().expect("lock").insert(name.to_owned(), value);
    }

    /// From now on this is the number, measured so long ago.
    pub fn set_old(&self, name: &str, value: f64, age: Duration) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let then = now.expect("after 1970").saturating_sub(age).as_millis();
        // The last line is empty: what follows it is no number.
        self.set(&format!("{name} {value} {then}\n# "), 0.0);
    }

    /// From now on there is no such number.
    pub fn remove(&self, name: &str) {
        self.numbers.lock().expect("lock").remove(name);
    }
}

/// A Prometheus (with an Alertmanager, where rules are given) that ends with the test.
pub struct Prometheus {
    _dir: tempfile::TempDir,
    children: Vec<Child>,
    /// Its address.
    pub url: String,
    /// The Alertmanager's address.
    pub alertmanager: String,
    /// What it scrapes.
    pub exporter: Exporter,
}

impl Prometheus {
    /// Starts one that scrapes the exporter four times a second.
    pub fn start() -> Prometheus {
        Prometheus::with_rules(None)
    }

    /// The same, with rules and an Alertmanager that gets their alerts.
    pub fn with_rules(rules: Option<&str>) -> Prometheus {
        let exporter = Exporter::new();
        let dir = tempfile::tempdir().expect("a directory");
        let target = exporter.endpoint.url("").replace("http://", "");
        let (port, alert_port) = (free_port(), free_port());
        let mut config = format!(
            "global: {{ scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms }}\n\
             scrape_configs:\n  - job_name: shop\n    static_configs: [{{ targets: [\"{target}\"] }}]\n"
        );
        let mut children = Vec::new();
        if let Some(rules) = rules {
            std::fs::write(dir.path().join("rules.yaml"), rules).expect("written");
            config.push_str(&format!(
                "rule_files: [rules.yaml]\nalerting:\n  alertmanagers:\n    - static_configs: \
                 [{{ targets: [\"127.0.0.1:{alert_port}\"] }}]\n"
            ));
            let file = dir.path().join("alertmanager.yaml");
            std::fs::write(&file, "route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n")
                .expect("written");
            children.push(start(
                "prometheus-alertmanager",
                dir.path(),
                &[
                    format!("--config.file={}", file.display()),
                    format!("--storage.path={}", dir.path().join("am").display()),
                    format!("--web.listen-address=127.0.0.1:{alert_port}"),
                    "--cluster.listen-address=".to_owned(),
                    "--log.level=error".to_owned(),
                ],
            ));
            await_port(alert_port);
        }
        let file = dir.path().join("prometheus.yaml");
        std::fs::write(&file, config).expect("written");
        children.push(start(
            "prometheus",
            dir.path(),
            &[
                format!("--config.file={}", file.display()),
                format!("--storage.tsdb.path={}", dir.path().join("data").display()),
                format!("--web.listen-address=127.0.0.1:{port}"),
                // What fired before the Alertmanager was known is sent again soon.
                "--rules.alert.resend-delay=1s".to_owned(),
                "--log.level=error".to_owned(),
            ],
        ));
        await_port(port);
        let url = |port| format!("http://127.0.0.1:{port}");
        Prometheus { _dir: dir, children, url: url(port), alertmanager: url(alert_port), exporter }
    }

    /// Ends both servers.
    pub fn stop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Calls until it gives something; fails after ten seconds.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(20);
    while Instant::now() < until {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("it never came: {what}");
}

fn start(program: &str, dir: &Path, arguments: &[String]) -> Child {
    let log = std::fs::File::create(dir.join(format!("{program}.log"))).expect("a log");
    Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| {
            panic!(
                "`{program}` cannot be started ({error}): these tests need the Debian packages \
                 prometheus and prometheus-alertmanager (.ci/run installs them)"
            )
        })
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port").port()
}

fn await_port(port: u16) {
    eventually("the server is ready", || {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
        std::io::Write::write_all(&mut stream, b"GET /-/ready HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut stream, &mut answer).ok()?;
        answer.contains(" 200 ").then_some(())
    });
}
