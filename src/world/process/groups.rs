//! What is left of a child: its group, what left its group, and when a process started.

use rustix::process::{Pid, Signal, kill_process, test_kill_process_group};

/// Whether any process of this group is left. One that has ended and that nobody has reaped (in a
/// container whose first process reaps nothing it stays for good) is not.
pub fn group_exists(group: u32) -> bool {
    let Some(pid) = i32::try_from(group).ok().and_then(Pid::from_raw) else { return false };
    test_kill_process_group(pid).is_ok() && !only_zombies(group)
}

/// Whether the system shows its processes and all of the group have ended.
fn only_zombies(group: u32) -> bool {
    let Ok(entries) = std::fs::read_dir("/proc") else { return false };
    let mut members = 0;
    for entry in entries.flatten() {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((_, fields)) = stat.rsplit_once(") ") else { continue };
        let mut fields = fields.split(' ');
        let (state, _parent, of) = (fields.next(), fields.next(), fields.next());
        if of.and_then(|of| of.parse().ok()) == Some(group) {
            members += 1;
            if !matches!(state, Some("Z" | "X")) {
                return false;
            }
        }
    }
    members > 0
}

/// Kills every process whose environment holds this `NAME=value`: what left its group as well.
pub fn kill_marked(marker: &str) {
    for (pid, _) in find_marked(marker) {
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The processes whose environment holds this `NAME=value`: id and program, the oldest first. It
/// finds what left its group or was never recorded; only where the system shows environments
/// (Linux).
pub fn find_marked(marker: &str) -> Vec<(u32, String)> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let mut pids: Vec<u32> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    let others = pids.into_iter().filter(|pid| *pid != std::process::id());
    let found = others.filter_map(|pid| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
        let found = environment.split(|byte| *byte == 0).any(|one| one == marker.as_bytes());
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        found.then(|| (pid, crate::terminal::sanitize::line(name.trim_end())))
    });
    found.collect()
}

/// When a process started, as the system tells it: with the number it names one process for good.
pub fn start_time(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets and may hold anything.
    let fields = stat.rsplit_once(") ")?.1;
    fields.split(' ').nth(19).map(str::to_owned)
}
