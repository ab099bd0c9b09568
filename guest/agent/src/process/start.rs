// SPDX-License-Identifier: Apache-2.0
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use isola_wire::agent::{ProcessSpec, ProcessStarted};
use isola_wire::{Failure, code};
use rustix::io::Errno;
use rustix::process::Pid;

use super::environment::environment;
use super::input::Input;
use super::output::Output;
use super::streams::Opened;
use super::table::{MAX_PROCESSES, Process};
use crate::account::Account;
use crate::agent::{Agent, SPAWN_DEADLINE};
use crate::personalise::is_variable;
use crate::poll::{Interest, Source};
use crate::reap::Child;
use crate::spawner::{Failed, Order};
use crate::streams::Stream;
use crate::sys::launch::Step;
use crate::timers::Alarm;

impl Agent {
    /// Orders the start; the response follows when the spawner has answered.
    pub fn start_process(&mut self, id: u32, spec: ProcessSpec) -> Result<(), Failure> {
        self.check_start(&spec)?;
        let identity = self.identity.as_ref().ok_or_else(|| Failure::new(code::SANDBOX_NOT_PERSONALISED, ""))?;
        let user = spec.user.as_deref().unwrap_or(&identity.user);
        let account = self.accounts.find(self.users, user)?;
        let is_default_user = user == identity.user;
        let env = environment(&account, is_default_user, spec.tty.is_some(), &identity.env, &spec.env);
        let opened = match spec.tty {
            Some(size) => Opened::terminal(size, spec.stdin, &account.runner),
            None => Opened::pipes(spec.stdin, &account.runner),
        };
        let Opened { input, outputs, theirs } = opened.map_err(|error| cannot_open(&spec, error))?;
        let directory = match spec.cwd.as_deref() {
            None => identity.workdir.clone(),
            Some(path) if path.starts_with('/') => path.to_owned(),
            Some(path) => format!("{}/{path}", identity.workdir),
        };
        let order = Order {
            runner: &account.runner,
            rlimits: identity.rlimits,
            directory: &directory,
            argv: &spec.argv,
            env: &env,
        };
        let token = self
            .spawner
            .order(&order, theirs)
            .map_err(|error| spawner_lost(&spec.argv, error))?
            .ok_or_else(|| invalid(&spec, "a string holds a NUL"))?;
        let key = self.remember(id, spec, account);
        self.expect(token, Child::Process(key));
        self.watch_streams(key, input, outputs);
        Ok(())
    }

    fn check_start(&mut self, spec: &ProcessSpec) -> Result<(), Failure> {
        let program = spec.argv.first().ok_or_else(|| invalid(spec, "argv is empty"))?;
        if program.is_empty() {
            return Err(not_found(&spec.argv));
        }
        if let Some((name, _)) = spec.env.iter().find(|(name, value)| !is_variable(name, value)) {
            return Err(invalid(spec, &format!("variable {name:?} is not valid")));
        }
        if self.processes.find(&spec.process_id).is_some() {
            let message = format!("start {program}: process id {} is in use", spec.process_id);
            return Err(Failure::new(code::PROCESS_ID_TAKEN, message));
        }
        if self.processes.table.len() >= MAX_PROCESSES {
            return Err(limit_reached(&spec.argv, &format!("{MAX_PROCESSES} run already")));
        }
        Ok(())
    }

    fn remember(&mut self, id: u32, spec: ProcessSpec, account: Account) -> u32 {
        self.processes.next_key += 1;
        let key = self.processes.next_key;
        let timer = spec.timeout_ms.map(|ms| self.timers.set(Duration::from_millis(ms), Alarm::ProcessTimeout(key)));
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        let process = Process {
            id: spec.process_id,
            argv: spec.argv,
            user: account.name,
            stream: Some(id),
            pid: None,
            status: None,
            started: Instant::now(),
            started_at_ms: now_ms,
            ended: None,
            input: None,
            outputs: [None, None],
            terminal: spec.tty.is_some(),
            overflow: spec.overflow,
            kill_grace_ms: spec.kill_grace_ms,
            output_left: spec.output_limit_bytes,
            timer,
            oom_kills_before: self.children.oom_kills(),
            timed_out: false,
            output_capped: false,
            cancelled: false,
            discard: false,
            killed: false,
            sent_bytes: [0; 2],
            dropped_bytes: 0,
        };
        self.processes.table.insert(key, process);
        self.streams.insert(id, Stream::Process(key));
        key
    }

