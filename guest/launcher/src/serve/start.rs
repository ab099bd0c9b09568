// SPDX-License-Identifier: Apache-2.0
use super::creates::Creates;
use super::jobs::Jobs;
use super::registry::Registry;
use super::server::Server;
use super::sweeps::Sweeps;
use super::token::Token;
use crate::destroy;
use crate::error::{Failed, Result};
use crate::exits;
use crate::host::Host;
use crate::network::NetworkPool;
use crate::state_dir::{SEAT_PREFIX, StateDir};
use crate::sys::epoll::Epoll;
use crate::sys::{descriptors, identity, prctl, signals};
use crate::users::{IdPool, Identity, OuterMode};
use isola_wire::launcher::SandboxExited;
use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

pub struct ServeOptions {
    pub state: PathBuf,
    pub agent: PathBuf,
    /// Where one line tells that clients can connect, or why they never will.
    pub ready: Option<Ready>,
    /// How the outer user namespace was made that this process is in; `None` for real root.
    pub outer: Option<OuterMode>,
}

/// The pipe on which whoever started the launcher waits.
pub struct Ready(File);

impl Ready {
    pub fn new(descriptor: i32) -> Result<Self> {
        descriptors::adopt(descriptor).failed("use ready descriptor", descriptor).map(|fd| Self(File::from(fd)))
    }

    /// Leaves the descriptor to the program that this process is about to become.
    pub fn keep_through_exec(self) {
        let _ = descriptors::inherit(OwnedFd::from(self.0));
    }

    /// Says the line. Nobody may be listening any more, which is no reason to fail.
    pub fn say(mut self, line: &str) {
        let _ = writeln!(self.0, "{}", line.replace('\n', " "));
    }
}

/// What became of a launcher that was told to serve.
pub enum Served {
    ToTheEnd,
    /// Another launcher has the directory.
    Busy,
}

/// Serves until told to end. Sandboxes live on.
pub fn serve(mut options: ServeOptions) -> Result<Served> {
    let ready = options.ready.take();
    let (lock, mut server) = match start(&options) {
        Ok(Some(started)) => started,
        Ok(None) => {
            if let Some(ready) = ready {
                ready.say("busy");
            }
            return Ok(Served::Busy);
        }
        Err(error) => {
            if let Some(ready) = ready {
                ready.say(&error.to_string());
            }
            return Err(error);
        }
    };
    if let Some(ready) = ready {
        ready.say("ready");
    }
    server.run()?;
    close(server);
    drop(lock);
    Ok(Served::ToTheEnd)
}

/// `None` when another launcher has the directory.
fn start(options: &ServeOptions) -> Result<Option<(File, Server)>> {
    let state = StateDir::open(&options.state)?;
    let Some(lock) = state.lock()? else { return Ok(None) };
    // No directory is held that somebody may want to unmount.
    std::env::set_current_dir("/").failed("enter", "/")?;
    prctl::become_subreaper().failed("become", "subreaper")?;
    prctl::forbid_dump().failed("forbid", "core dump")?;
    identity::set_umask(0o022);
    let identity =
        options.outer.as_ref().map_or(Identity::ROOT, |outer| Identity { users: outer.users, rootless: true });
    // Before the first child, so that no end of one is missed.
    let signals = signals::as_events(&[libc::SIGCHLD, libc::SIGTERM, libc::SIGINT]).failed("watch", "signals")?;
    let networks = NetworkPool::start(!identity.rootless)?;
    let host = Host::open(state, identity, &options.agent)?;
    let listener = listen_at(&host.state.socket())?;
    let registry = Registry::adopt(&host);
    let mut server = Server {
        epoll: Epoll::new().failed("make", "epoll")?,
        listener,
        signals,
        connections: BTreeMap::new(),
        next_connection: 0,
        creates: Creates::default(),
        networks,
        jobs: Jobs::default(),
        sweeps: Sweeps::default(),
        registry,
        ids: IdPool::starting_by(&host.state.tag()),
        strangers: VecDeque::new(),
        is_ending: false,
        host,
    };
    take_over(&mut server)?;
    Ok(Some((lock, server)))
}

/// Made under another name and then renamed: a client that finds the socket finds somebody listening.
pub fn listen_at(path: &Path) -> Result<UnixListener> {
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    identity::set_umask(0o177);
    let listener = UnixListener::bind(&new).failed_on("bind", &new);
    identity::set_umask(0o022);
    let listener = listener?;
    listener.set_nonblocking(true).failed_on("prepare", &new)?;
    fs::rename(&new, path).failed_on("rename to", path)?;
    Ok(listener)
}

/// Picks up where the last launcher was: its sandboxes, their ids, and what it left lying about.
fn take_over(server: &mut Server) -> Result<()> {
    let Server { epoll, registry, ids, host, .. } = server;
    epoll.add(&server.listener, Token::Listener.encode()).failed("watch", "socket")?;
    epoll.add(&server.signals, Token::Signals.encode()).failed("watch", "signals")?;
    epoll.add(server.networks.channel(), Token::Networks.encode()).failed("watch", "maker of networks")?;
    for (sandbox_id, entry) in registry.entries() {
        if let Some(base) = entry.uid_base {
            ids.adopt(base);
        }
        match (&entry.watch, entry.record.as_ref().and_then(|record| record.pid)) {
            (Some(watch), _) => epoll.add(watch, Token::Adopted(watch.number).encode()).failed("watch", sandbox_id)?,
            // It ended while no launcher was there; nobody can tell how.
            (None, Some(_)) => {
                exits::write(&host.state, &SandboxExited { sandbox_id: sandbox_id.clone(), status: -1 })?
            }
            _ => {}
        }
    }
    for name in server.everything().into_iter().filter(|name| name.starts_with(SEAT_PREFIX)) {
        server.remove_seat(name);
    }
    server.clean_trash();
    Ok(())
}

/// Leaves nothing behind but the sandboxes that live.
fn close(mut server: Server) {
    for name in server.creates.dismiss() {
        if let Err(error) = destroy::destroy(&server.host, &name) {
            eprintln!("isola-launcher: {error}");
        }
    }
    server.networks.close();
    let _ = fs::remove_file(server.host.state.socket());
    server.host.layers.close(&server.host.state);
    server.host.cgroups.close();
}
