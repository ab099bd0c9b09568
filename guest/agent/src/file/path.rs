// SPDX-License-Identifier: Apache-2.0
use isola_wire::{Failure, code, to_hex};
use rustix::fs::readlink;
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

use super::failure::{coded, failure};

const MAX_PATH_BYTES: usize = 4096;
const MAX_LINKS: usize = 40;

/// The absolute form of `path`; relative ones start at the working directory.
pub fn absolute(operation: &str, path: &str, workdir: &str) -> Result<String, Failure> {
    let invalid = |why| Err(coded(operation, path, code::FILE_NAME_INVALID, why));
    if path.is_empty() {
        return invalid("the path is empty");
    }
    if path.contains('\0') {
        return invalid("the path holds a NUL");
    }
    let joined = if path.starts_with('/') { path.to_owned() } else { format!("{workdir}/{path}") };
    if joined.len() > MAX_PATH_BYTES {
        return invalid("the path is longer than 4096 bytes");
    }
    Ok(joined)
}

/// Directory and name of a path; `/` for what lies at the top.
pub fn split(path: &str) -> (&str, &str) {
    let path = path.trim_end_matches('/');
    match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((directory, name)) => (directory, name),
        None => ("/", path),
    }
}

/// The path that opening `path` for writing would create or change: symbolic links at its end are
/// followed, also when they lead nowhere yet.
pub fn final_target(operation: &str, path: &str) -> Result<String, Failure> {
    let mut current = path.to_owned();
    for _ in 0..MAX_LINKS {
        let target = match readlink(current.as_str(), Vec::new()) {
            Ok(target) => target,
            Err(Errno::INVAL | Errno::NOENT) => return Ok(current),
            Err(error) => return Err(failure(operation, path, error)),
        };
        let target = target.to_string_lossy().into_owned();
        current = if target.starts_with('/') { target } else { format!("{}/{target}", split(&current).0) };
    }
    Err(failure(operation, path, Errno::LOOP))
}

/// A name beside `path` that nothing has yet, for content that is not whole.
pub fn draft(path: &str) -> String {
    let mut random = [0; 8];
    // Without randomness the name may be taken, and making the file then says so.
    let _ = getrandom(&mut random, GetRandomFlags::NONBLOCK);
    let directory = split(path).0.trim_end_matches('/');
    format!("{directory}/.isola-{}.part", to_hex(&random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_start_at_the_working_directory() {
        assert_eq!(absolute("read", "a/b", "/home/user").as_deref(), Ok("/home/user/a/b"));
        assert_eq!(absolute("read", "/a", "/home/user").as_deref(), Ok("/a"));
    }

    #[test]
    fn empty_nul_and_endless_paths_are_names_that_cannot_be() {
        for path in ["", "a\0b", &"x".repeat(5000)] {
            let error = absolute("read", path, "/").expect_err("refused");
            assert_eq!(error.code, code::FILE_NAME_INVALID);
        }
    }

    #[test]
    fn a_path_splits_into_directory_and_name() {
        assert_eq!(split("/a/b/"), ("/a", "b"));
        assert_eq!(split("/a"), ("/", "a"));
        assert_eq!(split("/"), ("/", ""));
    }
}
