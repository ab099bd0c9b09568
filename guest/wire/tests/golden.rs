// SPDX-License-Identifier: Apache-2.0
//! The files in protocol/golden hold both languages to the same bytes. They are append-only within
//! a generation; `ISOLA_BLESS=1 cargo test -p isola-wire` writes new ones.

mod catalogue;

use std::path::PathBuf;

use catalogue::{EPOCH, Golden};
use isola_wire::agent::{self, op};
use isola_wire::{FrameReader, FrameType, Mode, Operation, encode_frame, from_hex, launcher, parse, relay};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../protocol/golden").join(name)
}

fn check_file(folder_name: &str, name: &str, text: &str) {
    let path = folder(folder_name).join(format!("{name}.json"));
    if std::env::var_os("ISOLA_BLESS").is_some() {
        std::fs::create_dir_all(folder(folder_name)).expect("make the golden folder");
        std::fs::write(&path, text).expect("write a golden file");
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    let stored: Value = serde_json::from_str(&stored).expect("golden file is JSON");
    let made: Value = serde_json::from_str(text).expect("made text is JSON");
    assert_eq!(stored, made, "{} differs: a frame of a published generation has changed", path.display());
}

#[test]
fn every_frame_has_the_bytes_of_its_golden_file() {
    for golden in catalogue::all() {
        check_file("frames", golden.name, &golden.text());
    }
}

#[test]
fn every_malformed_input_has_its_golden_file() {
    for malformed in catalogue::malformed::all() {
        check_file("malformed", malformed.name, &malformed.text());
    }
}

#[test]
fn no_golden_file_is_without_a_frame() {
    let count = |name: &str| std::fs::read_dir(folder(name)).expect("list golden files").count();
    assert_eq!(count("frames"), catalogue::all().len());
    assert_eq!(count("malformed"), catalogue::malformed::all().len());
}

#[test]
fn golden_bytes_decode_to_the_frame_and_back() {
    for Golden { name, frame } in catalogue::all() {
        let bytes = encode_frame(&frame);
        for mode in [Mode::Strict, Mode::Resync] {
            let mut reader = FrameReader::new(mode);
            reader.expect_epoch(EPOCH);
            reader.push(&bytes);
            let read = reader.next_frame().expect(name).expect(name).to_frame();
            assert_eq!(read, frame, "{name}");
            assert_eq!(reader.next_frame(), Ok(None), "{name}");
        }
    }
}

#[test]
fn a_strict_reader_names_what_is_wrong() {
    for malformed in catalogue::malformed::all() {
        let mut reader = FrameReader::new(Mode::Strict);
        reader.expect_epoch(EPOCH);
        reader.push(&malformed.bytes);
        let error = reader.next_frame().expect_err(malformed.name);
        assert_eq!(error.kind(), malformed.error, "{}", malformed.name);
    }
}

#[test]
fn every_request_of_the_catalogue_survives_its_type() {
    for golden in catalogue::all().iter().filter(|golden| golden.frame.frame_type == FrameType::Request) {
        let payload = &golden.frame.payload;
        let operation: Operation = serde_json::from_slice(payload).expect(golden.name);
        match operation.op.as_ref() {
            op::PERSONALISE => survives::<agent::Personality>(golden),
            op::PROCESS_START => survives::<agent::ProcessSpec>(golden),
            op::PROCESS_SIGNAL => survives::<agent::ProcessSignal>(golden),
            op::PROCESS_RESIZE => survives::<agent::ProcessResize>(golden),
            op::FILE_READ => survives::<agent::FileRead>(golden),
            op::FILE_WRITE => survives::<agent::FileWrite>(golden),
            op::FILE_LIST => survives::<agent::FileList>(golden),
            op::FILE_STAT => survives::<agent::FileStat>(golden),
            op::FILE_MKDIR => survives::<agent::FileMkdir>(golden),
            op::FILE_REMOVE => survives::<agent::FileRemove>(golden),
            op::FILE_MOVE => survives::<agent::FileMove>(golden),
            launcher::op::PREPARE => survives::<launcher::Prepare>(golden),
            launcher::op::LIMITS => survives::<launcher::LimitsRequest>(golden),
            relay::op::DECIDE => survives::<relay::Decide>(golden),
            relay::op::BOUNDS => survives::<relay::Bounds>(golden),
            relay::op::CUT => survives::<relay::Cut>(golden),
            relay::op::ANSWER => survives::<relay::Answer>(golden),
            launcher::op::NETWORK => survives::<launcher::SandboxRef>(golden),
            launcher::op::FREEZE | launcher::op::THAW | launcher::op::STATS | launcher::op::DESTROY => {
                survives::<launcher::SandboxRef>(golden);
            }
            launcher::op::SWEEP => survives::<launcher::Sweep>(golden),
            launcher::op::MASKSCAN => survives::<launcher::MaskScan>(golden),
            _ => survives::<agent::Empty>(golden),
        }
    }
}

#[test]
fn every_event_of_the_relay_survives_its_type() {
    let is_event = |golden: &&Golden| golden.name.starts_with("event-relay-");
    for golden in catalogue::all().iter().filter(is_event) {
        survives::<relay::Event>(golden);
    }
}

fn survives<T: Serialize + DeserializeOwned>(golden: &Golden) {
    let typed: T = parse(&golden.frame.payload).expect(golden.name);
    let mut stored: Value = serde_json::from_slice(&golden.frame.payload).expect(golden.name);
    stored.as_object_mut().expect(golden.name).remove("op");
    assert_eq!(serde_json::to_value(&typed).expect(golden.name), stored, "{}", golden.name);
}

#[test]
fn the_golden_proofs_verify() {
    let auth = catalogue::all().into_iter().find(|golden| golden.name == "auth-host").expect("auth-host");
    let auth: isola_wire::HostAuth = serde_json::from_slice(&auth.frame.payload).expect("auth payload");
    let (key, host, agent) = ([0x11; 32], [0x22; 32], [0x33; 32]);
    assert!(isola_wire::is_host_proof(&auth.proof, &key, EPOCH, &host, &agent));
    assert!(!isola_wire::is_host_proof(&auth.proof, &key, EPOCH + 1, &host, &agent));
    assert!(!isola_wire::is_host_proof(&auth.proof, &key, EPOCH, &agent, &host));
    assert!(!isola_wire::is_host_proof(&auth.proof[2..], &key, EPOCH, &host, &agent));
    assert!(from_hex::<32>(&auth.proof).is_some());
}
