//! HTTP checks: exact status, assertions on the body, no redirects, and a sentence for each way to
//! fail. The only user of reqwest beside the cluster's socket.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::blocking::Client;
use reqwest::redirect::Policy;

use crate::runbook::Http;

mod judge;
mod words;

pub use words::{Elsewhere, no_answer};

/// How much of a body is read; an assertion on more than that fails.
const BODY_CAP: u64 = 1024 * 1024;

/// One attempt's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Whether everything was as asked.
    pub passed: bool,
    /// One phrase: `200`, `503 (wanted 200)`, `connection refused`.
    pub sentence: String,
    /// What keeps it from being answered at all; for a hint, and a veto only where it is nonsense.
    pub elsewhere: Option<Elsewhere>,
}

impl Attempt {
    fn passed(status: u16) -> Attempt {
        Attempt { passed: true, sentence: status.to_string(), elsewhere: None }
    }

    fn failed(sentence: impl Into<String>) -> Attempt {
        Attempt { passed: false, sentence: sentence.into(), elsewhere: None }
    }

    fn because(self, elsewhere: Elsewhere) -> Attempt {
        Attempt { elsewhere: Some(elsewhere), ..self }
    }
}

/// Makes rustls usable; without it no client can be built.
pub fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Whether a method asks and changes nothing; only such a one is asked beforehand.
pub fn is_safe(method: &str) -> bool {
    ["GET", "HEAD"].iter().any(|safe| method.eq_ignore_ascii_case(safe))
}

/// Asks once, on a connection of its own: behind a balancer of connections the next attempt may reach
/// another pod. Blocks for `http.attempt_timeout` at most; for a helper thread.
pub fn attempt(http: &Http, headers: &[(String, String)]) -> Attempt {
    let client = match client(http.proxy, http.attempt_timeout) {
        Ok(client) => client,
        Err(why) => return Attempt::failed(why),
    };
    let Ok(method) = reqwest::Method::from_bytes(http.method.as_bytes()) else {
        return Attempt::failed(format!("`{}` is not an HTTP method", http.method))
            .because(Elsewhere::Nonsense);
    };
    if let Some(why) = words::wrong_header(headers) {
        return Attempt::failed(why).because(Elsewhere::Header);
    }
    let mut request = client.request(method, &http.url).timeout(http.attempt_timeout);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    match request.send() {
        Ok(response) => judge::judge(http, response),
        Err(error) => {
            let (sentence, elsewhere) = words::phrase(&error, http.attempt_timeout);
            Attempt { elsewhere, ..Attempt::failed(sentence) }
        }
    }
}

/// The answer to a GET with these query parameters: its status and its body, or a phrase why there
/// is none. Blocks for `timeout` at most; for a helper thread.
pub fn fetch_query(
    url: &str,
    parameters: &[(&str, &str)],
    headers: &[(String, String)],
    timeout: Duration,
) -> Result<(u16, String), String> {
    let url = reqwest::Url::parse_with_params(url, parameters)
        .map_err(|_| "this is not a URL that can be asked".to_owned())?;
    let (status, body) =
        fetch(&Fetch { url: url.into(), post: None, headers: headers.to_vec(), limit: timeout })?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// A request that wants the body of its answer.
#[derive(Debug, Clone, Default)]
pub struct Fetch {
    /// Where, with its query.
    pub url: String,
    /// What is posted, with its content type; none asks with GET.
    pub post: Option<(&'static str, String)>,
    /// Added headers.
    pub headers: Vec<(String, String)>,
    /// How long it may take in all.
    pub limit: Duration,
}

/// The status and the body of an answer, or one phrase why there is none. Blocks; for a helper
/// thread.
pub fn fetch(fetch: &Fetch) -> Result<(u16, Vec<u8>), String> {
    let client = client(false, fetch.limit)?;
    if let Some(why) = words::wrong_header(&fetch.headers) {
        return Err(why);
    }
    let mut request = match &fetch.post {
        Some((kind, body)) => {
            client.post(&fetch.url).header("content-type", *kind).body(body.clone())
        }
        None => client.get(&fetch.url),
    };
    for (name, value) in &fetch.headers {
        request = request.header(name, value);
    }
    let response = request
        .timeout(fetch.limit)
        .send()
        .map_err(|error| words::phrase(&error, fetch.limit).0)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    response
        .take(8 * BODY_CAP + 1)
        .read_to_end(&mut body)
        .map_err(|error| words::unread_body(status, &error, fetch.limit))?;
    if body.len() as u64 > 8 * BODY_CAP {
        return Err(format!("{status}, but its body is larger than 8 MiB"));
    }
    Ok((status, body))
}

/// A client that connects within `limit` and keeps no connection. The limit of a connection belongs to
/// the client, and it is what gives each address of a name its share.
#[expect(clippy::disallowed_methods, reason = "the room of requests")]
fn client(proxy: bool, limit: Duration) -> Result<Client, String> {
    static CLIENTS: Mutex<BTreeMap<(bool, Duration), Client>> = Mutex::new(BTreeMap::new());
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = clients.get(&(proxy, limit)) {
        return Ok(client.clone());
    }
    install_tls();
    let mut builder = Client::builder()
        .redirect(Policy::none())
        .connect_timeout(limit)
        .pool_max_idle_per_host(0)
        .user_agent(concat!("rollback/", env!("CARGO_PKG_VERSION")));
    if !proxy {
        builder = builder.no_proxy();
    }
    let client = builder.build().map_err(|error| {
        let why = words::root(&error);
        format!("no HTTP client can be made ({why}): are CA certificates installed?")
    })?;
    clients.insert((proxy, limit), client.clone());
    Ok(client)
}

/// The first line of what somebody else wrote, safe, with a mark where it was cut. A secret that was
/// cut so is still known as one.
pub fn brief(text: &str, columns: usize) -> String {
    let line = crate::terminal::sanitize::line(text.lines().next().unwrap_or_default());
    let cut: String = line.chars().take(columns).collect();
    if cut.len() < line.len() { format!("{cut}…") } else { cut }
}

#[cfg(test)]
mod tests;
