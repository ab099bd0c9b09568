// SPDX-License-Identifier: Apache-2.0
//! The relay with a real network of a sandbox on one side and listeners of the test's own on the other.

mod support;

use serde_json::json;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixListener;
use std::thread;
use support::{PATIENCE, everywhere, inside, is_broken_off, local_listener, relay_pid};

const RESOLVER: &str = "198.18.0.53:53";

#[test]
fn every_connection_arrives_with_its_destination() {
    everywhere("rly-dst", |mut world| {
        for (address, ip, port) in [
            ("1.2.3.4:443", "1.2.3.4", 443),
            ("10.0.0.1:5432", "10.0.0.1", 5432),
            ("169.254.169.254:80", "169.254.169.254", 80),
            ("198.18.0.53:53", "198.18.0.53", 53),
            ("[2001:db8::7]:8080", "2001:db8::7", 8080),
            ("[::ffff:9.9.9.9]:853", "9.9.9.9", 853),
        ] {
            let mut stream = world.connect(address);
            let event = world.event("connection");
            assert_eq!((&event["address"], &event["port"]), (&json!(ip), &json!(port)), "{address}");
            assert_eq!(event["sandboxId"], "a1");
            world.decide_on(event["connection"].as_u64().expect("a number"), json!({ "action": "deny" }));
            assert!(is_broken_off(&mut stream), "{address} is reset");
            assert_eq!(world.event("ended")["over"], "denied");
        }
    });
}

#[test]
fn the_loopback_inside_stays_inside_and_the_relays_own_port_leads_nowhere() {
    everywhere("rly-lo", |world| {
        inside(&world.sandbox, || {
            let own = TcpListener::bind("127.0.0.1:8080").expect("listen inside");
            let client = TcpStream::connect("127.0.0.1:8080").expect("connect inside");
            assert_eq!(own.accept().expect("accept").1, client.local_addr().expect("own address"));
            // Whoever looks for our listeners finds them, and is put off.
            let held = std::fs::read_to_string("/proc/thread-self/net/tcp").expect("list of sockets");
            let ports = held.lines().filter(|line| line.contains(" 0100007F:") && line.contains(" 0A "));
            for line in ports.filter(|line| !line.contains(":1F90 ")) {
                let port = line.split_whitespace().nth(1).and_then(|text| text.split(':').nth(1)).expect("a port");
                let port = u16::from_str_radix(port, 16).expect("a number");
                let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it accepts");
                assert!(is_broken_off(&mut stream));
            }
        });
    });
}

#[test]
fn a_datagram_to_anybody_but_the_resolver_is_refused_at_once() {
    everywhere("rly-udp", |world| {
        inside(&world.sandbox, || {
            for address in ["8.8.8.8:53", "1.2.3.4:443", "[2001:db8::1]:443"] {
                let any = if address.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
                let socket = UdpSocket::bind(any).expect("bind");
                socket.connect(address).expect("name the destination");
                socket.send(b"x").expect("send");
                socket.set_read_timeout(Some(PATIENCE)).expect("set a time limit");
                let error = socket.recv(&mut [0]).expect_err("nobody is there");
                assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{address}");
            }
        });
    });
}

#[test]
fn a_tunnel_carries_every_byte_both_ways_and_both_ends() {
    everywhere("rly-tun", |mut world| {
        let listener = local_listener();
        let mut inner = world.connect("1.2.3.4:443");
        let mut outer = world.tunnel_to(&listener);
        let block: Vec<u8> = (0..1 << 20).map(|index: u32| ((index * 31) >> 3) as u8).collect();
        let (up, down) = (32, 16);
        thread::scope(|scope| {
            let mut writer = inner.try_clone().expect("a second handle");
            let block = &block;
            scope.spawn(move || {
                for _ in 0..up {
                    writer.write_all(block).expect("send");
                }
                writer.shutdown(std::net::Shutdown::Write).expect("end");
            });
            scope.spawn(|| {
                let mut received = Vec::new();
                outer.read_to_end(&mut received).expect("receive");
                assert!(received == block.repeat(up), "the bytes arrive as they were");
                for _ in 0..down {
                    outer.write_all(block).expect("answer");
                }
                drop(outer);
            });
            let mut received = Vec::new();
            inner.read_to_end(&mut received).expect("receive");
            assert!(received == block.repeat(down));
        });
        let ended = world.event("ended");
        assert_eq!(
            (&ended["over"], &ended["bytesUp"], &ended["bytesDown"]),
            (&json!("closed"), &json!(up << 20), &json!(down << 20))
        );
    });
}

