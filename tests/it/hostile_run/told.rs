//! A canary as a secret in the addresses and headers of those who are told and of the server that is
//! asked, looked for in every child that works meanwhile, in what is told, kept and shown.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::secrets::{CANARY, leaking_files, leaks};
use crate::scenario::{NAMESPACE, Scenario};

/// The head and the body of each request.
type Heard = Arc<Mutex<Vec<(String, String)>>>;

/// A server that keeps heads and bodies, repeats the head in its answer, and answers only once
/// `go` is there.
fn echoing(go: PathBuf) -> (String, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("an address").to_string();
    let heard = Heard::default();
    let kept = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (go, kept) = (go.clone(), Arc::clone(&kept));
            std::thread::spawn(move || {
                let mut reader = BufReader::new(&stream);
                let mut head = String::new();
                while reader.read_line(&mut head).is_ok_and(|got| got > 2) {}
                let length = head.to_lowercase().lines().find_map(|line| {
                    line.strip_prefix("content-length:")?.trim().parse::<usize>().ok()
                });
                let mut body = vec![0; length.unwrap_or(0)];
                let _ = reader.read_exact(&mut body);
                let body = String::from_utf8_lossy(&body).into_owned();
                kept.lock().expect("lock").push((head.clone(), body));
                let until = Instant::now() + Duration::from_secs(4);
                while !go.exists() && Instant::now() < until {
                    std::thread::sleep(Duration::from_millis(5));
                }
                let answer = serde_json::json!({"status": "error", "error": head}).to_string();
                let _ = write!(
                    &stream,
                    "HTTP/1.1 422 X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
                    answer.len()
                );
            });
        }
    });
    (format!("http://{address}"), heard)
}

/// The processes below one of ours, and their arguments and environments; never its own.
fn children(parent: u32, seen: &mut BTreeSet<String>, leaking: &mut Vec<String>) {
    let mut ours = BTreeSet::from([parent]);
    let entries = || std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let number = |name: std::ffi::OsString| name.into_string().ok()?.parse::<u32>().ok();
    for _ in 0..3 {
        for pid in entries().filter_map(|entry| number(entry.file_name())) {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let above =
                stat.rsplit_once(')').and_then(|(_, rest)| rest.split(' ').nth(2)?.parse().ok());
            if above.is_some_and(|above: u32| ours.contains(&above)) {
                ours.insert(pid);
            }
        }
    }
    ours.remove(&parent);
    for pid in ours {
        // Between its fork and its own program a child is still a copy of us.
        let program = std::fs::read_link(format!("/proc/{pid}/exe"));
        if program.is_ok_and(|program| program == Path::new(env!("CARGO_BIN_EXE_rollback"))) {
            continue;
        }
        for part in ["cmdline", "environ"] {
            let Ok(bytes) = std::fs::read(format!("/proc/{pid}/{part}")) else { continue };
            let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
            if part == "cmdline" && !text.is_empty() {
                let program = text.split(' ').next().unwrap_or_default();
                seen.insert(program.rsplit('/').next().unwrap_or_default().to_owned());
            }
            if leaks(&text) {
                leaking.push(format!("{part} of {pid}: {text}"));
            }
        }
    }
}

/// Those who are told: a chat with the secret in its address, a hook with the secret in a header, a
/// program that waits for `go` with what it was told; a Prometheus that wants the secret.
fn told(server: &str) -> Scenario {
    let scenario = Scenario::new()
        .cluster()
        .configmap("flags", &[("NEW_CODE", "true")])
        .env("CANARY", CANARY)
        .settings(&format!(
            "apiVersion: rollback/v1\ncontext: test\nnamespace: {NAMESPACE}\nparameters:\n  token:\n    \
             secret: {{ env: CANARY }}\n"
        ));
    let dir = scenario.path("").display().to_string();
    let program = format!(
        "cat >> {dir}/told; env >> {dir}/env; while [ ! -e {dir}/go ]; do sleep 0.02; done"
    );
    let known = scenario.file("known", CANARY);
    known
        .component(
            "off",
            &format!(
                "methods:\n  flag:\n    steps:\n      - name: Off\n        set_flags: {{ configmap: \
                 flags, flags: {{ NEW_CODE: \"false\" }} }}\n      - name: Says it\n        command: \
                 [sh, -c, \"cat {dir}/known >&2; exit 1\"]\n        on_failure: continue\n"
            ),
        )
        .file(
            "runbooks/triggers.yaml",
            &format!(
                "apiVersion: rollback/v1\nprometheus: {{ url: \"{server}\", timeout: 300ms, headers: {{ \
                 Authorization: \"Bearer ${{token}}\" }} }}\nmetrics:\n  errors: {{ title: Errors, query: \
                 errors, target: \"< 1%\", alert: \"> 5%\" }}\ntriggers:\n  errors:\n    title: Requests \
                 fail\n    severity: red\n    query: errors\n    bound: \"> 10%\"\n    rollback: component \
                 off\nnotifications:\n  - {{ name: chat, slack: \"{server}/hook/${{token}}\" }}\n  - {{ \
                 name: hook, webhook: \"{server}/\", headers: {{ X-Token: \"${{token}}\" }} }}\n  - {{ name: \
                 program, exec: [sh, -c, \"{program}\"] }}\n"
            ),
        )
}

