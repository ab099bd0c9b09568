// SPDX-License-Identifier: Apache-2.0
//! Input and output: order, back-pressure, limits.
mod support;

use std::time::{Duration, Instant};

use isola_wire::{FLAG_GAP, FrameType, INITIAL_CREDIT_BYTES, MAX_DATA_BYTES};
use serde_json::json;
use support::{Host, exit_of, ready};

/// Sends `bytes` as a process's input, within the credit that it gives.
fn feed(host: &mut Host, id: u32, bytes: &[u8]) {
    let mut credit = INITIAL_CREDIT_BYTES as usize;
    for chunk in bytes.chunks(MAX_DATA_BYTES) {
        while credit < chunk.len() {
            let grant = host.wait(|frame| frame.id == id && frame.frame_type == FrameType::Credit);
            credit += u32::from_be_bytes(grant.payload[..].try_into().expect("four bytes")) as usize;
        }
        credit -= chunk.len();
        host.send(FrameType::Data, 0, id, chunk);
    }
    host.send(FrameType::End, 0, id, &[]);
}

#[test]
fn input_reaches_the_process_and_ends_with_its_end() {
    let (_agent, mut host) = ready();
    let id = host.start("cat", &["cat"], &json!({"stdin": true}));
    host.response(id).expect("start");
    host.send(FrameType::Data, 0, id, b"one ");
    host.send(FrameType::Data, 0, id, b"two");
    host.send(FrameType::End, 0, id, &[]);
    let outcome = host.finish(id, 0);
    assert_eq!((outcome.text().as_str(), outcome.exit.exit_code), ("one two", Some(0)));
}

#[test]
fn input_may_be_sent_before_the_process_runs() {
    let (_agent, mut host) = ready();
    let id = host.start("early", &["cat"], &json!({"stdin": true}));
    host.send(FrameType::Data, 0, id, b"early");
    host.send(FrameType::End, 0, id, &[]);
    host.response(id).expect("start");
    assert_eq!(host.finish(id, 0).text(), "early");
}

#[test]
fn large_input_waits_for_the_process_to_take_it() {
    let (_agent, mut host) = ready();
    let id = host.start("count", &["sh", "-c", "sleep 0.2; wc -c"], &json!({"stdin": true}));
    host.response(id).expect("start");
    feed(&mut host, id, &vec![b'x'; 20_000_000]);
    assert_eq!(host.finish(id, 0).text().trim(), "20000000");
}

#[test]
fn input_that_nobody_takes_is_thrown_away_without_harm() {
    let (_agent, mut host) = ready();
    let script = "exec 0<&-; trap 'echo done; exit' USR1; while :; do sleep 0.05; done";
    let id = host.start("deaf", &["sh", "-c", script], &json!({"stdin": true}));
    host.response(id).expect("start");
    feed(&mut host, id, &vec![b'x'; 5_000_000]);
    let end = json!({"processId": "deaf", "signal": "SIGUSR1", "target": "process"});
    host.call("process.signal", &end).expect("signal");
    assert_eq!(host.finish(id, 0).text(), "done\n");
}

#[test]
fn a_host_that_overruns_its_credit_is_cut_off() {
    let (agent, mut host) = ready();
    let id = host.start("full", &["sleep", "60"], &json!({"stdin": true}));
    host.response(id).expect("start");
    // The pipe takes 64 KiB and returns no credit for so little.
    for _ in 0..5 {
        host.send(FrameType::Data, 0, id, &vec![0; MAX_DATA_BYTES]);
    }
    assert!(host.is_hung_up());
    assert_eq!(agent.connect().shell("echo still here").text(), "still here\n");
}

#[test]
fn a_hundred_megabytes_arrive_whole_and_in_order() {
    let (agent, mut host) = ready();
    let outcome = host.shell("head -c 100000000 /dev/zero; echo end");
    assert_eq!(outcome.stdout.len(), 100_000_004);
    assert!(outcome.stdout.ends_with(b"\0end\n") && outcome.stdout[..100_000_000].iter().all(|byte| *byte == 0));
    assert!(agent.memory_kb("RssAnon") < 1024, "{} kB", agent.memory_kb("RssAnon"));
}

