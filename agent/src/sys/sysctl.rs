//! Tables of FreeBSD's kernel (sysctl(3)).

use std::ffi::CString;
use std::ptr;

/// A table by its number; `None` if the kernel does not give it.
pub fn by_number(name: &[libc::c_int]) -> Option<Vec<u8>> {
    let length = libc::c_uint::try_from(name.len()).ok()?;
    read(|bytes, size| {
        // SAFETY: `name` has `length` numbers; `bytes` is null or has room for `*size` bytes, and the kernel
        // sets `*size` to what it wrote.
        unsafe { libc::sysctl(name.as_ptr(), length, bytes, size, ptr::null(), 0) }
    })
}

/// A table by its name, such as `kern.file`.
pub fn by_name(name: &str) -> Option<Vec<u8>> {
    let name = CString::new(name).ok()?;
    read(|bytes, size| {
        // SAFETY: `name` ends with a zero; the rest as above.
        unsafe { libc::sysctlbyname(name.as_ptr(), bytes, size, ptr::null(), 0) }
    })
}

/// Asks `call` for the size, and then for that and some more: the table may grow in between. What does not
/// fit then is an error, and one look is enough.
fn read(call: impl Fn(*mut libc::c_void, &mut usize) -> libc::c_int) -> Option<Vec<u8>> {
    let mut size = 0;
    if call(ptr::null_mut(), &mut size) != 0 {
        return None;
    }
    let mut bytes = vec![0; size + size / 8 + 512];
    let mut size = bytes.len();
    if call(bytes.as_mut_ptr().cast(), &mut size) != 0 {
        return None;
    }
    bytes.truncate(size);
    Some(bytes)
}
