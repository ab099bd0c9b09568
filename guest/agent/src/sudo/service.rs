// SPDX-License-Identifier: Apache-2.0
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use rustix::fs::{Mode, chmod, mkdir, unlink};
use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, listen, socket_with};
use rustix::process::{Pid, Signal, WaitStatus, kill_process_group};
use rustix::termios::isatty;

use super::accepted::{disarm, is_accepted};
use super::client::Client;
use super::closer::Closer;
use super::message::{Ask, FromShim, Program, SOCKET, ToShim};
use super::relay::FORWARDED;
use crate::account::Account;
use crate::agent::Agent;
use crate::personalise::is_variable;
use crate::poll::{Interest, Source};
use crate::process::{environment, start_failure, terminal};
use crate::reap::Child;
use crate::spawner::{Failed, Order, Stdio};
use crate::timers::Alarm;

/// Shims at once, with and without a running process.
const MAX_CLIENTS: usize = 256;
/// So many are taken in one round, so that a flood of them does not hold up the rest.
const TAKEN_AT_ONCE: usize = 16;
const ASK_DEADLINE: Duration = Duration::from_secs(2);
/// Between SIGHUP and SIGKILL for a process whose shim is gone.
const GRACE: Duration = Duration::from_millis(500);

#[derive(Default)]
pub struct SudoService {
    listener: Option<OwnedFd>,
    /// Who may ask, besides root.
    user_uid: u32,
    clients: BTreeMap<u32, Client>,
    next_key: u32,
    closer: Closer,
}

