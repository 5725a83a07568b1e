//! Owns a plain HTTP client: one request, one connection, the whole answer.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, in lower case.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON; a watch as the list of its events.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| {
            let lines: Result<Vec<Value>, _> =
                self.body.lines().map(serde_json::from_str).collect();
            lines.map_or_else(|_| Value::String(self.body.clone()), Value::Array)
        })
    }
}

/// A request to be made.
#[derive(Debug, Default, Clone)]
pub struct Ask<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub user: &'a str,
    pub accept: &'a str,
    pub content_type: &'a str,
    pub body: &'a [u8],
}

/// Makes a request and reads the answer to its end.
pub fn ask(url: &str, ask: &Ask) -> Answer {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("the sandbox listens");
    let mut head =
        format!("{} {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n", ask.method, ask.path);
    let _ = write!(head, "Content-Length: {}\r\nUser-Agent: test/1\r\n", ask.body.len());
    for (name, value) in [("Accept", ask.accept), ("Content-Type", ask.content_type)] {
        if !value.is_empty() {
            let _ = write!(head, "{name}: {value}\r\n");
        }
    }
    if !ask.user.is_empty() {
        let _ = write!(head, "Authorization: Bearer {}\r\n", ask.user);
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).expect("the request is sent");
    stream.write_all(ask.body).expect("the body is sent");
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).expect("the answer is read");
    let text = String::from_utf8_lossy(&raw).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").expect("the answer has a head");
    let head = head.to_lowercase();
    let status =
        head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("the answer has a status");
    let body =
        if head.contains("transfer-encoding: chunked") { unchunk(body) } else { body.to_owned() };
    Answer { status, head, body }
}

/// A GET by `admin`.
pub fn get(url: &str, path: &str) -> Answer {
    ask(url, &Ask { method: "GET", path, ..Ask::default() })
}

/// A write of JSON by `admin`.
pub fn send(url: &str, method: &str, path: &str, content_type: &str, body: &Value) -> Answer {
    let body = body.to_string();
    ask(url, &Ask { method, path, content_type, body: body.as_bytes(), ..Ask::default() })
}

fn unchunk(mut body: &str) -> String {
    let mut out = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 {
            break;
        }
        out.push_str(&rest[..size]);
        body = rest[size..].trim_start_matches("\r\n");
    }
    out
}
