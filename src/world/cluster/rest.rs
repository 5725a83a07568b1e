//! Plain REST through the proxy's socket, every call with a deadline, and the API server's refusals
//! as sentences. The only user of HTTP for the cluster.

use std::io::{self, Read};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub(super) use reqwest::Method;
use reqwest::StatusCode;
use reqwest::blocking::{Client, Response};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HOST};
use serde_json::Value;

use super::proxy::Proxy;
use crate::facts::{Known, Unread};

/// How much of an answer is read.
const BODY_CAP: u64 = 64 * 1024 * 1024;

/// How long a call may take where nobody says otherwise: less than the survey's five seconds, so
/// that its sentence is the one that is shown.
pub(super) const DEADLINE: Duration = Duration::from_millis(4500);

/// The forms of answers: whole objects, and their metadata alone.
const JSON: &str = "application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// How long an overloaded API server is left alone before it is asked again.
const OVERLOADED: Duration = Duration::from_millis(300);

/// How long a stream may be silent before its reader asks whether it is still wanted.
const STREAM_WAIT: Duration = Duration::from_secs(1);

/// What is asked: words for the sentences.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    /// `get`, `list`, `patch`.
    pub(super) verb: &'a str,
    /// `configmap/flags`, or the plural for a list.
    pub(super) what: &'a str,
    /// The namespace; empty for what has none.
    pub(super) namespace: &'a str,
}

/// The client and the proxy that it talks through.
#[derive(Debug)]
pub(super) struct Rest {
    pub(super) proxy: Proxy,
    client: OnceLock<Result<Client, String>>,
    streams: OnceLock<Result<Client, String>>,
    deadline: Duration,
}

/// Whether a wait for a stream ended without anything, which is no end of the stream.
pub(super) fn is_silence(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), TimedOut | WouldBlock | Interrupted)
        || error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<reqwest::Error>())
            .is_some_and(reqwest::Error::is_timeout)
}

impl Rest {
    pub(super) fn new(proxy: Proxy, deadline: Duration) -> Rest {
        Rest { proxy, client: OnceLock::new(), streams: OnceLock::new(), deadline }
    }

    /// GET of a stream, such as a watch. Its timeout bounds each wait, not its life; see [`is_silence`].
    pub(super) fn stream(&self, path: &str) -> Option<impl Read + use<>> {
        let streams = self.streams.get_or_init(|| client(&self.proxy, Some(STREAM_WAIT)));
        let request = streams.as_ref().ok()?.get(format!("http://localhost{path}"));
        let response = request.header(HOST, "localhost").header(ACCEPT, JSON).send().ok()?;
        response.status().is_success().then_some(response)
    }

    /// GET of a JSON object.
    pub(super) fn get(&self, ask: Ask<'_>, path: &str) -> Known<Value> {
        self.json(ask, &Method::GET, path, None)
    }

    /// GET of an object's metadata alone: what else it holds never comes here.
    pub(super) fn metadata(&self, ask: Ask<'_>, path: &str) -> Known<Value> {
        let (status, text) = self.exchange_as(METADATA, &Method::GET, path, None)?;
        self.object(ask, status, &text)
    }

    /// POST of a review: an object that is answered and not kept.
    pub(super) fn review(&self, ask: Ask<'_>, path: &str, body: &Value) -> Known<Value> {
        self.json(ask, &Method::POST, path, Some(("application/json", body.to_string())))
    }

    /// A patch that the server tries and does not keep. The only PATCH there is.
    pub(super) fn dry_run(
        &self,
        ask: Ask<'_>,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Known<Value> {
        let path = format!("{path}?dryRun=All&fieldManager={}", super::FIELD_MANAGER);
        self.json(ask, &Method::PATCH, &path, Some((content_type, body.to_string())))
    }

    /// A creation that the server tries and does not keep.
    pub(super) fn dry_create(&self, ask: Ask<'_>, path: &str, body: &Value) -> Known<Value> {
        let path = format!("{path}?dryRun=All&fieldManager={}", super::FIELD_MANAGER);
        self.json(ask, &Method::POST, &path, Some(("application/json", body.to_string())))
    }

