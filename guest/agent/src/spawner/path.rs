// SPDX-License-Identifier: Apache-2.0
use std::borrow::Cow;
use std::ffi::{CStr, CString};

const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The paths at which `name` may lie, in the order they are tried. A name with a slash is a path
/// itself; an empty entry of PATH is the working directory.
pub fn candidates<'a>(name: &'a CStr, env: &[&CStr]) -> Vec<Cow<'a, CStr>> {
    if name.to_bytes().contains(&b'/') || name.is_empty() {
        return vec![Cow::Borrowed(name)];
    }
    let path = env.iter().find_map(|entry| entry.to_bytes().strip_prefix(b"PATH=")).unwrap_or(DEFAULT_PATH);
    path.split(|byte| *byte == b':').filter_map(|directory| joined(directory, name)).map(Cow::Owned).collect()
}

fn joined(directory: &[u8], name: &CStr) -> Option<CString> {
    let directory = if directory.is_empty() { b"." } else { directory };
    CString::new([directory, b"/", name.to_bytes()].concat()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &CStr, env: &[&CStr]) -> Vec<String> {
        candidates(name, env).iter().map(|path| path.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_name_with_a_slash_is_not_searched_for() {
        assert_eq!(found(c"./a", &[c"PATH=/bin"]), ["./a"]);
    }

    #[test]
    fn path_is_searched_in_order_and_an_empty_entry_is_the_working_directory() {
        assert_eq!(found(c"a", &[c"HOME=/", c"PATH=/x::/y"]), ["/x/a", "./a", "/y/a"]);
    }

    #[test]
    fn without_path_the_usual_directories_are_searched() {
        assert!(found(c"a", &[]).contains(&"/usr/bin/a".to_owned()));
    }
}
