//! The server: one thread that talks, a few that read files.

use super::PageError;
use super::connection::Door;
use super::guard::{Guard, pass};
use super::routes::routes;
use super::shelf::Shelf;
use axum::middleware::from_fn_with_state;
use std::net::{IpAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

/// So many threads read files at once.
const READERS: usize = 4;

/// Where the page is.
pub struct Address {
    /// As a browser opens it, with the token.
    pub url: String,
    /// The port that was taken.
    pub port: u16,
    /// Whether other machines can connect.
    pub is_open: bool,
}

/// Serves a results folder until the process ends. `ready` is called once, when the page can be opened.
///
/// # Errors
/// Where the address cannot be listened on, or the system refuses threads.
pub fn serve(results: &Path, host: &str, port: u16, ready: impl FnOnce(&Address)) -> Result<(), PageError> {
    let refuse = |cause| PageError::Listen { address: format!("{host}:{port}"), cause };
    let listener = TcpListener::bind((host, port)).map_err(refuse)?;
    listener.set_nonblocking(true).map_err(refuse)?;
    let port = listener.local_addr().map_err(refuse)?.port();
    let is_open = !listener.local_addr().map_err(refuse)?.ip().is_loopback();
    let guard = Arc::new(Guard::new(host, port)?);
    let shown = match host.parse::<IpAddr>() {
        // Every address of the machine: this one is always among them.
        Ok(ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
        Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
        _ => host.to_owned(),
    };
    let url = format!("http://{shown}:{port}/?token={}", guard.token());
    let app = routes(Arc::new(Shelf::new(results))).layer(from_fn_with_state(guard, pass));
    let system = |what| move |cause| PageError::System { what, cause };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(READERS)
        .build()
        .map_err(system("start the server"))?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).map_err(system("listen"))?;
        ready(&Address { url, port, is_open });
        axum::serve(Door::new(listener), app).await.map_err(system("serve"))
    })
}
