//! Job control while postie asks on the terminal: at Ctrl-Z (SIGTSTP) the terminal must be restored before the process
//! stops, and when it is continued (SIGCONT) another program may have changed the terminal.
//!
//! The handlers stay for the rest of the run; outside of a question SIGTSTP stops the process as usual.

use nix::unistd::{getpgid, getppid, getsid};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::pipe::{PipeFlags, pipe_with};
use signal_hook::consts::{SIGCONT, SIGTSTP};
use signal_hook::{flag, low_level};
use std::io;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the handlers set.
struct Handlers {
    /// Becomes readable when either signal comes.
    news: OwnedFd,
    stop: Arc<AtomicBool>,
    continued: Arc<AtomicBool>,
    /// Whether SIGTSTP stops the process at once.
    at_once: Arc<AtomicBool>,
}

impl Handlers {
    fn install() -> io::Result<Handlers> {
        let (news, tell) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let [stop, continued, at_once] = [(); 3].map(|()| Arc::new(AtomicBool::new(false)));
        flag::register_conditional_default(SIGTSTP, Arc::clone(&at_once))?;
        flag::register(SIGTSTP, Arc::clone(&stop))?;
        flag::register(SIGCONT, Arc::clone(&continued))?;
        low_level::pipe::register(SIGTSTP, tell.try_clone()?)?;
        low_level::pipe::register(SIGCONT, tell)?;
        Ok(Handlers { news, stop, continued, at_once })
    }
}

/// Watches job control as long as it lives; one at a time.
pub struct JobControl(&'static Handlers);

impl JobControl {
    /// `None` if the handlers cannot be installed.
    pub fn watch() -> Option<JobControl> {
        static HANDLERS: OnceLock<Option<Handlers>> = OnceLock::new();
        let handlers = HANDLERS.get_or_init(|| Handlers::install().ok()).as_ref()?;
        handlers.at_once.store(false, Ordering::Relaxed);
        handlers.stop.store(false, Ordering::Relaxed);
        handlers.continued.store(false, Ordering::Relaxed);
        Some(JobControl(handlers))
    }

    /// Becomes readable when a signal comes.
    pub fn news(&self) -> BorrowedFd<'_> {
        self.0.news.as_fd()
    }

    /// Whether the process must stop.
    pub fn is_to_stop(&self) -> bool {
        // The octets in the pipe only woke the caller.
        while rustix::io::read(&self.0.news, &mut [0; 64]).is_ok_and(|got| got > 0) {}
        self.0.stop.swap(false, Ordering::Relaxed)
    }

    /// Whether the process was stopped and continued.
    pub fn was_continued(&self) -> bool {
        self.0.continued.swap(false, Ordering::Relaxed)
    }

    /// Stops the process; returns when it is continued. If no shell could continue it, it does not stop: that is how
    /// the system treats SIGTSTP, too (POSIX, "orphaned process group").
    pub fn stop(&self) {
        if has_shell() {
            // Fails only for unknown signals.
            let _ = low_level::emulate_default_handler(SIGTSTP);
        }
        self.0.continued.store(false, Ordering::Relaxed);
    }
}

impl Drop for JobControl {
    fn drop(&mut self) {
        self.0.at_once.store(has_shell(), Ordering::Relaxed);
    }
}

/// Whether a shell could continue the process: its parent is in the same session, and either in another group, or in
/// the same group but not the leader of the session.
///
/// A parent or session leader outside of the container (the PID namespace) has the number 0.
fn has_shell() -> bool {
    let parent = getppid();
    if parent.as_raw() == 0 {
        return false;
    }
    let (Ok(session), Ok(own_group)) = (getsid(None), getpgid(None)) else { return false };
    let is_in_session = getsid(Some(parent)) == Ok(session);
    let is_in_group = getpgid(Some(parent)) == Ok(own_group);
    is_in_session && (!is_in_group || parent != session)
}