/// Looks at the children until the program that is told is there, then lets everybody go on.
fn looked_at(scenario: &Scenario, run: &mut Child) -> (BTreeSet<String>, Vec<String>, usize) {
    let (mut seen, mut leaking, mut looks) = (BTreeSet::new(), Vec::new(), 0);
    let until = Instant::now() + Duration::from_secs(60);
    let go = scenario.path("go");
    while run.try_wait().expect("waited").is_none() {
        assert!(Instant::now() < until, "it does not end");
        children(run.id(), &mut seen, &mut leaking);
        looks += 1;
        if scenario.path("told").exists() && seen.contains("sleep") && !go.exists() {
            std::fs::write(&go, "").expect("written");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    (seen, leaking, looks)
}

#[test]
fn what_is_told_is_in_no_child_s_arguments_or_environment_and_is_not_kept() {
    let scenario = told("http://127.0.0.1:1");
    let (server, heard) = echoing(scenario.path("go"));
    let text = std::fs::read_to_string(scenario.path("runbooks/triggers.yaml")).expect("read");
    let scenario =
        scenario.file("runbooks/triggers.yaml", &text.replace("http://127.0.0.1:1", &server));
    let mut run = scenario.start(&["component", "off", "--yes", "--output", "jsonl"]);
    let (seen, leaking, looks) = looked_at(&scenario, &mut run);
    let output = run.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert_eq!(leaking, Vec::<String>::new());
    assert!(seen.contains("kubectl") && seen.contains("sh"), "{seen:?}");
    for bytes in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(bytes);
        assert_eq!(text.lines().find(|line| leaks(line)), None);
    }
    let heard = heard.lock().expect("lock").clone();
    let with = |part: &str| heard.iter().any(|(head, _)| head.contains(&format!("{part}{CANARY}")));
    assert!(with("/hook/") && with("x-token: ") && with("Bearer "), "it was sent: {heard:?}");
    assert!(heard.iter().any(|(_, body)| body.contains("says-it failed")), "{heard:?}");
    assert!(heard.iter().all(|(_, body)| !leaks(body)), "{heard:?}");
    for file in ["told", "env"] {
        let text = std::fs::read_to_string(scenario.path(file)).expect("written");
        assert!(!leaks(&text), "{file}: {text}");
    }
    let mut shown = 0;
    for arguments in [
        &["runs", "show"][..],
        &["report"],
        &["report", "--format", "html"],
        &["update"],
        &["metrics"],
        &["triggers"],
        &["watch", "--every", "10ms", "--rounds", "2"],
        &["validate"],
        &["recovery"],
        &["contacts"],
        &["ready"],
        &["flags"],
        &["status"],
        &["lint"],
    ] {
        for form in ["text", "json", "jsonl"] {
            let ended = scenario.run(&[arguments, &["--output", form]].concat());
            shown += 1;
            let said = ended.stdout + &ended.stderr;
            assert_eq!(said.lines().find(|line| leaks(line)), None, "{arguments:?} {form}");
        }
    }
    let (mut leaking, mut files) = (Vec::new(), 0);
    for dir in ["state", "cache", "home"] {
        leaking_files(&scenario.path(dir), &mut leaking, &mut files);
    }
    assert_eq!(leaking, Vec::<String>::new());
    eprintln!(
        "a canary told to three, {looks} looks at the arguments and environments of {} programs, \
         {shown} commands, {files} files: 0 hits",
        seen.len()
    );
}
