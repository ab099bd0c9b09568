// SPDX-License-Identifier: Apache-2.0
use serde_json::Value;
use std::fs::File;
use std::os::fd::AsRawFd;

/// Does something in the network of a sandbox, as a program in it would: in a thread that has entered it.
pub fn inside<T: Send>(prepared: &Value, work: impl FnOnce() -> T + Send) -> T {
    let network = File::open(format!("/proc/{}/ns/net", prepared["pid"])).expect("open the sandbox's network");
    std::thread::scope(|scope| {
        let entered = scope.spawn(|| {
            // SAFETY: plain numbers; it changes this thread alone, which ends right after.
            assert_eq!(unsafe { libc::setns(network.as_raw_fd(), libc::CLONE_NEWNET) }, 0, "enter the network");
            work()
        });
        entered.join().expect("what is done inside does not fail")
    })
}
