//! Becoming another user for good: what root had to do is done, and whoever takes over this process
//! afterwards is nobody.

use std::fmt;
use std::io;
use std::os::unix::fs::lchown;
use std::path::Path;

use nix::unistd::{
    AccessFlags, Gid, Uid, User, access, geteuid, getgroups, getresgid, getresuid, setgroups,
    setresgid, setresuid, setuid,
};

/// A user of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// As the system's table of users has it.
    pub name: String,
    uid: Uid,
    gid: Gid,
}

/// What of becoming a user did not work.
#[derive(Debug)]
pub struct Refused {
    /// What was being done.
    pub doing: &'static str,
    /// Why it did not work.
    pub source: io::Error,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.source)
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Whether this process is root.
pub fn is_root() -> bool {
    geteuid().is_root()
}

impl Account {
    /// The user of a name; `None`: there is none.
    ///
    /// # Errors
    /// What getpwnam_r(3) reports.
    pub fn named(name: &str) -> io::Result<Option<Account>> {
        let user = User::from_name(name)?;
        Ok(user.map(|user| Account {
            name: user.name,
            uid: user.uid,
            gid: user.gid,
        }))
    }

    /// Whether it has root's number, whatever its name is.
    pub fn is_root(&self) -> bool {
        self.uid.is_root()
    }

    /// Whether this process is this user already.
    pub fn is_self(&self) -> bool {
        geteuid() == self.uid
    }

    /// Makes a file or folder this user's. A symbolic link is changed itself, and not what it leads to.
    ///
    /// # Errors
    /// What lchown(2) reports.
    pub fn give(&self, path: &Path) -> io::Result<()> {
        lchown(path, Some(self.uid.as_raw()), Some(self.gid.as_raw()))
    }

    /// The numbers of user and group.
    pub fn numbers(&self) -> (u32, u32) {
        (self.uid.as_raw(), self.gid.as_raw())
    }

    /// Becomes this user, without further groups, and makes sure that there is no way back. Call it
    /// before any thread starts: on Linux the last step counts only for this thread and those that it
    /// starts.
    ///
    /// # Errors
    /// [`Refused`]; the process must end then, since it is in between.
    pub fn become_for_good(&self) -> Result<(), Refused> {
        // The order counts: who has given up the user may no longer give up groups.
        step("giving up groups", setgroups(&[]))?;
        step(
            "changing the group",
            setresgid(self.gid, self.gid, self.gid),
        )?;
        step("changing the user", setresuid(self.uid, self.uid, self.uid))?;
        self.make_sure()
    }

    fn make_sure(&self) -> Result<(), Refused> {
        let still = |what| {
            let source = io::Error::other(what);
            let doing = "making sure that root is given up";
            Err(Refused { doing, source })
        };
        if setuid(Uid::from_raw(0)).is_ok() {
            return still("the way back is open");
        }
        let user = step("reading the user", getresuid())?;
        let group = step("reading the group", getresgid())?;
        let users = [user.real, user.effective, user.saved];
        let groups = [group.real, group.effective, group.saved];
        if users != [self.uid; 3] || groups != [self.gid; 3] {
            return still("a number of root is left");
        }
        // FreeBSD lists the effective group too (getgroups(2)).
        let further = step("reading groups", getgroups())?;
        if further.iter().any(|group| *group != self.gid) {
            return still("a group is left");
        }
        Ok(())
    }
}

fn step<T>(doing: &'static str, result: nix::Result<T>) -> Result<T, Refused> {
    result.map_err(|error| Refused {
        doing,
        source: error.into(),
    })
}

/// Who this process really is may not write here, though the file system could be written.
pub fn may_not_write(path: &Path) -> bool {
    access(path, AccessFlags::W_OK) == Err(nix::errno::Errno::EACCES)
}

/// Who this process really is may not read this.
pub fn may_not_read(path: &Path) -> bool {
    access(path, AccessFlags::R_OK) == Err(nix::errno::Errno::EACCES)
}

