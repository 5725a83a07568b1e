//! Prometheus's answers, good and otherwise.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{NoData, Point, Server};

/// A server whose answer to a query is (status, body).
fn answering(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let url = format!("http://{}/", listener.local_addr().expect("address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let mut head = String::new();
            while reader.read_line(&mut head).is_ok_and(|got| got > 2) {}
            let (status, body) = answer(head.lines().next().unwrap_or_default());
            let length = body.len();
            let _ = write!(
                &stream,
                "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
        }
    });
    url
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs_f64()
}

/// A vector of one series each.
fn vector(values: &[&str]) -> String {
    let series: Vec<String> = values
        .iter()
        .map(|value| format!(r#"{{"metric":{{"pod":"p{value}"}},"value":[{},"{value}"]}}"#, now()))
        .collect();
    format!(
        r#"{{"status":"success","data":{{"resultType":"vector","result":[{}]}}}}"#,
        series.join(",")
    )
}

fn instant(url: &str, query: &str, limit: Duration) -> Result<Point, NoData> {
    Server { url: url.to_owned(), headers: Vec::new(), limit }.instant(query, None)
}

fn ask(url: &str) -> Result<f64, NoData> {
    instant(url, "sum(rate(errors[1m]))", Duration::from_secs(2)).map(|point| point.value)
}

#[test]
fn one_fresh_finite_number_is_an_answer() {
    let url = answering(|head| {
        assert!(
            head.starts_with("GET /api/v1/query?query=sum%28rate%28errors%5B1m%5D%29%29 "),
            "{head}"
        );
        (200, vector(&["0.25"]))
    });
    assert_eq!(ask(&url), Ok(0.25));
    let url = answering(|_| {
        let time = now();
        (
            200,
            format!(
                r#"{{"status":"success","data":{{"resultType":"scalar","result":[{time},"3"]}}}}"#
            ),
        )
    });
    assert_eq!(ask(&url), Ok(3.0));
}

#[test]
fn nothing_else_is_one() {
    let say = |status: u16, body: String| {
        let url = answering(move |_| (status, body.clone()));
        ask(&url).expect_err("no data").sentence()
    };
    assert_eq!(say(200, vector(&[])), "no data: no series matches the query");
    assert_eq!(
        say(200, vector(&["1", "2"])),
        "2 series instead of one number ({pod=\"p1\"}, {pod=\"p2\"}); aggregate them"
    );
    assert_eq!(say(200, vector(&["NaN"])), "no data: the value is NaN");
    assert_eq!(say(200, vector(&["+Inf"])), "no data: the value is +Inf");
    let partial = r#"{"status":"success","warnings":["store down"],"data":{"resultType":"vector","result":[]}}"#;
    assert_eq!(say(200, partial.to_owned()), "no data to rely on: Prometheus warns: store down");
    let refused = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
    assert_eq!(say(400, refused.to_owned()), "Prometheus refuses the query: parse error");
    let slow = r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#;
    assert_eq!(say(503, slow.to_owned()), "Prometheus does not answer: 503: query timed out");
    assert_eq!(
        say(200, "<html>log in".to_owned()),
        "Prometheus does not answer: 200, and not in Prometheus's words"
    );
    let old = r#"{"status":"success","data":{"resultType":"scalar","result":[1700000000,"1"]}}"#;
    assert!(say(200, old.to_owned()).starts_with("no data: the last sample is "));
    let ahead = old.replace("1700000000", &(now() + 3600.0).to_string());
    assert!(say(200, ahead).ends_with("a clock is off"));
    let hostile = r#"{"status":"error","error":"\u001b[31mred\nand more"}"#;
    assert_eq!(say(500, hostile.to_owned()), "Prometheus does not answer: 500: red");
    let free = TcpListener::bind("127.0.0.1:0").expect("bound").local_addr().expect("address");
    let nobody = ask(&format!("http://{free}")).expect_err("no data").sentence();
    assert_eq!(nobody, "Prometheus does not answer: connection refused");
}

#[test]
fn an_expression_is_as_old_as_the_samples_that_it_reads() {
    let url = answering(|head| {
        let sampled = (now() - 200.0).to_string();
        let value = if head.contains("timestamp%28up%29") { sampled.as_str() } else { "1" };
        (200, vector(&[value]))
    });
    let answer = instant(&url, "up", Duration::from_secs(2)).expect_err("stale").sentence();
    assert!(answer.starts_with("no data: the last sample is 3m "), "{answer}");
    let answer =
        instant(&url, "sum(up) * 1", Duration::from_secs(2)).expect_err("stale").sentence();
    assert!(answer.starts_with("no data: the last sample is 3m "), "{answer}");
}