#[test]
fn a_slow_reader_of_a_blocking_stream_loses_nothing_and_stops_nothing_else() {
    let (agent, mut host) = ready();
    let id = host.start("slow", &["sh", "-c", "seq 1 600000; echo end"], &json!({}));
    host.response(id).expect("start");
    // Everything within the credit comes, and then nothing.
    let mut output = Vec::new();
    while output.len() < INITIAL_CREDIT_BYTES as usize {
        let frame = host.next(id);
        assert_eq!(frame.frame_type, FrameType::Data);
        output.extend_from_slice(&frame.payload);
    }
    assert_eq!(output.len(), INITIAL_CREDIT_BYTES as usize, "not a byte beyond the credit");
    assert_eq!(host.receive(Duration::from_millis(200)), None);
    // Meanwhile the link answers everything else, and quickly.
    let started = Instant::now();
    assert_eq!(host.shell("echo quick").text(), "quick\n");
    let wish = json!({"processId": "slow", "signal": "SIGCONT", "target": "process"});
    host.call("process.signal", &wish).expect("signal");
    host.send(FrameType::Ping, 0, 0, b"12345678");
    assert_eq!(host.wait(|frame| frame.frame_type == FrameType::Pong).payload, b"12345678");
    assert!(started.elapsed() < Duration::from_secs(1));
    let cpu = agent.cpu_ticks();
    std::thread::sleep(Duration::from_millis(300));
    assert!(agent.cpu_ticks() - cpu <= 2, "waiting for credit costs nothing");
    host.grant(id, 1, INITIAL_CREDIT_BYTES as u32);
    let rest = host.finish(id, 0);
    output.extend_from_slice(&rest.stdout);
    let expected: String = (1..=600_000).map(|number| format!("{number}\n")).collect();
    assert!(output == (expected + "end\n").into_bytes(), "{} bytes", output.len());
    assert_eq!(rest.exit.dropped_bytes, 0);
}

#[test]
fn an_ended_process_waits_for_credit_with_what_it_wrote_last() {
    let (agent, mut host) = ready();
    let id = host.start("rest", &["sh", "-c", "head -c 1048576 /dev/zero; printf rest"], &json!({}));
    host.response(id).expect("start");
    let mut count = 0;
    while count < INITIAL_CREDIT_BYTES as usize {
        count += host.next(id).payload.len();
    }
    let cpu = agent.cpu_ticks();
    while let Some(frame) = host.receive(Duration::from_millis(300)) {
        assert_eq!((frame.frame_type, frame.channel), (FrameType::End, 2), "only stderr may be over");
    }
    assert!(agent.cpu_ticks() - cpu <= 2, "a pipe without writers is not asked without pause");
    host.grant(id, 1, 100);
    let rest = host.finish(id, 0);
    assert_eq!((rest.text().as_str(), rest.exit.exit_code), ("rest", Some(0)));
}

#[test]
fn an_ended_process_that_waits_for_credit_can_be_cancelled() {
    let (_agent, mut host) = ready();
    let id = host.start("cancel", &["sh", "-c", "head -c 1048576 /dev/zero; printf rest"], &json!({}));
    host.response(id).expect("start");
    let mut count = 0;
    while count < INITIAL_CREDIT_BYTES as usize {
        count += host.next(id).payload.len();
    }
    std::thread::sleep(Duration::from_millis(100));
    host.send(FrameType::Cancel, 0, id, &[]);
    assert_eq!(host.finish(id, 0).exit.dropped_bytes, 4);
}

#[test]
fn drop_oldest_never_stops_the_writer_and_marks_the_loss() {
    let (agent, mut host) = ready();
    let line = "seq 1000000 7499999; touch finished; sleep 0.2";
    let id = host.start("dropping", &["sh", "-c", line], &json!({"overflow": "drop-oldest"}));
    host.response(id).expect("start");
    let mut numbers = NumberedLines::default();
    while numbers.received < INITIAL_CREDIT_BYTES {
        numbers.take(&host.next(id));
    }
    let deadline = Instant::now() + support::PATIENCE;
    while !agent.directory.join("finished").exists() {
        assert!(Instant::now() < deadline, "the writer is stopped");
        std::thread::sleep(Duration::from_millis(10));
    }
    host.grant(id, 1, 10_000_000);
    let exit = loop {
        let frame = host.next(id);
        match frame.frame_type {
            FrameType::Data => numbers.take(&frame),
            FrameType::Event => break support::exit_of(&frame),
            _ => {}
        }
    };
    assert_eq!(numbers.at, 52_000_000, "the newest bytes are kept");
    assert!(exit.dropped_bytes > 40_000_000);
    assert_eq!((exit.stdout_bytes, exit.dropped_bytes), (numbers.received, numbers.missing));
    assert!(agent.memory_kb("RssAnon") < 1024, "{} kB", agent.memory_kb("RssAnon"));
}

