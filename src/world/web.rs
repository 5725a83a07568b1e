//! HTTP checks: exact status, assertions on the body, no redirects, and a sentence for each way to
//! fail. The only user of reqwest beside the cluster's socket.

use std::io::Read as _;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::redirect::Policy;
use serde_json::Value;

use crate::runbook::Http;

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

/// Why a check can hardly pass as things are, beyond a wrong answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// What is asked is not a URL or not a method: it can never pass.
    Nonsense,
    /// The name does not resolve.
    Name,
    /// The certificate or the handshake.
    Tls,
    /// It sends us somewhere else, such as to a login page.
    Redirect,
    /// Nobody listens, or nobody answers: perhaps just what is to be mended.
    Silent,
}

impl Elsewhere {
    /// What it means for a plan, and what to do.
    pub fn advice(self) -> &'static str {
        match self {
            Elsewhere::Nonsense => "correct the url in the runbook, or the parameter it is made of",
            Elsewhere::Name => {
                "no rollback mends a name: is the url right, and does this machine see its network?"
            }
            Elsewhere::Tls => "no rollback mends a certificate: look at it, or ask another address",
            Elsewhere::Redirect => {
                "redirects are not followed, and it may want a login: ask a url that answers itself"
            }
            Elsewhere::Silent => "that may be what this mends, or a wrong address",
        }
    }
}

