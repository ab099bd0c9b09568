// SPDX-License-Identifier: Apache-2.0
//! Makes every connection of a network namespace arrive at two listeners in it, whatever its destination.
//!
//! There is no interface but `lo` and no way out. A route declares every address to be a local one, and one rule
//! for each family hands each new TCP connection that does not go to the loopback to a listener; the socket that
//! is accepted there has the original destination as its own address. Nothing else has anywhere to go: a datagram
//! is answered with `port unreachable`, so that clients of QUIC fall back at once.

use crate::error::{Failed, Result};
use crate::sys::inet::{Family, transparent_listener};
use crate::sys::netlink::{ACKNOWLEDGE, APPEND, Attributes, Batch, CREATE, NETFILTER, REPLACE, ROUTE};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

/// Where names are looked up inside: an address of the range for benchmarks between networks (RFC 2544), which is
/// nobody's in the real one.
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 53);
const DNS_PORT: u16 = 53;

/// The ends that belong outside.
pub struct Entrances {
    pub ipv4: TcpListener,
    /// Absent where the kernel has no IPv6.
    pub ipv6: Option<TcpListener>,
    pub dns: UdpSocket,
}

/// Sets the namespace up that the caller is in. Doing it again replaces what was there.
pub fn redirect_all() -> Result<Entrances> {
    add_route(Family::V4).failed("route every address to", "lo (IPv4)")?;
    let ipv4 = transparent_listener(Family::V4).failed("listen on", "127.0.0.1")?;
    set_rule(Family::V4, port(&ipv4)).failed("redirect", "connections (IPv4)").map_err(explain)?;
    let ipv6 = redirect_ipv6()?;
    let dns = UdpSocket::bind((RESOLVER, DNS_PORT)).failed("bind", "resolver").map_err(|error| {
        error.hint("something in the sandbox listens on port 53 of every address: end it, or create another sandbox")
    })?;
    for result in [
        ipv4.set_nonblocking(true),
        ipv6.as_ref().map_or(Ok(()), |listener| listener.set_nonblocking(true)),
        dns.set_nonblocking(true),
    ] {
        result.failed("prepare", "entrances")?;
    }
    Ok(Entrances { ipv4, ipv6, dns })
}

fn redirect_ipv6() -> Result<Option<TcpListener>> {
    let Ok(listener) = transparent_listener(Family::V6) else { return Ok(None) };
    add_route(Family::V6).failed("route every address to", "lo (IPv6)")?;
    set_rule(Family::V6, port(&listener)).failed("redirect", "connections (IPv6)").map_err(explain)?;
    Ok(Some(listener))
}

fn explain(error: crate::error::LauncherError) -> crate::error::LauncherError {
    error.hint("the kernel needs nf_tables and nft_tproxy: as root run `modprobe nft_tproxy`")
}

fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().map_or(0, |address: SocketAddr| address.port())
}

/// The first interface of every network namespace.
const LOOPBACK_INDEX: u32 = 1;

/// `ip route add local default dev lo`
fn add_route(family: Family) -> std::io::Result<()> {
    const SCOPE_HOST: u8 = 254;
    // struct rtmsg: family, lengths of destination and source, type of service, table, who made it, scope, type, flags.
    let route =
        [family.number(), 0, 0, 0, libc::RT_TABLE_LOCAL, libc::RTPROT_STATIC, SCOPE_HOST, libc::RTN_LOCAL, 0, 0, 0, 0];
    let mut batch = Batch::default();
    batch.message(libc::RTM_NEWROUTE, ACKNOWLEDGE | CREATE | REPLACE, &route, |attributes| {
        attributes.bytes(libc::RTA_OIF, &LOOPBACK_INDEX.to_ne_bytes());
    });
    batch.send(ROUTE)
}