    /// An order is under way: its child may end before we are told its pid.
    pub fn expect(&mut self, token: u64, child: Child) {
        let deadline = self.timers.set(SPAWN_DEADLINE, Alarm::SpawnerStuck(token));
        self.children.expected.insert(token, (child, deadline));
        self.watch_spawner_writes();
    }

    fn watch_streams(
        &mut self,
        key: u32,
        input: Option<std::os::fd::OwnedFd>,
        outputs: [Option<std::os::fd::OwnedFd>; 2],
    ) {
        let Some(process) = self.processes.table.get_mut(&key) else { return };
        process.input = input.map(Input::new);
        for ((place, fd), source) in
            process.outputs.iter_mut().zip(outputs).zip([Source::Output(key), Source::Error(key)])
        {
            let Some(fd) = fd else { continue };
            // Out of memory is the only way to fail; the stream then ends with the process.
            let watched = self.poll.add(&fd, source, Interest::Read).is_ok();
            *place = Some(Output::new(fd, watched));
        }
    }

    pub fn process_started(&mut self, key: u32, pid: i32) {
        let Some(process) = self.processes.table.get_mut(&key) else { return };
        process.pid = Pid::from_raw(pid);
        if let Some(id) = process.stream {
            self.links.succeed(id, &ProcessStarted { pid: pid as u32 });
        }
        if process.killed {
            self.process_kill(key);
        }
    }

    pub fn process_not_started(&mut self, key: u32, failed: Option<Failed>) {
        let Some(process) = self.processes.table.remove(&key) else { return };
        if let Some(timer) = process.timer {
            self.timers.cancel(timer);
        }
        let Some(id) = process.stream else { return };
        self.streams.remove(&id);
        self.links.fail(id, &start_failure(&process.argv, failed));
        self.rest_if_idle();
    }
}

pub fn start_failure(argv: &[String], failed: Option<Failed>) -> Failure {
    let Some(Failed { step, errno }) = failed else { return spawner_lost(argv, Errno::PIPE) };
    let program = argv.first().map_or("", String::as_str);
    let message = |what: &str| format!("start {program}: {what}: {errno}");
    match (step, errno) {
        (Step::Execute, Errno::NOENT | Errno::NOTDIR) => not_found(argv),
        (Step::Execute, Errno::TOOBIG) => Failure::new(code::REQUEST_INVALID, message("pass arguments")),
        (Step::Clone | Step::User | Step::Execute, Errno::AGAIN | Errno::NOMEM) => {
            limit_reached(argv, &errno.to_string())
        }
        (Step::Execute, _) => Failure::new(code::PROCESS_NOT_EXECUTABLE, message("execute")),
        (Step::Directory, _) => Failure::new(code::PROCESS_CWD_NOT_FOUND, message("enter the working directory")),
        (Step::User, Errno::INVAL) => Failure::new(code::PROCESS_USER_UNKNOWN, message("become the user")),
        (step, _) => Failure::new(code::PROCESS_START_FAILED, message(&format!("{step:?}").to_lowercase())),
    }
}

fn not_found(argv: &[String]) -> Failure {
    let program = argv.first().map_or("", String::as_str);
    Failure::new(code::PROCESS_PROGRAM_NOT_FOUND, format!("start {program}: program not found"))
}

fn limit_reached(argv: &[String], why: &str) -> Failure {
    let program = argv.first().map_or("", String::as_str);
    Failure::new(code::PROCESS_LIMIT_REACHED, format!("start {program}: {why}"))
}

fn spawner_lost(argv: &[String], error: Errno) -> Failure {
    let program = argv.first().map_or("", String::as_str);
    Failure::new(code::AGENT_SPAWNER_LOST, format!("start {program}: the spawner is gone: {error}"))
}

fn invalid(spec: &ProcessSpec, why: &str) -> Failure {
    Failure::new(code::REQUEST_INVALID, format!("start process {}: {why}", spec.process_id))
}

fn cannot_open(spec: &ProcessSpec, error: Errno) -> Failure {
    match error {
        Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOSPC => {
            limit_reached(&spec.argv, &format!("open its streams: {error}"))
        }
        _ => {
            let program = spec.argv.first().map_or("", String::as_str);
            Failure::new(code::PROCESS_START_FAILED, format!("start {program}: open its streams: {error}"))
        }
    }
}