impl Attempt {
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

/// Asks once. Blocks for `http.attempt_timeout` at most; for a helper thread.
pub fn attempt(http: &Http, headers: &[(String, String)]) -> Attempt {
    let client = match client(http.proxy) {
        Ok(client) => client,
        Err(why) => return Attempt::failed(why),
    };
    let Ok(method) = reqwest::Method::from_bytes(http.method.as_bytes()) else {
        return Attempt::failed(format!("`{}` is not an HTTP method", http.method))
            .because(Elsewhere::Nonsense);
    };
    let mut request = client.request(method, &http.url).timeout(http.attempt_timeout);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    match request.send() {
        Ok(response) => judge(http, response),
        Err(error) => {
            let sentence = phrase(&error, http.attempt_timeout);
            let elsewhere = match sentence.as_str() {
                "the name does not resolve" => Some(Elsewhere::Name),
                "this is not a URL that can be asked" => Some(Elsewhere::Nonsense),
                text if text.starts_with("TLS failed") => Some(Elsewhere::Tls),
                "connection refused" | "the network is unreachable" => Some(Elsewhere::Silent),
                text if text.starts_with("no answer within") => Some(Elsewhere::Silent),
                _ => None,
            };
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
    let client = client(false)?;
    let mut request = match &fetch.post {
        Some((kind, body)) => {
            client.post(&fetch.url).header("content-type", *kind).body(body.clone())
        }
        None => client.get(&fetch.url),
    };
    for (name, value) in &fetch.headers {
        request = request.header(name, value);
    }
    let response =
        request.timeout(fetch.limit).send().map_err(|error| phrase(&error, fetch.limit))?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    response
        .take(8 * BODY_CAP + 1)
        .read_to_end(&mut body)
        .map_err(|error| format!("{status}, but its body could not be read: {error}"))?;
    if body.len() as u64 > 8 * BODY_CAP {
        return Err(format!("{status}, but its body is larger than 8 MiB"));
    }
    Ok((status, body))
}

#[expect(clippy::disallowed_methods, reason = "the room of requests")]
fn client(proxy: bool) -> Result<&'static Client, String> {
    static DIRECT: OnceLock<Result<Client, String>> = OnceLock::new();
    static PROXIED: OnceLock<Result<Client, String>> = OnceLock::new();
    let cell = if proxy { &PROXIED } else { &DIRECT };
    cell.get_or_init(|| {
        install_tls();
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .user_agent(concat!("rollback/", env!("CARGO_PKG_VERSION")));
        if !proxy {
            builder = builder.no_proxy();
        }
        builder.build().map_err(|error| {
            format!("no HTTP client can be made ({}): are CA certificates installed?", root(&error))
        })
    })
    .as_ref()
    .map_err(Clone::clone)
}

fn judge(http: &Http, response: Response) -> Attempt {
    let status = response.status().as_u16();
    if !http.status.contains(&status) {
        let wanted: Vec<String> = http.status.iter().map(u16::to_string).collect();
        let mut sentence = format!("{status} (wanted {})", wanted.join(" or "));
        if let Some(location) = response.headers().get("location").and_then(|it| it.to_str().ok()) {
            let place = location.split(['?', '#']).next().unwrap_or_default();
            sentence = format!(
                "{status}, a redirect to {} (wanted {})",
                crate::terminal::sanitize::line(place),
                wanted.join(" or ")
            );
        }
        let attempt = Attempt::failed(sentence);
        let redirect = response.status().is_redirection();
        return if redirect { attempt.because(Elsewhere::Redirect) } else { attempt };
    }
    if http.json.is_empty() && http.contains.is_none() {
        return Attempt { passed: true, sentence: status.to_string(), elsewhere: None };
    }
    let mut body = Vec::new();
    if let Err(error) = response.take(BODY_CAP + 1).read_to_end(&mut body) {
        return Attempt::failed(format!("{status}, but its body could not be read: {error}"));
    }
    if body.len() as u64 > BODY_CAP {
        return Attempt::failed(format!("{status}, but its body is larger than 1 MiB"));
    }
    let text = String::from_utf8_lossy(&body);
    if let Some(wanted) = &http.contains
        && !text.contains(wanted.as_str())
    {
        return Attempt::failed(format!("{status}, but the body does not contain `{wanted}`"));
    }
    if !http.json.is_empty() {
        let Ok(value) = serde_json::from_slice::<Value>(&body) else {
            return Attempt::failed(format!("{status}, but the body is not JSON"));
        };
        for (pointer, wanted) in &http.json {
            match value.pointer(pointer) {
                Some(found) if found == wanted => {}
                Some(found) => {
                    let found = brief(&found.to_string(), 60);
                    return Attempt::failed(format!(
                        "{status}, but {pointer} is {found} (wanted {wanted})"
                    ));
                }
                None => {
                    return Attempt::failed(format!(
                        "{status}, but there is no {pointer} (wanted {wanted})"
                    ));
                }
            }
        }
    }
    Attempt { passed: true, sentence: status.to_string(), elsewhere: None }
}

/// The first line of what somebody else wrote, safe, with a mark where it was cut. A secret that was
/// cut so is still known as one.
pub fn brief(text: &str, columns: usize) -> String {
    let line = crate::terminal::sanitize::line(text.lines().next().unwrap_or_default());
    let cut: String = line.chars().take(columns).collect();
    if cut.len() < line.len() { format!("{cut}…") } else { cut }
}

/// The ways to get no answer, as different sentences; never the URL, whose query may hold a secret.
fn phrase(error: &reqwest::Error, limit: Duration) -> String {
    let chain = chain(error);
    let says = |word: &str| chain.iter().any(|text| text.to_lowercase().contains(word));
    if says("dns error") || says("failed to lookup") || says("name or service not known") {
        "the name does not resolve".to_owned()
    } else if says("connection refused") {
        "connection refused".to_owned()
    } else if says("certificate") || says("tls") || says("handshake") || says("corrupt message") {
        format!("TLS failed: {}", chain.last().map_or("", String::as_str))
    } else if error.is_timeout() || says("timed out") {
        format!("no answer within {}", humantime::format_duration(limit))
    } else if error.is_builder() {
        "this is not a URL that can be asked".to_owned()
    } else if says("network is unreachable") || says("no route to host") {
        "the network is unreachable".to_owned()
    } else if says("connection reset") || says("connection closed") || says("incomplete") {
        "the connection was closed without an answer".to_owned()
    } else {
        format!("no answer: {}", chain.last().map_or("", String::as_str))
    }
}

fn chain(error: &reqwest::Error) -> Vec<String> {
    let mut chain = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        chain.push(error.to_string());
        source = error.source();
    }
    chain
}

fn root(error: &reqwest::Error) -> String {
    chain(error).pop().unwrap_or_else(|| "no reason given".to_owned())
}

#[cfg(test)]
mod tests {
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
        assert!(say(&http(&server.replace("http:", "https:"))).starts_with("TLS failed"));
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
}
