//! Each way to fail, as a sentence; what a body must hold.

use super::*;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

fn http(url: &str) -> Http {
    serde_json::from_value(serde_json::json!({"url": url})).expect("http")
}

/// A server that gives one answer, whatever is asked.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let url = format!("http://{}/health", listener.local_addr().expect("address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|got| got > 2) {
                line.clear();
            }
            let _ = (&stream).write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn each_way_to_fail_is_its_own_sentence() {
    let free = TcpListener::bind("127.0.0.1:0").expect("bound").local_addr().expect("address");
    let silent = TcpListener::bind("127.0.0.1:0").expect("bound");
    let mut slow = http(&format!("http://{}/", silent.local_addr().expect("address")));
    slow.attempt_timeout = Duration::from_millis(200);
    let server = answering("HTTP/1.1 503 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let login = answering(
        "HTTP/1.1 302 X\r\nlocation: https://login/?token=x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    );
    let say = |http: &Http| attempt(http, &[]).sentence;
    assert_eq!(say(&http(&format!("http://{free}/?token=secret"))), "connection refused");
    assert_eq!(say(&http("http://no-such-host.invalid/")), "the name does not resolve");
    assert_eq!(say(&slow), "no answer within 200ms");
    assert_eq!(say(&http(&server)), "503 (wanted 200)");
    assert_eq!(say(&http(&login)), "302, a redirect to https://login/ (wanted 200)");
    assert_eq!(say(&http(&server.replace("http:", "https:"))), "the port does not speak TLS");
    assert_eq!(say(&http("not a url")), "this is not a URL that can be asked");
}

#[test]
fn a_body_is_asserted_by_text_and_by_json_pointer() {
    let url = answering(
        "HTTP/1.1 200 OK\r\ncontent-length: 27\r\nconnection: close\r\n\r\n{\"status\":\"ok\",\"nodes\": 3 }",
    );
    let mut check = http(&url);
    check.json.insert("/status".into(), "ok".into());
    assert!(attempt(&check, &[]).passed);
    check.json.insert("/nodes".into(), 4.into());
    assert_eq!(attempt(&check, &[]).sentence, "200, but /nodes is 3 (wanted 4)");
    let mut check = http(&url);
    check.contains = Some("degraded".into());
    assert_eq!(attempt(&check, &[]).sentence, "200, but the body does not contain `degraded`");
}

/// A server that keeps its connections; each has its own answer, as behind a balancer of connections.
fn balancing(answers: &'static [&'static str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let url = format!("http://{}/health", listener.local_addr().expect("address"));
    std::thread::spawn(move || {
        for (stream, answer) in listener.incoming().flatten().zip(answers.iter().cycle()) {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(&stream);
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|got| got > 0) {
                    if line == "\r\n" {
                        let _ = (&stream).write_all(answer.as_bytes());
                    }
                    line.clear();
                }
            });
        }
    });
    url
}

#[test]
fn each_attempt_has_a_connection_of_its_own_and_so_reaches_each_pod_behind_a_balancer() {
    let url = balancing(&[
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 503 X\r\ncontent-length: 2\r\n\r\nno",
    ]);
    let mut check = http(&url);
    check.contains = Some("ok".into());
    let passed: Vec<bool> = (0..4).map(|_| attempt(&check, &[]).passed).collect();
    assert_eq!(passed, [true, false, true, false]);
}

#[test]
fn a_header_that_cannot_be_sent_is_named_and_its_value_is_not() {
    let url = answering("HTTP/1.1 200 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let with =
        |name: &str, value: &str| attempt(&http(&url), &[(name.to_owned(), value.to_owned())]);
    let wrong = with("Authorization", "Bearer hunter2\n");
    assert_eq!(wrong.sentence, "the header `Authorization` holds a line end, and cannot be sent");
    assert_eq!(wrong.elsewhere, Some(Elsewhere::Header));
    assert_eq!(with("X Token", "a").sentence, "`X Token` is not the name of a header");
    assert!(with("X-Token", "a").passed);
}

#[test]
fn a_body_that_does_not_end_is_too_late_and_says_so() {
    let url = balancing(&["HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nbegun"]);
    let mut check = http(&url);
    check.contains = Some("fine".into());
    check.attempt_timeout = Duration::from_millis(300);
    assert_eq!(attempt(&check, &[]).sentence, "200, but its body did not end within 300ms");
    let limit = Duration::from_millis(300);
    let fetched = fetch(&Fetch { url, limit, ..Fetch::default() });
    assert_eq!(fetched, Err("200, but its body did not end within 300ms".to_owned()));
}

#[test]
fn numbers_are_compared_as_numbers() {
    for (body, wanted, passes) in [
        ("[1.0]", "1", true),
        ("[1]", "1.0", true),
        ("[1.5]", "1", false),
        ("[9007199254740993]", "9007199254740993", true),
        ("[9007199254740992]", "9007199254740993", false),
        ("[{\"a\": [1.0]}]", "{\"a\": [1]}", true),
        ("[\"1\"]", "1", false),
    ] {
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let mut check = http(&answering(answer.leak()));
        check.json.insert("/0".into(), serde_json::from_str(wanted).expect("JSON"));
        assert_eq!(attempt(&check, &[]).passed, passes, "{body} {wanted}");
    }
}