    /// A write that names what it replaces. It may be sent twice when its answer was lost: who calls
    /// this reads what came of it before believing a conflict.
    pub(super) fn swap(
        &self,
        ask: Ask<'_>,
        method: &Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, Rejected> {
        let sent = self.exchange(method, path, Some(("application/json", body.to_string())));
        let (status, text) = sent.map_err(Rejected::Unread)?;
        match status {
            StatusCode::CONFLICT => Err(Rejected::Conflict),
            StatusCode::NOT_FOUND => match self.refusal(ask, status, &text) {
                Unread::Missing(..) => Err(Rejected::Gone),
                why => Err(Rejected::Unread(why)),
            },
            _ if status.is_success() => Ok(serde_json::from_str(&text).unwrap_or(Value::Null)),
            _ => Err(Rejected::Unread(self.refusal(ask, status, &text))),
        }
    }

    /// GET of text, such as a log.
    pub(super) fn text(&self, ask: Ask<'_>, path: &str) -> Known<String> {
        let (status, body) = self.exchange(&Method::GET, path, None)?;
        if status.is_success() { Ok(body) } else { Err(self.refusal(ask, status, &body)) }
    }

    fn json(
        &self,
        ask: Ask<'_>,
        method: &Method,
        path: &str,
        body: Option<(&str, String)>,
    ) -> Known<Value> {
        let (status, text) = self.exchange(method, path, body)?;
        self.object(ask, status, &text)
    }

    /// The object in an answer, or the refusal.
    fn object(&self, ask: Ask<'_>, status: StatusCode, text: &str) -> Known<Value> {
        if !status.is_success() {
            return Err(self.refusal(ask, status, text));
        }
        serde_json::from_str(text).map_err(|error| {
            Unread::Failed(format!("the API server's answer on {} is not JSON: {error}", ask.what))
        })
    }

    /// Asks once, and once more where the proxy had ended: nothing that is asked here changes
    /// anything unless it still is what it was, so that asking twice is harmless.
    fn exchange(
        &self,
        method: &Method,
        path: &str,
        body: Option<(&str, String)>,
    ) -> Known<(StatusCode, String)> {
        self.exchange_as(JSON, method, path, body)
    }

    fn exchange_as(
        &self,
        accept: &str,
        method: &Method,
        path: &str,
        body: Option<(&str, String)>,
    ) -> Known<(StatusCode, String)> {
        let begun = Instant::now();
        let first = loop {
            let answer = self.attempt(accept, method, path, body.clone(), begun);
            // An overloaded server says so at once and means it for a moment only.
            let shed = matches!(&answer, Ok((StatusCode::TOO_MANY_REQUESTS, _)));
            if !shed || begun.elapsed() + OVERLOADED * 2 > self.deadline {
                break answer;
            }
            std::thread::sleep(OVERLOADED);
        };
        match first {
            Err(NoAnswer::Final(why)) => Err(why),
            Ok(answer) => Ok(answer),
            Err(NoAnswer::BrokenOff) => {
                self.proxy.revive()?;
                self.attempt(accept, method, path, body, begun).map_err(|why| match why {
                    NoAnswer::Final(why) => why,
                    NoAnswer::BrokenOff => {
                        let text = "the API server's answer broke off, twice".to_owned();
                        Unread::Unreachable(text)
                    }
                })
            }
        }
    }

    fn attempt(
        &self,
        accept: &str,
        method: &Method,
        path: &str,
        body: Option<(&str, String)>,
        begun: Instant,
    ) -> Result<(StatusCode, String), NoAnswer> {
        let until = begun + self.deadline;
        self.proxy.ready(until)?;
        let client = self
            .client
            .get_or_init(|| client(&self.proxy, None))
            .as_ref()
            .map_err(|why| Unread::Failed(why.clone()))?;
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(50));
        let mut request = client
            .request(method.clone(), format!("http://localhost{path}"))
            .header(HOST, "localhost")
            .header(ACCEPT, accept)
            .timeout(left);
        if let Some((content_type, text)) = body {
            request = request.header(CONTENT_TYPE, content_type).body(text);
        }
        let late = || NoAnswer::Final(Unread::Unreachable(self.proxy.why_late(self.deadline)));
        let response = request.send().map_err(|error| {
            if error.is_timeout() || Instant::now() >= until { late() } else { NoAnswer::BrokenOff }
        })?;
        let status = response.status();
        let text = body_text(response);
        // A body that is cut off by the deadline looks like one that ended.
        if Instant::now() >= until {
            return Err(late());
        }
        text.map(|text| (status, text)).map_err(|_| NoAnswer::BrokenOff)
    }

