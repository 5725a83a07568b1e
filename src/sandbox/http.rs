//! Owns the HTTP server. The only asynchronous file: behind it everything is synchronous.

use std::convert::Infallible;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;

use super::RequestLine;
use super::failure::Failure;
use super::routes::{self, Reply, Request};
use super::state::Shared;
use super::watch::Watch;

/// A port to listen on. kubectl sends no token without TLS, so every user has a port of their own.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) listener: TcpListener,
    /// Who comes in here, unless a bearer token says otherwise.
    pub(super) user: String,
}

/// Serves all doors until nobody can open another one.
pub(super) fn serve(
    shared: &Arc<Shared>,
    mut doors: mpsc::UnboundedReceiver<Door>,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        while let Some(door) = doors.recv().await {
            door.listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(door.listener)?;
            tokio::spawn(accept(listener, door.user.into(), shared.clone()));
        }
        Ok(())
    })
}

async fn accept(listener: tokio::net::TcpListener, user: Arc<str>, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let (shared, user) = (shared.clone(), user.clone());
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                let (shared, user) = (shared.clone(), user.clone());
                async move { Ok::<_, Infallible>(handle(&shared, &user, request).await) }
            });
            // A client that goes away in the middle is no concern of ours.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn handle(
    shared: &Arc<Shared>,
    user: &str,
    incoming: hyper::Request<Incoming>,
) -> Response<Content> {
    let mut request = head(user, &incoming);
    if let Ok(body) = incoming.into_body().collect().await {
        request.body = body.to_bytes().to_vec();
    }
    let line = RequestLine {
        method: request.method.clone(),
        path: request.path.clone(),
        query: request
            .query
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
            .join("&"),
        user: request.user.clone(),
        status: 0,
        dry_run: request.param("dryRun") == "All",
    };
    match answer(shared, &request, line) {
        Some(reply) => respond(shared, reply),
        None => std::future::pending().await,
    }
}

/// Answers a request, or leaves it unanswered where the sandbox is told to hang.
fn answer(shared: &Shared, request: &Request, line: RequestLine) -> Option<Reply> {
    let mut state = shared.lock();
    let reply = if state.hang {
        None
    } else if state.unavailable {
        let message = "the server is currently unable to handle the request";
        Some(Reply::json(
            503,
            Failure::new(503, "ServiceUnavailable", message, None).body.as_ref().clone(),
        ))
    } else if state.shed > 0 {
        state.shed -= 1;
        let message = "Too many requests, please try again later.";
        let failure = Failure::new(429, "TooManyRequests", message, None);
        Some(Reply::json(429, failure.body.as_ref().clone()))
    } else {
        Some(routes::answer(&mut state, request))
    };
    state.requests.push(RequestLine { status: reply.as_ref().map_or(0, Reply::code), ..line });
    drop(state);
    // Reads are only of interest to who waits for requests; writes also to controllers and watches.
    shared.wake();
    reply
}

fn head(door: &str, incoming: &hyper::Request<Incoming>) -> Request {
    let header = |name| {
        incoming
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let authorization = header(AUTHORIZATION);
    let user = match authorization.strip_prefix("Bearer ") {
        Some(token) if !token.is_empty() => token,
        _ => door,
    };
    let query = incoming.uri().query().unwrap_or_default();
    Request {
        method: incoming.method().to_string(),
        path: unescape(incoming.uri().path(), false),
        query: query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(key, value)| (unescape(key, true), unescape(value, true)))
            .collect(),
        user: user.to_owned(),
        accept: header(ACCEPT),
        content_type: header(CONTENT_TYPE),
        agent: header(USER_AGENT),
        body: Vec::new(),
    }
}

/// Undoes percent encoding.
fn unescape(text: &str, form: bool) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let escaped =
            text.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (bytes[at], escaped) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) if form => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn respond(shared: &Arc<Shared>, reply: Reply) -> Response<Content> {
    let build = |code: u16, content_type: &str, content: Content| {
        let mut response = Response::new(content);
        *response.status_mut() =
            StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Ok(value) = content_type.parse() {
            response.headers_mut().insert(CONTENT_TYPE, value);
        }
        response
    };
    match reply {
        Reply::Json { code, body, content_type, warnings } => {
            let mut response = build(code, content_type, Content::whole(format!("{body}\n")));
            for warning in warnings {
                let escaped = warning.replace('\\', "\\\\").replace('"', "\\\"");
                if let Ok(value) = format!("299 - \"{escaped}\"").parse() {
                    response.headers_mut().append("warning", value);
                }
            }
            response
        }
        Reply::Text { code, body } => {
            build(code, "text/plain; charset=utf-8", Content::whole(body))
        }
        Reply::Protobuf { body, content_type } => build(200, content_type, Content::whole(body)),
        Reply::Watch(watch) => {
            let (sender, receiver) = mpsc::channel(16);
            tokio::spawn(stream(shared.clone(), *watch, sender));
            build(200, "application/json", Content::Stream(receiver))
        }
    }
}

/// Feeds a watch until it is over or nobody listens any more.
async fn stream(shared: Arc<Shared>, mut watch: Watch, sender: mpsc::Sender<Bytes>) {
    let mut news = shared.news();
    loop {
        news.borrow_and_update();
        let (lines, over) = watch.next(&shared.lock().store);
        if (!lines.is_empty() && sender.send(Bytes::from(lines)).await.is_err()) || over {
            return;
        }
        let left = watch.until.saturating_duration_since(Instant::now());
        tokio::select! {
            changed = news.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(left) => {}
            () = sender.closed() => return,
        }
    }
}

/// The body of an answer.
enum Content {
    Whole(Option<Bytes>),
    Stream(mpsc::Receiver<Bytes>),
}

impl Content {
    fn whole(bytes: impl Into<Bytes>) -> Content {
        Content::Whole(Some(bytes.into()))
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Content::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Content::Stream(receiver) => {
                receiver.poll_recv(context).map(|item| item.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Content::Whole(None))
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Content::Whole(bytes) => {
                hyper::body::SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64))
            }
            Content::Stream(_) => hyper::body::SizeHint::default(),
        }
    }
}
