//! Which question has which answer.

use super::answer::answer;
use super::assets::{self, Asset, INDEX};
use super::question::Question;
use super::shelf::Shelf;
use super::{compared, curves, events, failures, home, log, machine, map, overview, rows, run};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;

type Shelved = State<Arc<Shelf>>;

/// All routes.
pub(super) fn routes(shelf: Arc<Shelf>) -> Router {
    Router::new()
        .route("/", get(async || file(&INDEX)))
        .route("/assets/{name}", get(asset))
        .route("/reports/{name}", get(report))
        .route("/api/home", get(async |State(shelf): Shelved| answer(move || home::home(&shelf)).await))
        .route("/api/machine", get(async |State(shelf): Shelved| answer(move || machine::machine(&shelf)).await))
        .route("/api/sweeps/{sweep}", get(of_sweep))
        .route("/api/sweeps/{sweep}/events", get(news))
        .route("/api/sweeps/{sweep}/{view}", get(of_view))
        .route("/api/sweeps/{sweep}/runs/{run}", get(of_run))
        .route("/api/sweeps/{sweep}/runs/{run}/log", get(of_log))
        .fallback(async || (StatusCode::NOT_FOUND, "There is no such page.\n"))
        .with_state(shelf)
}

fn file(asset: &Asset) -> Response {
    ([(CONTENT_TYPE, asset.kind)], asset.text).into_response()
}

async fn asset(Path(name): Path<String>) -> Response {
    match assets::find(&name) {
        Some(asset) => file(asset),
        None => (StatusCode::NOT_FOUND, "There is no such file.\n").into_response(),
    }
}

/// The page of a report. It is another origin: what a run wrote into it cannot ask this server.
async fn report(State(shelf): Shelved, Path(name): Path<String>) -> Response {
    const APART: &str = "sandbox allow-scripts allow-downloads allow-modals";
    match tokio::task::spawn_blocking(move || home::report(&shelf, &name)).await {
        Ok(Some(page)) => {
            ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, APART)], page).into_response()
        }
        _ => (StatusCode::NOT_FOUND, "There is no such report.\n").into_response(),
    }
}

async fn of_sweep(State(shelf): Shelved, Path(sweep): Path<String>) -> Response {
    answer(move || overview::overview(&shelf, &sweep)).await
}

async fn of_view(
    State(shelf): Shelved,
    Path((sweep, view)): Path<(String, String)>,
    Query(question): Query<Question>,
) -> Response {
    match view.as_str() {
        "runs" => answer(move || rows::runs(&shelf, &sweep, question.after.as_deref())).await,
        "map" => answer(move || map::map(&shelf, &sweep, &question)).await,
        "curves" => answer(move || curves::curves(&shelf, &sweep, &question)).await,
        "compare" => answer(move || compared::compared(&shelf, &sweep, &question)).await,
        "failures" => answer(move || failures::failures(&shelf, &sweep)).await,
        _ => (StatusCode::NOT_FOUND, "There is no such view.\n").into_response(),
    }
}

async fn of_run(State(shelf): Shelved, Path((sweep, run)): Path<(String, String)>) -> Response {
    answer(move || run::run(&shelf, &sweep, &run)).await
}

async fn of_log(
    State(shelf): Shelved,
    Path((sweep, run)): Path<(String, String)>,
    Query(question): Query<Question>,
) -> Response {
    answer(move || log::log(&shelf, &sweep, &run, &question)).await
}

async fn news(
    State(shelf): Shelved,
    Path(sweep): Path<String>,
    Query(question): Query<Question>,
    headers: HeaderMap,
) -> Response {
    let known = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    events::next(shelf, sweep, known.or(question.after)).await
}
