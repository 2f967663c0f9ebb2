//! Whether the process serves (`/healthz`), and whether it should be sent requests (`/readyz`): for load balancers and supervisors.
//!
//! They are answered on every host, before a tenant is chosen, and are neither logged nor traced.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Map, json};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use trinco_core::{Installation, MIGRATIONS};
use trinco_db::Error;

/// What the database gets to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// An answer of the database is good for this long, however many ask.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// What is not as it must be: its name and a sentence, which tells no address and no secret.
type Problem = (&'static str, String);

/// What is known of the server's health. Clones share it.
#[derive(Clone)]
pub(crate) struct Health {
    database: Arc<Mutex<Option<Asked>>>,
    stopping: Option<watch::Receiver<bool>>,
}

/// What the database said, and when.
#[derive(Clone)]
struct Asked {
    at: Instant,
    problem: Option<Problem>,
}

impl Health {
    /// Not asked for yet. `stopping` becomes true when the server is to stop.
    pub(crate) fn new(stopping: Option<watch::Receiver<bool>>) -> Self {
        Self { database: Arc::default(), stopping }
    }

    /// The answer, when `path` is one of the two.
    pub(crate) async fn answer(
        &self,
        installation: &Arc<Installation>,
        method: &Method,
        path: &str,
    ) -> Option<Response> {
        let is_readiness = match path {
            "/healthz" => false,
            "/readyz" => true,
            _ => return None,
        };
        let mut answer = if !matches!(*method, Method::GET | Method::HEAD) {
            (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response()
        } else if is_readiness {
            readiness(self.problems(installation).await)
        } else {
            "ok".into_response()
        };
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Some(answer)
    }

    async fn problems(&self, installation: &Arc<Installation>) -> Vec<Problem> {
        if self.stopping.as_ref().is_some_and(|stopping| *stopping.borrow()) {
            // Nothing else matters now, and the database may be closing.
            return vec![("server", "the server is shutting down".to_owned())];
        }
        self.database(installation).await.into_iter().collect()
    }

    /// Asks the database, unless it has been asked within the last second. Whoever comes meanwhile waits for the same answer.
    async fn database(&self, installation: &Arc<Installation>) -> Option<Problem> {
        let installation = Arc::clone(installation);
        self.shared(async move { ask(&installation).await }).await
    }

    async fn shared(
        &self,
        asking: impl Future<Output = Option<Problem>> + Send + 'static,
    ) -> Option<Problem> {
        let mut asked = Arc::clone(&self.database).lock_owned().await;
        if let Some(known) = asked.as_ref().filter(|known| known.at.elapsed() < GOOD_FOR) {
            return known.problem.clone();
        }
        // In a task of its own: those who go away early do not make it be asked again and again.
        let asking = tokio::spawn(async move {
            let problem = asking.await;
            // It is good from when it is there: those who have waited for a slow one have waited for this one.
            *asked = Some(Asked { at: Instant::now(), problem: problem.clone() });
            problem
        });
        asking.await.unwrap_or_else(|_| Some(("database", "it could not be asked".to_owned())))
    }
}

/// One statement tells both that the database answers and that its schema is the one this program works with.
async fn ask(installation: &Installation) -> Option<Problem> {
    match tokio::time::timeout(PATIENCE, installation.db().check_schema(MIGRATIONS)).await {
        Ok(Ok(())) => None,
        Ok(Err(Error::Migration(why))) => Some(("schema", why)),
        Ok(Err(error)) => Some(("database", error.to_string())),
        Err(_) => Some(("database", "the database did not answer within a second".to_owned())),
    }
}

fn readiness(problems: Vec<Problem>) -> Response {
    let is_ready = problems.is_empty();
    let problems: Map<_, _> =
        problems.into_iter().map(|(name, why)| (name.to_owned(), why.into())).collect();
    let body = axum::Json(json!({ "ready": is_ready, "problems": problems }));
    if is_ready {
        body.into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_who_ask_while_the_database_hangs_are_answered_by_one_attempt() {
        let health = Health::new(None);
        let attempts = Arc::new(AtomicUsize::new(0));
        let probe = || {
            let attempts = Arc::clone(&attempts);
            health.shared(async move {
                attempts.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(PATIENCE).await;
                Some(("database", "it hangs".to_owned()))
            })
        };
        let begun = Instant::now();
        let answers = join_all((0..4).map(|_| probe())).await;
        assert!(answers.iter().all(Option::is_some));
        assert_eq!((attempts.load(Ordering::SeqCst), begun.elapsed()), (1, PATIENCE));
        // Whoever comes a second later asks anew.
        tokio::time::sleep(GOOD_FOR).await;
        probe().await;
        assert_eq!(attempts.load(Ordering::SeqCst), 2);
    }
}