    /// A refusal as a sentence: who may not do what, or what is not there, or what is down.
    fn refusal(&self, ask: Ask<'_>, status: StatusCode, body: &str) -> Unread {
        let object: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        let message = object["message"].as_str().unwrap_or_else(|| first_line(body)).trim();
        let Ask { verb, what, namespace } = ask;
        let place = if namespace.is_empty() { String::new() } else { format!(" in {namespace}") };
        match status {
            StatusCode::NOT_FOUND if object["details"]["name"].is_string() => {
                Unread::Missing(format!("{what} not found{place}"), None)
            }
            StatusCode::NOT_FOUND if message.is_empty() => {
                Unread::Failed(format!("the API server does not serve {what} (404)"))
            }
            StatusCode::NOT_FOUND => {
                Unread::Failed(format!("the API server does not serve {what}: {message}"))
            }
            // Only the API server's own words are a refusal: a gateway before it says other things.
            _ if object["kind"] == "Status" && is_refusal(status, message) => {
                Unread::Refused(super::plain(message.trim_start_matches("admission webhook ")))
            }
            StatusCode::FORBIDDEN if object["kind"] != "Status" => Unread::Forbidden(format!(
                "something before the API server{} refuses to {verb} {what} (403): {}",
                self.proxy.of_context(),
                super::plain(message)
            )),
            StatusCode::FORBIDDEN => {
                let who = user_in(message)
                    .map_or_else(String::new, |user| format!(" as {}", super::plain(user)));
                Unread::Forbidden(format!(
                    "no permission to {verb} {what}{who}; needs: {verb} {what}{place}"
                ))
            }
            StatusCode::UNAUTHORIZED => Unread::Forbidden(format!(
                "the API server{} does not accept our login (401); log in again",
                self.proxy.of_context()
            )),
            StatusCode::TOO_MANY_REQUESTS => {
                Unread::Unreachable("the API server is overloaded (429)".to_owned())
            }
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Unread::Unreachable(format!(
                "the API server{} is down or starting ({}): {}",
                self.proxy.of_context(),
                status.as_u16(),
                super::plain(message)
            )),
            // The proxy's own words when it cannot reach the server are plain text.
            _ if status.is_server_error() && object.is_null() => {
                Unread::Unreachable(self.unreachable(message))
            }
            _ => Unread::Failed(format!(
                "the API server answered {} to {verb} {what}: {}",
                status.as_u16(),
                super::plain(message)
            )),
        }
    }

    fn unreachable(&self, message: &str) -> String {
        let of_context = self.proxy.of_context();
        let message = super::plain(message);
        if message.starts_with("getting credentials") {
            format!("the login{of_context} failed: {message}")
        } else if message.contains(":8080: connect") {
            format!(
                "kubectl has no cluster configured{of_context} (it tried localhost:8080); set \
                 KUBECONFIG or name a context"
            )
        } else {
            format!("the API server{of_context} cannot be reached: {message}")
        }
    }
}

/// Whether the API server understood and would not have it: admission, quota, validation. That we
/// may not is something else, and so is a hook that cannot be asked without effects.
fn is_refusal(status: StatusCode, message: &str) -> bool {
    match status {
        StatusCode::FORBIDDEN => user_in(message).is_none() && !message.is_empty(),
        StatusCode::BAD_REQUEST => !message.contains("does not support dry run"),
        StatusCode::UNPROCESSABLE_ENTITY => true,
        StatusCode::INTERNAL_SERVER_ERROR => message.contains("failed calling webhook"),
        _ => false,
    }
}

/// Why a write was not taken.
#[derive(Debug)]
pub(super) enum Rejected {
    /// 409: there already, or changed since.
    Conflict,
    /// 404.
    Gone,
    /// No answer, or a refusal.
    Unread(Unread),
}

/// Why there is no answer.
enum NoAnswer {
    /// Asking again would not help.
    Final(Unread),
    /// The connection was refused or ended early.
    BrokenOff,
}

impl From<Unread> for NoAnswer {
    fn from(why: Unread) -> NoAnswer {
        NoAnswer::Final(why)
    }
}

/// A client for the proxy's socket; `wait` bounds every single wait of a stream.
#[expect(clippy::disallowed_methods, reason = "the room of the connection to the API server")]
fn client(proxy: &Proxy, wait: Option<Duration>) -> Result<Client, String> {
    // The build has no default provider; a second installation is refused, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .unix_socket(proxy.socket())
        .tls_certs_only([])
        .no_proxy()
        .timeout(wait)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| format!("no client for the cluster: {}", error.without_url()))
}

fn body_text(response: Response) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    response.take(BODY_CAP).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn first_line(body: &str) -> &str {
    body.trim().lines().next().unwrap_or_default()
}

/// The user that a refusal names: `User "viewer" cannot get …`.
fn user_in(message: &str) -> Option<&str> {
    message.split_once("User \"")?.1.split_once('"').map(|(user, _)| user)
}
