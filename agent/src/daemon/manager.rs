//! Tells the service manager that started Hearth how far it is (sd_notify(3)); rc(8) and a person's
//! shell do not ask.

/// What a service manager waits for.
#[derive(Clone, Copy, Debug)]
pub enum Now {
    /// What is configured is served.
    Ready,
    /// Transfers come to their end, and then the process.
    Stopping,
}

/// Tells it, if it asked.
#[cfg(target_os = "linux")]
pub fn tell(now: Now) {
    let state = match now {
        Now::Ready => sd_notify::NotifyState::Ready,
        Now::Stopping => sd_notify::NotifyState::Stopping,
    };
    if let Err(error) = sd_notify::notify(&[state]) {
        log::warn!("telling the service manager how far Hearth is: {error}");
    }
}

/// There is nobody to tell.
#[cfg(not(target_os = "linux"))]
pub fn tell(_now: Now) {}