#[test]
fn an_error_on_one_side_is_an_error_on_the_other() {
    everywhere("rly-err", |mut world| {
        let listener = local_listener();
        let mut inner = world.connect("1.2.3.4:443");
        let outer = world.tunnel_to(&listener);
        inner.write_all(b"unread").expect("send");
        // Closing with unread bytes resets.
        outer.set_nonblocking(false).expect("prepare");
        let mut seen = [0; 1];
        outer.peek(&mut seen).expect("it has arrived");
        drop(outer);
        assert!(is_broken_off(&mut inner));
        assert_eq!(world.event("ended")["over"], "reset");
        drop(listener);
        let mut inner = world.connect("1.2.3.4:443");
        world.decide(json!({ "action": "tunnel", "address": "127.0.0.1", "port": 1, "guarded": false }));
        assert!(is_broken_off(&mut inner));
        assert_eq!(world.event("ended")["over"], "unreachable");
    });
}

#[test]
fn first_bytes_are_shown_without_being_taken() {
    everywhere("rly-see", |mut world| {
        let listener = local_listener();
        let mut inner = world.connect("1.2.3.4:443");
        let connection = world.decide(json!({ "action": "wait", "haveBytes": 0, "waitMs": 20_000 }));
        inner.write_all(b"ab").expect("send");
        let seen = world.event("first-bytes");
        assert_eq!((&seen["bytesHex"], &seen["complete"]), (&json!("6162"), &json!(false)));
        world.decide_on(connection, json!({ "action": "wait", "haveBytes": 2, "waitMs": 20_000 }));
        inner.write_all(b"c").expect("send");
        assert_eq!(world.event("first-bytes")["bytesHex"], "616263");
        let address = listener.local_addr().expect("own address");
        world.decide_on(
            connection,
            json!({ "action": "tunnel", "address": address.ip(), "port": address.port(), "guarded": false }),
        );
        let (mut outer, _) = listener.accept().expect("the relay connects");
        let mut received = [0; 3];
        outer.read_exact(&mut received).expect("receive");
        assert_eq!(&received, b"abc");
        // Where the other side speaks first, nothing comes, and the waiting has an end.
        let _silent = world.connect("1.2.3.4:22");
        world.decide(json!({ "action": "wait", "haveBytes": 0, "waitMs": 20 }));
        let seen = world.event("first-bytes");
        assert_eq!((&seen["bytesHex"], &seen["complete"]), (&json!(""), &json!(true)));
    });
}

#[test]
fn a_guarded_tunnel_lets_the_other_side_speak_and_shows_what_the_client_says() {
    everywhere("rly-grd", |mut world| {
        let listener = local_listener();
        let address = listener.local_addr().expect("own address");
        let tunnel = |guarded: bool| json!({ "action": "tunnel", "address": address.ip(), "port": address.port(), "guarded": guarded });
        for verdict in ["denied", "let through"] {
            let mut inner = world.connect("1.2.3.4:22");
            let connection = world.decide(tunnel(true));
            let (mut outer, _) = listener.accept().expect("the relay connects");
            outer.set_read_timeout(Some(PATIENCE)).expect("set a time limit");
            outer.write_all(b"banner").expect("speak first");
            let mut received = [0; 6];
            inner.read_exact(&mut received).expect("hear it");
            assert_eq!(&received, b"banner");
            inner.write_all(b"hello").expect("answer");
            assert_eq!(world.event("first-bytes")["bytesHex"], "68656c6c6f");
            outer.set_nonblocking(true).expect("prepare");
            assert_eq!(outer.read(&mut [0]).expect_err("nothing went out").kind(), ErrorKind::WouldBlock);
            outer.set_nonblocking(false).expect("prepare");
            if verdict == "denied" {
                world.decide_on(connection, json!({ "action": "deny" }));
                assert!(is_broken_off(&mut inner) && is_broken_off(&mut outer));
                assert_eq!(world.event("ended")["over"], "denied");
                continue;
            }
            world.decide_on(connection, tunnel(false));
            let mut received = [0; 5];
            outer.read_exact(&mut received).expect("receive");
            assert_eq!(&received, b"hello");
        }
    });
}