/// Replaces Isola's table of this family by the one rule, all at once.
fn set_rule(family: Family, port: u16) -> std::io::Result<()> {
    let mut batch = Batch::default();
    let fixed = nft::fixed(family.number());
    batch.message(nft::BATCH_BEGIN, 0, &nft::BATCH_FIXED, |_| {});
    // Deleting what is not there would fail, so it is made first.
    for (kind, flags) in [(nft::NEW_TABLE, CREATE), (nft::DELETE_TABLE, 0), (nft::NEW_TABLE, CREATE)] {
        batch.message(kind, flags | ACKNOWLEDGE, &fixed, |table| {
            table.text(1, nft::TABLE);
        });
    }
    batch.message(nft::NEW_CHAIN, CREATE | ACKNOWLEDGE, &fixed, |chain| {
        chain.text(1, nft::TABLE).text(3, nft::CHAIN).nest(4, |hook| {
            hook.number(1, nft::HOOK_PREROUTING).number(2, nft::PRIORITY_MANGLE.cast_unsigned());
        });
        chain.text(7, "filter");
    });
    batch.message(nft::NEW_RULE, CREATE | APPEND | ACKNOWLEDGE, &fixed, |rule| {
        rule.text(1, nft::TABLE).text(2, nft::CHAIN).nest(4, |expressions| nft::to_listener(expressions, family, port));
    });
    batch.message(nft::BATCH_END, 0, &nft::BATCH_FIXED, |_| {});
    batch.send(NETFILTER)
}

/// Numbers of linux/netfilter/nf_tables.h, and the one rule in its terms.
mod nft {
    use super::{Attributes, Family};

    pub const TABLE: &str = "isola";
    pub const CHAIN: &str = "prerouting";
    pub const BATCH_BEGIN: u16 = 0x10;
    pub const BATCH_END: u16 = 0x11;
    const SUBSYSTEM: u16 = 10;
    pub const NEW_TABLE: u16 = SUBSYSTEM << 8;
    pub const DELETE_TABLE: u16 = SUBSYSTEM << 8 | 2;
    pub const NEW_CHAIN: u16 = SUBSYSTEM << 8 | 3;
    pub const NEW_RULE: u16 = SUBSYSTEM << 8 | 6;
    /// struct nfgenmsg of a batch: no family, version 0, the subsystem in big endian.
    pub const BATCH_FIXED: [u8; 4] = [0, 0, 0, SUBSYSTEM as u8];
    pub const HOOK_PREROUTING: u32 = 0;
    pub const PRIORITY_MANGLE: i32 = -150;

    const REGISTER: u32 = 1;
    const REGISTER_VERDICT: u32 = 0;
    const COMPARE_EQUAL: u32 = 0;
    const COMPARE_UNEQUAL: u32 = 1;
    const META_PROTOCOL: u32 = 16;
    const BASE_NETWORK: u32 = 1;
    const ACCEPT: u32 = 1;

    pub const fn fixed(family: u8) -> [u8; 4] {
        [family, 0, 0, 0]
    }

    /// `ip daddr != 127.0.0.0/8 meta l4proto tcp tproxy to :PORT accept`, or the same for IPv6.
    pub fn to_listener(expressions: &mut Attributes<'_>, family: Family, port: u16) {
        let (offset, loopback): (u32, &[u8]) = match family {
            Family::V4 => (16, &[127]),
            Family::V6 => (24, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        };
        expression(expressions, "payload", |payload| {
            payload.number(1, REGISTER).number(2, BASE_NETWORK).number(3, offset).number(4, loopback.len() as u32);
        });
        compare(expressions, COMPARE_UNEQUAL, loopback);
        expression(expressions, "meta", |meta| {
            meta.number(1, REGISTER).number(2, META_PROTOCOL);
        });
        compare(expressions, COMPARE_EQUAL, &[libc::IPPROTO_TCP as u8]);
        expression(expressions, "immediate", |immediate| {
            immediate.number(1, REGISTER).nest(2, |data| {
                data.bytes(1, &port.to_be_bytes());
            });
        });
        expression(expressions, "tproxy", |tproxy| {
            tproxy.number(1, family.number().into()).number(3, REGISTER);
        });
        expression(expressions, "immediate", |immediate| {
            immediate.number(1, REGISTER_VERDICT).nest(2, |data| {
                data.nest(2, |verdict| {
                    verdict.number(1, ACCEPT);
                });
            });
        });
    }

    fn compare(expressions: &mut Attributes<'_>, how: u32, value: &[u8]) {
        expression(expressions, "cmp", |compare| {
            compare.number(1, REGISTER).number(2, how).nest(3, |data| {
                data.bytes(1, value);
            });
        });
    }

    fn expression(expressions: &mut Attributes<'_>, name: &str, fill: impl FnOnce(&mut Attributes<'_>)) {
        expressions.nest(1, |element| {
            element.text(1, name).nest(2, fill);
        });
    }
}
