//! Asks a server the same thing again and again, on one connection or on many, and says how long it took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ureq::Agent;

use crate::Result;
use crate::server::Server;

/// How much is asked.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) time: Duration,
    /// No more than this, whatever time is left.
    pub(crate) requests: u64,
}

/// What came of it.
pub(crate) struct Measured {
    /// Sorted.
    latencies: Vec<Duration>,
    elapsed: Duration,
    processor_time: Duration,
}

/// An endpoint as it is asked: with the agent of one connection and the number of the question, which no other has.
pub(crate) type Ask<'a> = dyn Fn(&Agent, u64) -> Result<()> + Sync + 'a;

/// Asks until the time is over. The numbers of the questions begin at `first`; the next free one is left there.
pub(crate) fn put(server: &Server, load: Load, first: &mut u64, ask: &Ask<'_>) -> Result<Measured> {
    let next = AtomicU64::new(*first);
    let end = *first + load.requests;
    let used_before = server.processor_time();
    let begin = Instant::now();
    let asked = thread::scope(|scope| {
        let threads: Vec<_> = (0..load.connections)
            .map(|_| {
                scope.spawn(|| {
                    let agent = agent();
                    let mut latencies = Vec::new();
                    while begin.elapsed() < load.time {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= end {
                            break;
                        }
                        let asked = Instant::now();
                        ask(&agent, number)?;
                        latencies.push(asked.elapsed());
                    }
                    Ok::<_, String>(latencies)
                })
            })
            .collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().map_err(|_| "a connection panicked.".to_owned())??);
        }
        all.sort_unstable();
        Ok::<_, String>(all)
    });
    let elapsed = begin.elapsed();
    // Also after a failure: what was presented must not be presented again.
    *first = next.into_inner().min(end);
    let latencies = asked?;
    if latencies.is_empty() {
        return Err("no request was made: there was nothing to ask for.".to_owned());
    }
    let processor_time = server.processor_time() - used_before;
    Ok(Measured { latencies, elapsed, processor_time })
}

/// One connection that is kept: no redirect is followed, and every status is an answer.
pub(crate) fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections_per_host(1)
        .timeout_global(Some(Duration::from_secs(60)))
        .build()
        .into()
}

impl Measured {
    pub(crate) fn requests(&self) -> usize {
        self.latencies.len()
    }

    /// The latency that `share` of the requests stayed below: 0.5 for the median.
    pub(crate) fn percentile(&self, share: f64) -> Duration {
        percentile(&self.latencies, share)
    }

    /// Requests per second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The server's processor time for one request.
    pub(crate) fn processor_time(&self) -> Duration {
        self.processor_time.div_f64(self.latencies.len() as f64)
    }
}

/// By the nearest rank, of values that are sorted.
fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let hundred: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&hundred, 0.5), Duration::from_millis(50));
        assert_eq!(percentile(&hundred, 0.99), Duration::from_millis(99));
        let one = [Duration::from_millis(7)];
        assert_eq!(percentile(&one, 0.5), percentile(&one, 0.99));
    }
}