/// From now on no program that this process starts can gain anything (`setuid` files), and no other of
/// its user may look into its memory, where secrets are; it leaves no core dump either.
///
/// # Errors
/// [`Refused`], of kernels before Linux 3.5 and FreeBSD 14.
#[cfg(target_os = "linux")]
pub fn lock_down() -> Result<(), Refused> {
    control("forbidding new privileges", libc::PR_SET_NO_NEW_PRIVS, 1)?;
    control("closing this process's memory", libc::PR_SET_DUMPABLE, 0)
}

#[cfg(target_os = "linux")]
fn control(doing: &'static str, option: libc::c_int, value: libc::c_ulong) -> Result<(), Refused> {
    let none: libc::c_ulong = 0;
    // SAFETY: these options take a number and no pointer, and the rest has to be 0.
    let result = unsafe { libc::prctl(option, value, none, none, none) };
    step(doing, nix::errno::Errno::result(result).map(|_| ()))
}

/// Gives up what of root a service manager left to this process (capabilities(7)): once sockets are open
/// nothing takes it. Call it before any thread starts.
///
/// # Errors
/// [`Refused`]; the process must end then.
#[cfg(target_os = "linux")]
pub fn give_up_capabilities() -> Result<(), Refused> {
    const DOING: &str = "giving up capabilities";
    /// `_LINUX_CAPABILITY_VERSION_3`: two sets of 32, of this process (0).
    const HEADER: [u32; 2] = [0x2008_0522, 0];
    let nothing = [0_u32; 6];
    control(
        DOING,
        libc::PR_CAP_AMBIENT,
        libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong,
    )?;
    let mut header = HEADER;
    // SAFETY: capset(2) reads two 32-bit words of the header, and writes the first at most, and reads two
    // structures of three such words; all live for the whole call.
    let result = unsafe { libc::syscall(libc::SYS_capset, header.as_mut_ptr(), nothing.as_ptr()) };
    step(DOING, nix::errno::Errno::result(result).map(|_| ()))
}

/// FreeBSD has nothing of the kind.
///
/// # Errors
/// None.
#[cfg(target_os = "freebsd")]
pub fn give_up_capabilities() -> Result<(), Refused> {
    Ok(())
}

/// As on Linux: procctl(2).
///
/// # Errors
/// [`Refused`], of kernels before FreeBSD 14.
#[cfg(target_os = "freebsd")]
pub fn lock_down() -> Result<(), Refused> {
    control(
        "forbidding new privileges",
        libc::PROC_NO_NEW_PRIVS_CTL,
        libc::PROC_NO_NEW_PRIVS_ENABLE,
    )?;
    control(
        "closing this process's memory",
        libc::PROC_TRACE_CTL,
        libc::PROC_TRACE_CTL_DISABLE,
    )
}

#[cfg(target_os = "freebsd")]
fn control(
    doing: &'static str,
    command: libc::c_int,
    mut value: libc::c_int,
) -> Result<(), Refused> {
    // SAFETY: both commands read one `int`, which lives for the whole call; process 0 is this one.
    let result = unsafe {
        libc::procctl(
            libc::P_PID,
            0,
            command,
            std::ptr::from_mut(&mut value).cast(),
        )
    };
    step(doing, nix::errno::Errno::result(result).map(|_| ()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name() {
        let root = Account::named("root").unwrap().unwrap();
        assert!(root.is_root() && root.numbers().0 == 0);
        assert_eq!(root.is_self(), is_root());
        assert_eq!(Account::named("no-such-user-here").unwrap(), None);
    }

    #[test]
    fn who_may_not_become_a_user_is_told_what_did_not_work() {
        if is_root() {
            // What root may is tried by the end-to-end tests, in a process of its own.
            return;
        }
        let root = Account::named("root").unwrap().unwrap();
        let refused = root.become_for_good().unwrap_err();
        assert!(refused.to_string().starts_with("giving up groups: "));
    }
}