#[test]
fn a_client_that_leaves_after_half_a_word_is_seen_to_leave() {
    everywhere("rly-half", |mut world| {
        let mut inner = world.connect("1.2.3.4:443");
        world.decide(json!({ "action": "wait", "haveBytes": 0, "waitMs": 20_000 }));
        inner.write_all(b"a").expect("send");
        let connection = world.event("first-bytes")["connection"].as_u64().expect("a number");
        world.decide_on(connection, json!({ "action": "wait", "haveBytes": 1, "waitMs": 20_000 }));
        drop(inner);
        let seen = world.event("first-bytes");
        assert_eq!((&seen["bytesHex"], &seen["complete"]), (&json!("61"), &json!(true)));
    });
}

#[test]
fn a_connection_can_be_handed_to_the_server() {
    everywhere("rly-loc", |mut world| {
        let path = world.launcher.state().join("egress.sock");
        let listener = UnixListener::bind(&path).expect("listen");
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o666)).expect("open to all");
        let mut inner = world.connect("1.2.3.4:80");
        world.decide(json!({ "action": "local", "socketPath": path, "preface": "token-7" }));
        let (mut server, _) = listener.accept().expect("the relay connects");
        inner.write_all(b"GET /").expect("send");
        let mut received = [0; 13];
        server.read_exact(&mut received).expect("receive");
        assert_eq!(&received, b"token-7\nGET /");
        server.write_all(b"403").expect("answer");
        drop(server);
        let mut answer = String::new();
        inner.read_to_string(&mut answer).expect("receive");
        assert_eq!(answer, "403");
    });
}

