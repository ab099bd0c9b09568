// SPDX-License-Identifier: Apache-2.0
use isola_wire::{
    AgentHello, FLAG_BROKEN, FLAG_GAP, Failure, FrameType, GENERATION, HostAuth, HostHello, LauncherHello, agent_proof,
    code, host_proof, to_hex,
};

use super::{EPOCH, Golden, json, raw};

const KEY: [u8; 32] = [0x11; 32];
const HOST_NONCE: [u8; 32] = [0x22; 32];
const AGENT_NONCE: [u8; 32] = [0x33; 32];

/// The handshake uses key 11…11, host nonce 22…22 and agent nonce 33…33, so that the proofs are
/// golden as well.
pub fn frames() -> Vec<Golden> {
    let host = HostHello { generation: GENERATION, role: "host".into(), nonce: Some(to_hex(&HOST_NONCE)) };
    let agent = AgentHello {
        generation: GENERATION,
        role: "agent".into(),
        nonce: to_hex(&AGENT_NONCE),
        version: "0.1.0".into(),
        proof: agent_proof(&KEY, EPOCH, &HOST_NONCE, &AGENT_NONCE),
    };
    let auth = HostAuth { proof: host_proof(&KEY, EPOCH, &HOST_NONCE, &AGENT_NONCE) };
    let to_launcher = HostHello { nonce: None, ..host.clone() };
    let launcher = LauncherHello {
        generation: isola_wire::launcher::GENERATION,
        role: "launcher".into(),
        version: "0.1.0".into(),
        pid: 4242,
    };
    let failure = Failure::new(code::FILE_IO, "read /data/big: input/output error");
    vec![
        json("hello-host", FrameType::Hello, 0, 0, &host),
        json("hello-agent", FrameType::Hello, 0, 0, &agent),
        json("auth-host", FrameType::Auth, 0, 0, &auth),
        json("hello-host-to-launcher", FrameType::Hello, 0, 0, &to_launcher),
        json("hello-launcher", FrameType::Hello, 0, 0, &launcher),
        raw("data-stdin", FrameType::Data, 0, 0, 7, b"to the process\n".to_vec()),
        raw("data-stdout", FrameType::Data, 1, 0, 7, vec![0, 1, 2, 0xfe, 0xff]),
        raw("data-stderr-after-gap", FrameType::Data, 2, FLAG_GAP, 7, b"later".to_vec()),
        raw("data-empty", FrameType::Data, 1, 0, 7, Vec::new()),
        raw("end-stdin", FrameType::End, 0, 0, 7, Vec::new()),
        json("end-broken", FrameType::End, FLAG_BROKEN, 0xffff_ffff, &failure),
        raw("credit", FrameType::Credit, 1, 0, 7, 524_288u32.to_be_bytes().to_vec()),
        raw("cancel", FrameType::Cancel, 0, 0, 7, Vec::new()),
        raw("ping", FrameType::Ping, 0, 0, 0, 0x0102_0304_0506_0708u64.to_be_bytes().to_vec()),
        raw("pong", FrameType::Pong, 0, 0, 0, 0x0102_0304_0506_0708u64.to_be_bytes().to_vec()),
    ]
}
