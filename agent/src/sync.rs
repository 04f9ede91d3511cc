//! Locks of threads.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Holds a lock. What a lock guards is whole at every moment, so a thread that panicked with it left
/// nothing half done.
pub fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_panicked_keeps_nobody_out() {
        let lock = Mutex::new(1);
        std::thread::scope(|scope| {
            let panics = scope.spawn(|| {
                let _guard = held(&lock);
                panic!("with the lock");
            });
            panics.join().unwrap_err();
        });
        *held(&lock) += 1;
        assert_eq!(*held(&lock), 2);
    }
}
