// SPDX-License-Identifier: Apache-2.0
use std::collections::BTreeMap;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::process::ExitCode;

use isola_wire::agent::TerminalSize;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
    connect, sendmsg, socket_with,
};
use rustix::stdio::{stderr, stdin, stdout};
use rustix::termios::{isatty, tcgetwinsize};

use super::arguments::{Request, USAGE, Wish, parse};
use super::message::{Ask, FromShim, MAX_MESSAGE_BYTES, SOCKET};
use super::relay::relay;

/// sudo's own failures.
const EXIT_FAILED: u8 = 1;
/// Variables that say how to talk to the user, and where the network is.
const KEPT: [&str; 17] = [
    "TERM",
    "COLORTERM",
    "LANG",
    "LANGUAGE",
    "TZ",
    "DISPLAY",
    "EDITOR",
    "DEBIAN_FRONTEND",
    "NO_COLOR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
];
/// Belong to the target, whatever is kept.
const NEVER: [&str; 6] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "IFS"];

/// The program `sudo`.
pub fn run(words: Vec<String>) -> ExitCode {
    let request = match parse(words) {
        Ok(Wish::Run(request)) => request,
        Ok(Wish::Help) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Ok(Wish::Version) => {
            println!("sudo of isola-agent {}", crate::agent::VERSION);
            return ExitCode::SUCCESS;
        }
        Ok(Wish::Nothing) => return ExitCode::SUCCESS,
        Err(line) => return refuse(&line),
    };
    let Ok(socket) = call() else {
        return refuse(
            "sudo: root is not available in this sandbox; it was created without sudo, or its host has a single user id to give",
        );
    };
    match ask(&socket, request).and_then(|()| relay(&socket)) {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(line)) => refuse(&line),
        Err(Errno::MSGSIZE) => refuse("sudo: the arguments and variables are too long"),
        Err(Errno::CONNRESET | Errno::PIPE) => refuse("sudo: the request was turned away"),
        Err(error) => refuse(&format!("sudo: {error}")),
    }
}

fn refuse(line: &str) -> ExitCode {
    eprintln!("{line}");
    ExitCode::from(EXIT_FAILED)
}

fn call() -> Result<OwnedFd, Errno> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    connect(&socket, &SocketAddrUnix::new(SOCKET)?)?;
    Ok(socket)
}

fn ask(socket: &OwnedFd, request: Request) -> Result<(), Errno> {
    let Request { user, program, keep_env, assigned } = request;
    let mut env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| is_kept(name, keep_env))
        .collect();
    env.extend(assigned);
    let size = tcgetwinsize(stdin()).map_or(TerminalSize { cols: 80, rows: 24 }, |size| TerminalSize {
        cols: size.ws_col.max(1),
        rows: size.ws_row.max(1),
    });
    let directory = std::env::current_dir().map_or_else(|_| "/".to_owned(), |path| path.to_string_lossy().into_owned());
    let message = FromShim::Ask(Ask { user, program, directory, env, terminal: size });
    let bytes = serde_json::to_vec(&message).map_err(|_| Errno::INVAL)?;
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(Errno::MSGSIZE);
    }
    let fds = [stdin(), stdout(), stderr()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(socket, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL).map(drop)
}

fn is_kept(name: &str, keep_env: bool) -> bool {
    let of_loader = name.starts_with("LD_") || name.starts_with("BASH_FUNC_") || NEVER.contains(&name);
    !of_loader && (keep_env || KEPT.contains(&name) || name.starts_with("LC_"))
}

/// The terminal we are on, for reading what the user types.
pub fn on_terminal() -> bool {
    isatty(stdin())
}
