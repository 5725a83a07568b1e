use super::*;

fn shell(script: &str, timeout: Duration) -> Captured {
    capture(&Invocation::new(["sh", "-c", script], timeout))
}

#[test]
fn a_child_s_result_is_data() {
    let captured = shell("echo out; echo err >&2; exit 3", Duration::from_secs(5));
    assert_eq!(captured.ending, Ending::Exit(3));
    assert_eq!(captured.text(), "out");
    assert_eq!(captured.complaint(), ["err"]);
}

#[test]
fn a_grandchild_that_holds_the_output_does_not_hold_us() {
    let captured = shell("sleep 60 & echo started", Duration::from_secs(30));
    assert_eq!(captured.text(), "started");
    assert!(captured.elapsed < Duration::from_secs(20), "waited for the grandchild");
}

#[test]
fn a_program_that_is_not_there_is_a_sentence() {
    let captured = capture(&Invocation::new(["no-such-program"], Duration::from_secs(1)));
    assert_eq!(
        captured.ending.phrase(),
        "could not be started: `no-such-program` is not on the PATH"
    );
}

#[test]
fn a_timeout_ends_a_child_that_ignores_term_and_its_children() {
    let captured = shell("trap '' TERM; sleep 61 & echo $!; wait", Duration::from_secs(2));
    assert_eq!(captured.ending, Ending::TimedOut);
    let survivor: i32 = captured.text().parse().expect("the grandchild's id");
    let alive = || {
        Pid::from_raw(survivor).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
    };
    // What was killed may take a moment to be gone.
    let until = Instant::now() + Duration::from_secs(10);
    while alive() && !zombie(survivor) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!alive() || zombie(survivor), "{survivor} survived");
}

fn zombie(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
}
