//! What the system knows of this process, under the names Prometheus' own clients use. Where there is no `/proc` it stays at zero.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Default)]
pub(super) struct Process {
    start_time: Gauge<f64, AtomicU64>,
    cpu: Counter<f64, AtomicU64>,
    memory: Gauge,
    open_files: Gauge,
}

/// The fields of `/proc/self/stat` that are wanted, in the kernel's units.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    /// Ticks in user and in kernel mode.
    cpu: u64,
    /// Ticks from the start of the machine to that of the process.
    started: u64,
    /// Pages in memory.
    resident: u64,
}

impl Process {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "When the process began, in seconds since 1970";
        registry.register("process_start_time_seconds", help, self.start_time.clone());
        let help = "Time of processors spent, in seconds";
        registry.register("process_cpu_seconds", help, self.cpu.clone());
        let help = "Memory in use, in bytes";
        registry.register("process_resident_memory_bytes", help, self.memory.clone());
        registry.register("process_open_fds", "Open files", self.open_files.clone());
    }

    pub(super) fn refresh(&self) {
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        if let Some(stat) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(stat) {
            let cpu = stat.cpu as f64 / ticks;
            self.cpu.inner().store(cpu.to_bits(), Ordering::Relaxed);
            let bytes = stat.resident.saturating_mul(rustix::param::page_size() as u64);
            self.memory.set(i64::try_from(bytes).unwrap_or(i64::MAX));
            if let Some(boot) = boot_time() {
                self.start_time.set(boot as f64 + stat.started as f64 / ticks);
            }
        }
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            // One of them is the folder being read.
            self.open_files.set(i64::try_from(entries.count()).unwrap_or(i64::MAX) - 1);
        }
    }
}

/// proc_pid_stat(5). The second field is the name in parentheses, in which anything may stand.
fn stat(text: &str) -> Option<Stat> {
    let after_name: Vec<&str> = text[text.rfind(')')? + 1..].split_whitespace().collect();
    let field = |number: usize| after_name.get(number - 3)?.parse::<u64>().ok();
    Some(Stat { cpu: field(14)? + field(15)?, started: field(22)?, resident: field(24)? })
}

/// Seconds since 1970 when the machine was started.
fn boot_time() -> Option<u64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_moves_no_field() {
        let fields: Vec<String> = (4..=30).map(|number| number.to_string()).collect();
        let text = format!("1 (a) b (c) S {}", fields.join(" "));
        assert_eq!(stat(&text), Some(Stat { cpu: 14 + 15, started: 22, resident: 24 }));
        assert_eq!(stat("1 (a) S 4 5"), None);
        assert_eq!(stat(""), None);
    }
}