impl Agent {
    /// Makes the socket that shims will find. Nobody is listened to before `offer_sudo`.
    pub fn open_sudo(&mut self) -> Result<(), Errno> {
        if self.sudo.listener.is_some() {
            return Ok(());
        }
        for directory in ["/run", "/run/isola"] {
            match mkdir(directory, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error),
            }
        }
        match unlink(SOCKET) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error),
        }
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let listener = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        bind(&listener, &SocketAddrUnix::new(SOCKET)?)?;
        chmod(SOCKET, Mode::from_raw_mode(0o666))?;
        listen(&listener, 64)?;
        self.sudo.listener = Some(listener);
        Ok(())
    }

    pub fn offer_sudo(&mut self, user_uid: u32) -> Result<(), Errno> {
        self.open_sudo()?;
        self.sudo.user_uid = user_uid;
        match &self.sudo.listener {
            Some(listener) => self.poll.add(listener, Source::SudoListener, Interest::Read),
            None => Ok(()),
        }
    }

    /// This sandbox is to have no sudo.
    pub fn withdraw_sudo(&mut self) -> Result<(), Errno> {
        match self.sudo.listener.take() {
            Some(_) => unlink(SOCKET),
            None => Ok(()),
        }
    }

    pub fn take_sudo_clients(&mut self) {
        for _ in 0..TAKEN_AT_ONCE {
            let Some(listener) = &self.sudo.listener else { return };
            let Ok(socket) = accept_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) else { return };
            let Ok(peer) = socket_peercred(&socket) else { continue };
            let (uid, gid) = (peer.uid.as_raw(), peer.gid.as_raw());
            if self.sudo.closer.is_stuck() {
                // Whoever did that goes without sudo from now on.
                self.poll.remove(listener);
                return self.sudo.closer.close(vec![socket]);
            }
            if (uid != 0 && uid != self.sudo.user_uid) || self.sudo.clients.len() >= MAX_CLIENTS {
                // Something may lie in it already.
                self.sudo.closer.close(vec![socket]);
                continue;
            }
            self.sudo.next_key += 1;
            let key = self.sudo.next_key;
            if self.poll.add(&socket, Source::SudoClient(key), Interest::Read).is_err() {
                self.sudo.closer.close(vec![socket]);
                continue;
            }
            let timer = Some(self.timers.set(ASK_DEADLINE, Alarm::SudoDeadline(key)));
            let client = Client {
                socket,
                uid,
                gid,
                asked: false,
                command: String::new(),
                pid: None,
                master: None,
                streams: Vec::new(),
                timer,
                abandoned: false,
            };
            self.sudo.clients.insert(key, client);
        }
    }

    pub fn sudo_deadline(&mut self, key: u32) {
        if self.sudo.clients.get(&key).is_some_and(|client| !client.asked) {
            self.sudo_part(key);
        }
    }

    /// Forgets a shim. Nothing that it sent is closed here.
    fn sudo_part(&mut self, key: u32) {
        let Some(Client { socket, streams, .. }) = self.sudo.clients.remove(&key) else { return };
        self.poll.remove(&socket);
        disarm(&streams);
        let mut fds: Vec<OwnedFd> = streams.into_iter().filter_map(Rc::into_inner).collect();
        fds.push(socket);
        self.sudo.closer.close(fds);
    }

    pub fn sudo_client_ready(&mut self, key: u32) {
        let Some(client) = self.sudo.clients.get_mut(&key) else { return };
        let (message, fds) = match client.receive() {
            Ok(received) => received,
            Err(Errno::AGAIN | Errno::INTR) => return,
            Err(_) => return self.sudo_abandon(key),
        };
        client.streams.extend(fds.iter().cloned());
        match (message, client.asked) {
            (Some(FromShim::Ask(ask)), false) => self.sudo_ask(key, &ask, fds),
            (Some(FromShim::Signal(number)), true) if fds.is_empty() => {
                let signal = FORWARDED.contains(&number).then(|| Signal::from_named_raw(number)).flatten();
                if let (Some(pid), Some(signal)) = (client.pid, signal) {
                    let _ = kill_process_group(pid, signal);
                }
            }
            _ => {
                drop(fds);
                self.sudo_abandon(key);
            }
        }
    }

    fn sudo_ask(&mut self, key: u32, ask: &Ask, fds: Vec<Rc<OwnedFd>>) {
        let Some(client) = self.sudo.clients.get_mut(&key) else { return };
        client.asked = true;
        if let Some(timer) = client.timer.take() {
            self.timers.cancel(timer);
        }
        if let Err(line) = self.sudo_order(key, ask, fds) {
            self.sudo_refuse(key, line);
        }
    }

    fn sudo_order(&mut self, key: u32, ask: &Ask, fds: Vec<Rc<OwnedFd>>) -> Result<(), String> {
        let failed = |what: &str, error: Errno| format!("sudo: {what}: {error}");
        let client = self.sudo.clients.get_mut(&key).ok_or("sudo: gone")?;
        let account =
            self.accounts.find(self.users, &ask.user).map_err(|_| format!("sudo: unknown user {}", ask.user))?;
        let (argv, directory) = command_line(&ask.program, &account, &ask.directory);
        client.command = argv.first().cloned().unwrap_or_default();
        if ask.env.iter().any(|(name, value)| !is_variable(name, value)) {
            return Err("sudo: a variable is not valid".to_owned());
        }
        let mut own = ask.env.clone();
        let mut set = |name: &str, value: String| drop(own.insert(name.to_owned(), value));
        set("SUDO_UID", client.uid.to_string());
        set("SUDO_GID", client.gid.to_string());
        set("SUDO_USER", self.identity.as_ref().map_or_else(String::new, |identity| identity.user.clone()));
        set("SUDO_COMMAND", argv.join(" "));
        set("SHELL", account.shell.clone());
        let env = environment(&account, false, false, &BTreeMap::new(), &own);
        let Ok(mut fds) = <[Rc<OwnedFd>; 3]>::try_from(fds) else {
            return Err("sudo: the standard streams are missing".to_owned());
        };
        if !fds.iter().all(|fd| is_accepted(fd)) {
            return Err("sudo: a standard stream is neither a pipe, a file, a device nor a unix socket".to_owned());
        }
        let on_terminal = isatty(&fds[0]);
        if on_terminal {
            // A terminal of its own: the user's programs must not be able to type into root's.
            let (master, theirs) =
                terminal(ask.terminal, &account.runner).map_err(|error| failed("open a terminal", error))?;
            let theirs = Rc::new(theirs);
            for fd in fds.iter_mut().filter(|fd| isatty(fd)) {
                *fd = Rc::clone(&theirs);
            }
            client.master = Some(master);
        }
        let rlimits = self.identity.as_ref().map(|identity| identity.rlimits).unwrap_or_default();
        let order = Order { runner: &account.runner, rlimits, directory: &directory, argv: &argv, env: &env };
        let token = self
            .spawner
            .order(&order, Stdio { fds, terminal: on_terminal })
            .map_err(|error| failed("start the process", error))?
            .ok_or("sudo: an argument holds a NUL")?;
        self.expect(token, Child::Sudo(key));
        Ok(())
    }

    pub fn sudo_started(&mut self, key: u32, pid: i32) {
        let Some(client) = self.sudo.clients.get_mut(&key) else { return };
        client.pid = Pid::from_raw(pid);
        let master = client.master.take();
        client.send(&ToShim::Started, master.as_ref());
        if client.abandoned {
            self.sudo_end(key);
        }
    }

    pub fn sudo_not_started(&mut self, key: u32, failed: Option<Failed>) {
        let Some(client) = self.sudo.clients.get(&key) else { return };
        let failure = start_failure(std::slice::from_ref(&client.command), failed);
        let line = match failure.code.as_str() {
            isola_wire::code::PROCESS_PROGRAM_NOT_FOUND => format!("sudo: {}: command not found", client.command),
            _ => format!("sudo: {}", failure.message),
        };
        self.sudo_refuse(key, line);
    }

    fn sudo_refuse(&mut self, key: u32, line: String) {
        if let Some(client) = self.sudo.clients.get(&key) {
            client.send(&ToShim::Refused(line), None);
            self.sudo_part(key);
        }
    }

    pub fn sudo_ended(&mut self, key: u32, status: WaitStatus) {
        let Some(client) = self.sudo.clients.get_mut(&key) else { return };
        if let Some(timer) = client.timer.take() {
            self.timers.cancel(timer);
        }
        let signalled = status.terminating_signal().map(|signal| 128 + signal);
        let code = status.exit_status().or(signalled).unwrap_or(1);
        client.send(&ToShim::Exited(code as u8), None);
        self.sudo_part(key);
    }

    /// The shim is gone: its process has lost its terminal.
    fn sudo_abandon(&mut self, key: u32) {
        let Some(client) = self.sudo.clients.get_mut(&key) else { return };
        if !client.asked {
            return self.sudo_part(key);
        }
        self.poll.remove(&client.socket);
        client.abandoned = true;
        client.master = None;
        self.sudo_end(key);
    }

    fn sudo_end(&mut self, key: u32) {
        let Some(client) = self.sudo.clients.get_mut(&key) else { return };
        if let Some(pid) = client.pid {
            let _ = kill_process_group(pid, Signal::HUP);
            client.timer = Some(self.timers.set(GRACE, Alarm::SudoKill(key)));
        }
    }

    pub fn sudo_kill(&mut self, key: u32) {
        let Some(client) = self.sudo.clients.get_mut(&key) else { return };
        client.timer = None;
        if let Some(pid) = client.pid {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

fn command_line(program: &Program, account: &Account, directory: &str) -> (Vec<String>, String) {
    let shell = |options: &[&str], words: &[String]| -> Vec<String> {
        let mut argv = vec![account.shell.clone()];
        argv.extend(options.iter().map(|option| (*option).to_owned()));
        if !words.is_empty() {
            argv.extend(["-c".to_owned(), words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")]);
        }
        argv
    };
    match program {
        Program::Command(argv) => (argv.clone(), directory.to_owned()),
        Program::Login(words) => (shell(&["-l"], words), account.home.clone()),
        Program::Shell(words) => (shell(&[], words), directory.to_owned()),
    }
}

/// As one word of a shell line.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./=:,+@%".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
