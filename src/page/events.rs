//! What is new, told when it comes: server-sent events. Each answer ends with its event; the browser's `EventSource`
//! asks again by itself and says, with the event's id, what it knows. So what is told is what is new to this reader.

use super::PageError;
use super::overview::state;
use super::rows::table;
use super::shelf::Shelf;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How often files are looked at while somebody waits.
const PAUSE: Duration = Duration::from_millis(400);
/// How often at most, until it is said that there is nothing.
const TIMES: usize = 50;
/// More runs than these are not told but asked for again.
const MANY: usize = 2000;

/// The next event after a number, or that there is none.
pub(super) async fn next(shelf: Arc<Shelf>, name: String, known: Option<String>) -> Response {
    for time in 0..TIMES {
        if time > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let (shelf, name, known) = (shelf.clone(), name.clone(), known.clone());
        let event = tokio::task::spawn_blocking(move || event(&shelf, &name, known.as_deref())).await;
        match event {
            Ok(Ok(Some(text))) => return told(text),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => return super::answer::refusal(&error),
            Err(_) => break,
        }
    }
    told("retry: 100\n: nothing new\n\n".to_owned())
}

fn told(text: String) -> Response {
    ([(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")], text).into_response()
}

/// What is newer than what is known; none: nothing.
fn event(shelf: &Shelf, name: &str, known: Option<&str>) -> Result<Option<String>, PageError> {
    let view = shelf.look(name)?;
    let known = known.map_or(0, |told| shelf.read(told));
    if view.number <= known {
        return Ok(None);
    }
    let newer = view.newer(known);
    let rows = if known == 0 || newer.len() > MANY { None } else { Some(table(&view, &newer, shelf)?) };
    let data = json!({"state": state(shelf, &view), "rows": rows, "grown": view.grown > known});
    Ok(Some(format!("retry: 100\nid: {}\ndata: {data}\n\n", shelf.told(view.number))))
}
