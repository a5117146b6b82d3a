//! Who may ask: a token in the address that `serve` prints, then a cookie; the `Host` must be this machine's (a name of
//! somebody else's that resolves to it is how foreign pages reach local servers); only reading. Every answer carries
//! the headers that keep a browser from executing what a run wrote.

use super::PageError;
use axum::extract::{Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::io::Read;
use std::net::IpAddr;
use std::sync::Arc;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STRANGER: &str = "This page is for whoever started it: open the address that `tessera serve` printed, with its \
token. A browser that has been there once is let in without.\n";

/// What a request must bring.
pub(super) struct Guard {
    token: String,
    cookie: String,
    /// The host that `--host` names, beside this machine's own names.
    host: String,
    /// Whether it listens on every address: then any of this machine's addresses names it.
    open: bool,
}

impl Guard {
    /// A guard with a token of 128 random bits.
    pub fn new(host: &str, port: u16) -> Result<Self, PageError> {
        let mut random = [0; 16];
        let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut random));
        read.map_err(|cause| PageError::System { what: "read /dev/urandom", cause })?;
        let token = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let open = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified());
        // Cookies are shared between the ports of a host.
        Ok(Self { token, cookie: format!("tessera-{port}"), host: host.to_owned(), open })
    }

    /// The token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Whether the request speaks to this machine by a name of its own. The port may be another: `ssh -L` forwards one.
    fn is_own_host(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(Ok(text)), None) = (hosts.next().map(HeaderValue::to_str), hosts.next()) else { return false };
        let name = match text.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => text.rsplit_once(':').map_or(text, |(name, _)| name),
        };
        match name.parse::<IpAddr>() {
            Ok(ip) => ip.is_loopback() || self.open || name == self.host,
            Err(_) => name.eq_ignore_ascii_case("localhost") || name.eq_ignore_ascii_case(&self.host),
        }
    }

    fn is_known(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.into_iter().any(|(name, value)| name == self.cookie && self.is_token(value))
    }

    /// Compares in a time that does not tell how much is right.
    fn is_token(&self, text: &str) -> bool {
        let (a, b) = (text.as_bytes(), self.token.as_bytes());
        a.len() == b.len() && a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b)) == 0
    }
}

/// Lets a request pass, or answers it.
pub(super) async fn pass(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = judge(&guard, request, next).await;
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &'static str); 5] = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // The page of a report has a policy of its own.
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn judge(guard: &Guard, request: Request, next: Next) -> Response {
    if !guard.is_own_host(request.headers()) {
        return (StatusCode::MISDIRECTED_REQUEST, "This machine has no such name.\n").into_response();
    }
    if request.method() != Method::GET {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET")], "This page reads only.\n").into_response();
    }
    let query = request.uri().query().unwrap_or_default();
    let given = query.split('&').find_map(|pair| pair.strip_prefix("token="));
    if given.is_some_and(|given| guard.is_token(given)) {
        let cookie = format!("{}={}; Path=/; HttpOnly; SameSite=Strict", guard.cookie, guard.token);
        return (StatusCode::SEE_OTHER, [(LOCATION, "/".to_owned()), (SET_COOKIE, cookie)]).into_response();
    }
    if !guard.is_known(request.headers()) {
        return (StatusCode::UNAUTHORIZED, STRANGER).into_response();
    }
    next.run(request).await
}
