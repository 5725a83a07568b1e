//! Standard error as a stream that never makes a run wait: a held terminal (Ctrl-S) and a slow
//! reader are asked before each write.

use std::io::{self, Write as _};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Writes to standard error as long as it takes more without waiting; gives how many bytes.
pub fn write_patiently(text: &str) -> io::Result<usize> {
    let mut err = io::stderr().lock();
    let mut written = 0;
    while written < text.len() && (written == 0 || stderr_takes_more()) {
        let mut end = text.len().min(written + 256);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        err.write_all(&text.as_bytes()[written..end])?;
        written = end;
    }
    err.flush()?;
    Ok(written)
}

/// Whether a write to standard error would not wait (a held terminal, a full pipe).
pub fn stderr_takes_more() -> bool {
    let err = io::stderr();
    let mut fds = [PollFd::new(&err, PollFlags::OUT)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    // What cannot be asked is tried; an error shows itself in the write.
    poll(&mut fds, Some(&at_once)).is_ok_and(|ready| ready > 0) || fds_unknown(&fds)
}

fn fds_unknown(fds: &[PollFd<'_>; 1]) -> bool {
    fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL)
}
