//! bpf(4).

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use super::filter::{self, Op};
use super::records::{self, Layout};
use crate::limits;
use crate::sys::rights;

// Of net/bpf.h, where the libc crate does not have them.
/// `_IOR('B', 102, u_int)`.
const BIOCGBLEN: libc::c_ulong = 0x4004_4266;
/// `_IOWR('B', 102, u_int)`.
const BIOCSBLEN: libc::c_ulong = 0xc004_4266;
/// `_IOR('B', 106, u_int)`.
const BIOCGDLT: libc::c_ulong = 0x4004_426a;
/// `_IOW('B', 108, struct ifreq)`, which has 32 bytes.
const BIOCSETIF: libc::c_ulong = 0x8020_426c;
/// `_IOW('B', 112, u_int)`.
const BIOCIMMEDIATE: libc::c_ulong = 0x8004_4270;
/// `_IO('B', 122)`.
const BIOCLOCK: libc::c_ulong = 0x2000_427a;
/// `_IOW('B', 123, struct bpf_program)`.
#[cfg(target_pointer_width = "64")]
const BIOCSETWF: libc::c_ulong = 0x8010_427b;
/// `_IOW('B', 123, struct bpf_program)`.
#[cfg(target_pointer_width = "32")]
const BIOCSETWF: libc::c_ulong = 0x8008_427b;
/// Ethernet.
const DLT_EN10MB: libc::c_uint = 1;
/// Bytes of an interface's name with its NUL (`IFNAMSIZ`), and of `struct ifreq`.
const NAME: usize = 16;
const REQUEST: usize = 32;

/// An interface that is listened on.
#[derive(Debug)]
pub struct Capture {
    device: File,
    interface: String,
    /// Where descriptors have no rights: the device is bound to the interface it was opened on.
    is_locked: bool,
    /// As long as the kernel's, else read(2) refuses.
    buffer: Vec<u8>,
}

impl Capture {
    /// As on Linux. Here who waits is not told: the knote of a device without an interface is never ready
    /// (`filt_bpfread` in net/bpf.c), and only read(2) says `ENXIO`.
    pub const TELLS_OF_LOSS: bool = false;

    /// Listens on an interface from now on. The device is opened for reading alone, a second filter
    /// forbids every write all the same, and both stay as they are: the descriptor has no right to
    /// change them. BIOCLOCK would do that too, but takes BIOCSETIF away, which an interface that was
    /// made anew is heard by.
    ///
    /// # Errors
    /// `PermissionDenied` for who may not open /dev/bpf; `NotFound`: there is no such interface;
    /// `Unsupported`: it has no Ethernet frames; what the system calls report else.
    pub fn open(interface: &str) -> io::Result<Capture> {
        let device = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open("/dev/bpf")?;
        let most = u32::try_from(limits::DHCP_FRAME_BYTES).unwrap_or(u32::MAX);
        let mut length = libc::c_uint::try_from(limits::DHCP_QUEUE_BYTES).unwrap_or(4_096);
        control(&device, BIOCSBLEN, &mut length)?;
        program(&device, libc::BIOCSETF, &filter::dhcp(most))?;
        program(&device, BIOCSETWF, &filter::nothing())?;
        let mut yes: libc::c_uint = 1;
        // Frames at once, and not only when the buffer is full.
        control(&device, BIOCIMMEDIATE, &mut yes)?;
        control(&device, libc::BIOCSSEESENT, &mut yes)?;
        attach(&device, interface)?;
        control(&device, BIOCGBLEN, &mut length)?;
        let is_limited = rights::only(&device, rights::For::Hearing)
            && rights::only_controls(&device, &[BIOCSETIF, BIOCGDLT]);
        if !is_limited {
            let mut nothing = [0_u8; 0];
            control(&device, BIOCLOCK, &mut nothing)?;
        }
        Ok(Capture {
            device,
            interface: interface.to_owned(),
            is_locked: !is_limited,
            buffer: vec![0; usize::try_from(length).map_err(io::Error::other)?],
        })
    }

    /// The interface's name.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// Hands over the frames that are there and returns how many; 0: none is. A system call for all.
    ///
    /// # Errors
    /// What read(2) reports: `ENXIO` when the interface went away.
    pub fn read(&mut self, take: impl FnMut(&[u8])) -> io::Result<usize> {
        match self.device.read(&mut self.buffer) {
            Ok(length) => {
                let bytes = self.buffer.get(..length).unwrap_or_default();
                Ok(records::frames(bytes, Layout::NATIVE, take))
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(0),
                _ => Err(error),
            },
        }
    }

    /// Listens again after the interface went away and came back under its name, which takes no
    /// privilege. `false`: it is not there.
    pub fn again(&self) -> bool {
        !self.is_locked && attach(&self.device, &self.interface).is_ok()
    }

    /// Whether [`Capture::again`] ever says yes.
    pub fn comes_back(&self) -> bool {
        !self.is_locked
    }
}

impl AsFd for Capture {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

/// Binds the device to an interface that has Ethernet frames.
fn attach(device: &File, interface: &str) -> io::Result<()> {
    if interface.len() >= NAME {
        return Err(io::Error::from(io::ErrorKind::NotFound));
    }
    let mut request = [0_u8; REQUEST];
    request[..interface.len()].copy_from_slice(interface.as_bytes());
    control(device, BIOCSETIF, &mut request).map_err(|error| match error.raw_os_error() {
        Some(libc::ENXIO) => io::Error::from(io::ErrorKind::NotFound),
        _ => error,
    })?;
    let mut kind: libc::c_uint = 0;
    control(device, BIOCGDLT, &mut kind)?;
    match kind {
        DLT_EN10MB => Ok(()),
        _ => Err(io::Error::from(io::ErrorKind::Unsupported)),
    }
}

fn program(device: &File, request: libc::c_ulong, program: &[Op]) -> io::Result<()> {
    let mut program: Vec<libc::bpf_insn> = program
        .iter()
        .map(|op| libc::bpf_insn {
            code: op.code,
            jt: op.then,
            jf: op.otherwise,
            k: op.number,
        })
        .collect();
    let mut program = libc::bpf_program {
        bf_len: libc::c_uint::try_from(program.len()).map_err(io::Error::other)?,
        bf_insns: program.as_mut_ptr(),
    };
    // The kernel copies the instructions, which live until here.
    control(device, request, &mut program)
}

/// An ioctl(2) of bpf(4) whose argument is `value`.
fn control<T>(device: &File, request: libc::c_ulong, value: &mut T) -> io::Result<()> {
    // SAFETY: the descriptor is open for the whole call; each request above is called with a value of
    // the type that its number names, so the kernel reads and writes no more than `value` has, and the
    // instructions that a program points to, which the caller keeps.
    let result = unsafe { libc::ioctl(device.as_raw_fd(), request, std::ptr::from_mut(value)) };
    nix::errno::Errno::result(result)?;
    Ok(())
}
