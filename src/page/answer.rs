//! Answers as JSON, errors too: `{"error": …, "help": …}` with the status that fits.

use super::PageError;
use crate::analyse::AnalyseError;
use crate::record::Real;
use crate::store::StoreError;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Computes an answer beside the loop that serves: files are read there.
pub(super) async fn answer(compute: impl FnOnce() -> Result<Value, PageError> + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(compute).await {
        Ok(Ok(value)) => Json(value).into_response(),
        Ok(Err(error)) => refusal(&error),
        Err(_) => {
            let words = json!({"error": "the answer could not be computed", "help": null});
            (StatusCode::INTERNAL_SERVER_ERROR, Json(words)).into_response()
        }
    }
}

/// A number; none where it is NaN, which says that it is not known.
pub(super) fn known(number: f64) -> Option<Real> {
    (!number.is_nan()).then_some(Real(number))
}

/// An error as an answer.
pub(super) fn refusal(error: &PageError) -> Response {
    let words = json!({"error": error.to_string(), "help": error.help()});
    (status(error), Json(words)).into_response()
}

fn status(error: &PageError) -> StatusCode {
    match error {
        PageError::Missing(_) => StatusCode::NOT_FOUND,
        PageError::Store(error) | PageError::Analyse(AnalyseError::Store(error)) => match error {
            StoreError::NoSweep { .. } | StoreError::NoRun(_) => StatusCode::NOT_FOUND,
            StoreError::Query(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        },
        PageError::Question(_) | PageError::Analyse(_) => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
