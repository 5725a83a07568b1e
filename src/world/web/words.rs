//! The ways to get no answer, each in the words of a person, and what each means for a plan.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use rustls::{CertificateError, Error as Tls};

/// Why a check can hardly pass as things are, beyond a wrong answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// What is asked is not a URL or not a method: it can never pass.
    Nonsense,
    /// A header cannot be sent as it is: it can never pass.
    Header,
    /// Prometheus cannot read the query: it can never pass.
    Query,
    /// The name does not resolve.
    Name,
    /// The certificate or the handshake.
    Tls,
    /// It is asked by https and does not speak TLS.
    Plain,
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
            Elsewhere::Header => {
                "correct the header in the runbook, or the parameter or secret it is made of"
            }
            Elsewhere::Query => "correct the query in the runbook",
            Elsewhere::Name => {
                "no rollback mends a name: is the url right, and does this machine see its network?"
            }
            Elsewhere::Tls => "no rollback mends a certificate: look at it, or ask another address",
            Elsewhere::Plain => "ask it with http://, or ask the port that speaks TLS",
            Elsewhere::Redirect => {
                "redirects are not followed, and it may want a login: ask a url that answers itself"
            }
            Elsewhere::Silent => "that may be what this mends, or a wrong address",
        }
    }

    /// Whether no state of the world makes it pass: what is asked is itself wrong.
    pub fn is_hopeless(self) -> bool {
        matches!(self, Elsewhere::Nonsense | Elsewhere::Header | Elsewhere::Query)
    }
}

/// The header that cannot be sent, in words; never its value, which may be a secret.
pub fn wrong_header(headers: &[(String, String)]) -> Option<String> {
    headers.iter().find_map(|(name, value)| {
        let shown = crate::terminal::sanitize::line(name);
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Some(format!("`{shown}` is not the name of a header"));
        }
        if HeaderValue::from_str(value).is_ok() {
            return None;
        }
        let what = if value.contains(['\n', '\r']) { "a line end" } else { "a control character" };
        Some(format!("the header `{shown}` holds {what}, and cannot be sent"))
    })
}

/// Why there is no answer; never the URL, whose query may hold a secret.
pub fn phrase(error: &reqwest::Error, limit: Duration) -> (String, Option<Elsewhere>) {
    let chain = chain(error);
    let says = |word: &str| chain.iter().any(|text| text.to_lowercase().contains(word));
    let tls = tls_error(error);
    let (sentence, elsewhere) =
        if says("dns error") || says("failed to lookup") || says("name or service not known") {
            ("the name does not resolve".to_owned(), Some(Elsewhere::Name))
        } else if says("connection refused") {
            ("connection refused".to_owned(), Some(Elsewhere::Silent))
        } else if matches!(tls, Some(Tls::InvalidMessage(_))) {
            ("the port does not speak TLS".to_owned(), Some(Elsewhere::Plain))
        } else if let Some(why) = tls {
            (format!("TLS failed: {}", tls_words(why)), Some(Elsewhere::Tls))
        } else if says("certificate") || says("tls") || says("handshake") {
            (format!("TLS failed: {}", last(&chain)), Some(Elsewhere::Tls))
        } else if error.is_timeout() || says("timed out") {
            (no_answer(limit), Some(Elsewhere::Silent))
        } else if error.is_builder() {
            ("this is not a URL that can be asked".to_owned(), Some(Elsewhere::Nonsense))
        } else if says("network is unreachable") || says("no route to host") {
            ("the network is unreachable".to_owned(), Some(Elsewhere::Silent))
        } else if says("connection reset") || says("connection closed") || says("incomplete") {
            ("the connection was closed without an answer".to_owned(), None)
        } else {
            (format!("no answer: {}", last(&chain)), None)
        };
    (sentence, elsewhere)
}

/// That nobody answered in time.
pub fn no_answer(limit: Duration) -> String {
    format!("no answer within {}", humantime::format_duration(limit))
}

/// Why a body could not be read to its end, after its status.
pub fn unread_body(status: u16, error: &io::Error, limit: Duration) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
    let late = inner.is_some_and(reqwest::Error::is_timeout);
    if late || error.kind() == io::ErrorKind::TimedOut {
        let limit = humantime::format_duration(limit);
        return format!("{status}, but its body did not end within {limit}");
    }
    let why = inner.map_or_else(|| error.to_string(), root);
    format!("{status}, but its body could not be read: {why}")
}

/// The reason below all others.
pub fn root(error: &reqwest::Error) -> String {
    chain(error).pop().unwrap_or_else(|| "no reason given".to_owned())
}

fn last(chain: &[String]) -> &str {
    chain.last().map_or("no reason given", String::as_str)
}

fn chain(error: &reqwest::Error) -> Vec<String> {
    sources(error).map(ToString::to_string).collect()
}

fn sources<'e>(error: &'e reqwest::Error) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(error.source(), |error: &&(dyn StdError + 'static)| {
        StdError::source(*error)
    })
}

/// What TLS itself says; I/O errors carry it inside, and not as their source.
fn tls_error(error: &reqwest::Error) -> Option<&Tls> {
    sources(error).find_map(|error| inside(error))
}

fn inside<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e Tls> {
    match error.downcast_ref::<io::Error>() {
        Some(error) => inside(error.get_ref()?),
        None => error.downcast_ref::<Tls>(),
    }
}

fn tls_words(error: &Tls) -> String {
    let Tls::InvalidCertificate(why) = error else { return error.to_string() };
    let words = match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name"
        }
        CertificateError::UnknownIssuer => "its certificate is signed by nobody known here",
        CertificateError::Revoked => "its certificate was revoked",
        CertificateError::BadEncoding => "its certificate cannot be read",
        CertificateError::BadSignature => "its certificate has a wrong signature",
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "its certificate is one of an authority, not of a server (self-signed?)"
        }
        other => return format!("its certificate is not accepted: {other}"),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_certificate_is_said_in_words() {
        let other = |text: &'static str| {
            let error = rustls::OtherError(std::sync::Arc::new(io::Error::other(text)));
            Tls::InvalidCertificate(CertificateError::Other(error))
        };
        for (error, says) in [
            (Tls::InvalidCertificate(CertificateError::Expired), "its certificate has expired"),
            (
                Tls::InvalidCertificate(CertificateError::UnknownIssuer),
                "its certificate is signed by nobody known here",
            ),
            (
                other("CaUsedAsEndEntity"),
                "its certificate is one of an authority, not of a server (self-signed?)",
            ),
        ] {
            assert_eq!(tls_words(&error), says);
        }
    }
}