/// Reads what `seq 1000000 …` writes, eight bytes for each number, and holds it against what it must be.
#[derive(Default)]
struct NumberedLines {
    /// The place in the whole output that comes next.
    at: u64,
    received: u64,
    missing: u64,
    /// What came after a loss, until it is enough to tell where it stands.
    unplaced: Option<Vec<u8>>,
}

impl NumberedLines {
    const FIRST: u64 = 1_000_000;
    const LINE_BYTES: u64 = 8;

    fn take(&mut self, frame: &isola_wire::Frame) {
        self.received += frame.payload.len() as u64;
        if frame.flags & FLAG_GAP != 0 {
            assert!(self.unplaced.is_none(), "two losses within a line");
            self.unplaced = Some(Vec::new());
        }
        let Some(mut bytes) = self.unplaced.take() else { return self.check(&frame.payload) };
        bytes.extend_from_slice(&frame.payload);
        if bytes.len() < 2 * Self::LINE_BYTES as usize {
            self.unplaced = Some(bytes);
            return;
        }
        let begin = Self::place_of(&bytes);
        assert!(begin > self.at, "a loss is marked and nothing is missing at {}", self.at);
        self.missing += begin - self.at;
        self.at = begin;
        self.check(&bytes);
    }

    fn check(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let line = Self::FIRST + self.at / Self::LINE_BYTES;
            let expected = format!("{line}\n").as_bytes()[(self.at % Self::LINE_BYTES) as usize];
            assert_eq!(*byte, expected, "a loss at {} that is not marked", self.at);
            self.at += 1;
        }
    }

    /// Where bytes stand in the whole output, told by the first whole number in them.
    fn place_of(bytes: &[u8]) -> u64 {
        let newline = bytes.iter().position(|byte| *byte == b'\n').expect("an end of line");
        let digits = bytes[newline + 1..].get(..7).expect("a whole line after it");
        let number: u64 = std::str::from_utf8(digits).expect("digits").parse().expect("a number");
        (number - Self::FIRST) * Self::LINE_BYTES - (newline as u64 + 1)
    }
}

#[test]
fn output_beyond_its_limit_ends_the_process() {
    let (_agent, mut host) = ready();
    let outcome = host.run(&["yes"], &json!({"outputLimitBytes": 100_000}));
    assert!(outcome.exit.output_capped);
    assert_eq!((outcome.stdout.len(), outcome.exit.stdout_bytes), (100_000, 100_000));
    assert_eq!(outcome.exit.signal.as_deref(), Some("SIGKILL"));
    let both = host.run(&["sh", "-c", "echo 12345; echo 12345 >&2"], &json!({"outputLimitBytes": 12}));
    assert!(!both.exit.output_capped, "exactly the limit is within it");
}

#[test]
fn a_group_that_is_over_its_limit_ends_even_when_nobody_reads() {
    let (_agent, mut host) = ready();
    let id = host.start("flood", &["sh", "-c", "yes & yes >&2"], &json!({"outputLimitBytes": 3_000_000}));
    host.response(id).expect("start");
    let outcome = host.finish(id, 0);
    assert!(outcome.exit.output_capped);
    assert_eq!(outcome.stdout.len() + outcome.stderr.len(), 3_000_000);
}

#[test]
fn many_streams_that_nobody_reads_cost_the_agent_little() {
    let (agent, mut host) = ready();
    let ids: Vec<u32> = (0..50).map(|at| host.start(&format!("y{at}"), &["yes"], &json!({}))).collect();
    for id in &ids {
        host.response(*id).expect("start");
    }
    std::thread::sleep(Duration::from_millis(500));
    assert!(agent.memory_kb("RssAnon") < 4096, "{} kB", agent.memory_kb("RssAnon"));
    for id in ids {
        host.send(FrameType::Cancel, 0, id, &[]);
        let frame = host.wait(|frame| frame.id == id && frame.frame_type == FrameType::Event);
        assert_eq!(exit_of(&frame).signal.as_deref(), Some("SIGKILL"));
    }
}
