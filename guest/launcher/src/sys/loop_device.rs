// SPDX-License-Identifier: Apache-2.0
//! A block device out of a file.

use super::check;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;

const LOOP_CTL_GET_FREE: libc::Ioctl = 0x4C82;
const LOOP_CONFIGURE: libc::Ioctl = 0x4C0A;
const LO_FLAGS_AUTOCLEAR: u32 = 4;

/// `struct loop_config` of the kernel: descriptor, block size, `struct loop_info64`, reserved.
#[repr(C)]
struct Configuration {
    fd: u32,
    block_size: u32,
    device: u64,
    inode: u64,
    rdevice: u64,
    offset: u64,
    size_limit: u64,
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    file_name: [u8; 64],
    crypt_name: [u8; 64],
    encrypt_key: [u8; 32],
    init: [u64; 2],
    reserved: [u64; 8],
}

/// An attached loop device. It detaches by itself when its last user (a mount, this handle) is gone.
pub struct LoopDevice {
    pub path: String,
    _handle: File,
}

pub fn attach(file: &File) -> io::Result<LoopDevice> {
    let control = OpenOptions::new().read(true).write(true).open("/dev/loop-control")?;
    loop {
        // SAFETY: the request takes no argument.
        let number = check(i64::from(unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE) }))?;
        let path = format!("/dev/loop{number}");
        let handle = OpenOptions::new().read(true).write(true).open(&path)?;
        match configure(&handle, file) {
            Ok(()) => return Ok(LoopDevice { path, _handle: handle }),
            // Somebody else took the free device in between.
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {}
            Err(error) => return Err(error),
        }
    }
}

fn configure(device: &File, file: &File) -> io::Result<()> {
    // SAFETY: plain data, all zeroes is the neutral value of each field.
    let mut configuration: Configuration = unsafe { std::mem::zeroed() };
    configuration.fd = file.as_raw_fd() as u32;
    configuration.flags = LO_FLAGS_AUTOCLEAR;
    // SAFETY: the structure has the layout that LOOP_CONFIGURE reads.
    check(i64::from(unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE, &raw const configuration) }))?;
    Ok(())
}