#[test]
fn questions_reach_the_server_by_datagram_and_by_stream() {
    everywhere("rly-dns", |mut world| {
        let socket = inside(&world.sandbox, || UdpSocket::bind("0.0.0.0:0")).expect("bind");
        socket.set_read_timeout(Some(PATIENCE)).expect("set a time limit");
        let question = [7, 8, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        socket.send_to(&question, RESOLVER).expect("ask");
        let asked = world.event("dns");
        assert_eq!(asked["messageHex"], "070801000001000000000000");
        world.server.call("answer", json!({ "query": asked["query"], "messageHex": "07088180" })).expect_ok();
        let mut answer = [0; 16];
        let (count, from) = socket.recv_from(&mut answer).expect("an answer");
        assert_eq!((&answer[..count], from), (&[7, 8, 0x81, 0x80][..], RESOLVER.parse().expect("an address")));

        let mut stream = world.connect("9.9.9.9:53");
        world.decide(json!({ "action": "dns" }));
        stream.write_all(&[0, 12]).expect("ask");
        stream.write_all(&question).expect("ask");
        let asked = world.event("dns");
        world.server.call("answer", json!({ "query": asked["query"], "messageHex": "0708" })).expect_ok();
        stream.shutdown(std::net::Shutdown::Write).expect("end");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        assert_eq!(answer, [0, 2, 7, 8]);
        assert_eq!(world.event("ended")["over"], "closed");
    });
}

#[test]
fn without_a_server_nothing_passes() {
    everywhere("rly-srv", |mut world| {
        let listener = local_listener();
        let mut inner = world.connect("1.2.3.4:443");
        let mut outer = world.tunnel_to(&listener);
        let mut undecided = world.connect("1.2.3.4:443");
        world.event("connection");
        let gone = std::mem::replace(&mut world.server, world.launcher.relay_client());
        drop(gone);
        assert!(is_broken_off(&mut inner) && is_broken_off(&mut outer) && is_broken_off(&mut undecided));
        // The new server has decided nothing, and hears of new connections alone.
        let mut later = world.connect("1.2.3.4:443");
        world.decide(json!({ "action": "deny" }));
        assert!(is_broken_off(&mut later));
    });
}

#[test]
fn connections_beyond_the_bound_are_refused_and_told() {
    everywhere("rly-max", |mut world| {
        world.server.call("bounds", json!({ "sandboxId": "a1", "maxConnections": 2 })).expect_ok();
        let _kept = [world.connect("1.2.3.4:1"), world.connect("1.2.3.4:2")];
        world.event("connection");
        world.event("connection");
        let mut third = world.connect("1.2.3.4:3");
        assert!(is_broken_off(&mut third));
        assert_eq!(world.event("refused")["port"], 3);
        world.server.call("cut", json!({ "sandboxId": "a1" })).expect_ok();
        assert_eq!((&world.event("ended")["over"], &world.event("ended")["over"]), (&json!("cut"), &json!("cut")));
        let _fourth = world.connect("1.2.3.4:4");
        world.event("connection");
    });
}

#[test]
fn a_killed_relay_breaks_off_and_comes_back_although_its_port_was_taken() {
    everywhere("rly-kill", |mut world| {
        let mut inner = world.connect("1.2.3.4:443");
        world.event("connection");
        let pid = relay_pid(&world.launcher).expect("it runs");
        // SAFETY: signals a process that this test's launcher has started and not yet reaped.
        assert_eq!(unsafe { libc::kill(pid, libc::SIGKILL) }, 0);
        assert!(is_broken_off(&mut inner));
        // Whoever listens inside gets what goes to its own ports, and nothing leaves.
        let squatter = inside(&world.sandbox, || TcpListener::bind("0.0.0.0:443")).expect("listen inside");
        let to_itself = inside(&world.sandbox, || TcpStream::connect("1.2.3.4:443")).expect("connect to oneself");
        assert_eq!(squatter.accept().expect("accept").1, to_itself.local_addr().expect("own address"));
        let nobody = inside(&world.sandbox, || TcpStream::connect("1.2.3.4:444")).expect_err("nobody is there");
        assert_eq!(nobody.kind(), ErrorKind::ConnectionRefused);
        world.launcher.client().call("network", json!({ "sandboxId": "a1" })).expect_ok();
        world.server = world.launcher.relay_client();
        let _inner = world.connect("1.2.3.4:443");
        assert_eq!(world.event("connection")["port"], 443);
    });
}

#[test]
fn a_new_launcher_opens_what_an_earlier_one_had_open() {
    everywhere("rly-new", |mut world| {
        world.launcher.replace();
        world.launcher.client().call("network", json!({ "sandboxId": "a1" })).expect_ok();
        world.server = world.launcher.relay_client();
        let list = world.server.call("list", json!({})).expect_ok();
        assert_eq!(list["sandboxes"], json!(["a1"]));
        let _inner = world.connect("1.2.3.4:443");
        world.event("connection");
    });
}

#[test]
fn a_destroyed_sandbox_leaves_nothing_at_the_relay() {
    everywhere("rly-end", |mut world| {
        let mut inner = world.connect("1.2.3.4:443");
        world.event("connection");
        world.launcher.client().destroy("a1");
        assert!(is_broken_off(&mut inner));
        assert_eq!(world.event("ended")["over"], "cut");
        let list = world.server.call("list", json!({})).expect_ok();
        assert_eq!(list["sandboxes"], json!([]));
    });
}

#[test]
fn opening_a_network_twice_changes_nothing() {
    everywhere("rly-two", |mut world| {
        let listener = local_listener();
        let mut inner = world.connect("1.2.3.4:443");
        let mut outer = world.tunnel_to(&listener);
        world.launcher.client().call("network", json!({ "sandboxId": "a1" })).expect_ok();
        inner.write_all(b"still").expect("send");
        let mut received = [0; 5];
        outer.read_exact(&mut received).expect("receive");
        assert_eq!(&received, b"still");
    });
}
