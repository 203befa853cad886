//! A larger table, the same at every run: the packing is the densest there is.

use super::super::super::naive;
use super::*;

fn whole(outbox: &mut Outbox) -> Vec<Vec<u8>> {
    let mut stream = Vec::new();
    let wrote = outbox.write(0, usize::MAX, &mut |slices| {
        let before = stream.len();
        slices.iter().for_each(|slice| stream.extend_from_slice(slice));
        Ok(stream.len() - before)
    });
    assert_eq!(wrote.unwrap().outcome, Outcome::Drained);
    let mut messages = Vec::new();
    let mut at = 0;
    while at < stream.len() {
        let len = usize::from(u16::from_be_bytes([stream[at + 16], stream[at + 17]]));
        messages.push(stream[at..at + len].to_vec());
        at += len;
    }
    messages
}

/// How many UPDATEs the densest packing behind each set's own head has: prefixes in order, a message only begun when
/// the next one does not fit.
fn densest(routes: &Routes, session: &SessionProfile, gshut: bool) -> usize {
    let mut rooms: BTreeMap<&AttrSet, (usize, usize)> = BTreeMap::new();
    let mut messages = 0;
    for (net, spec) in routes {
        let heard = naive::route(session, Family::Ipv4, &spec.attrs, gshut).unwrap();
        let mp = if heard.mp_next_hop.is_empty() { 0 } else { 9 + heard.mp_next_hop.len() };
        let room = session.max_message_len - 23 - heard.attributes.len() - mp;
        let octets = 1 + usize::from(net.prefix_len()).div_ceil(8);
        let (used, begun) = rooms.entry(&spec.attrs).or_default();
        if *begun == 0 || *used + octets > room {
            (*used, *begun) = (0, 1);
            messages += 1;
        }
        *used += octets;
    }
    messages
}

fn large() -> Routes {
    sample::internet(30_000, 40, 8075)
}

#[test]
fn each_profile_has_its_own_densest_packing_of_the_same_bytes() {
    let routes = large();
    let board = Board::new(Arc::new(sample::generation(&routes, None, &mut Ranks::new(), 1)));
    let only = PerFamily { ipv4: true, ipv6: false };
    let base = SessionProfile { families: only, ..session() };
    for session in [
        base.clone(),
        SessionProfile { extended_next_hop: true, ..base.clone() },
        SessionProfile { otc: Some(Asn(8075)), four_octet_as: false, ..base.clone() },
        SessionProfile { max_message_len: 65_535, ..base.clone() },
        SessionProfile { max_message_len: 128, ..base },
    ] {
        for announcing in [Announcing::Yes, Announcing::GracefulShutdown] {
            let mut outbox = Outbox::new();
            outbox.up(session.clone(), board.view(&selectors()[0]), announcing);
            let gshut = announcing == Announcing::GracefulShutdown;
            let messages = whole(&mut outbox);
            assert_eq!(messages.len() - 1, densest(&routes, &session, gshut), "{session:?}");
            let mut holds = BTreeMap::new();
            for message in &messages[..messages.len() - 1] {
                let Word::Announce(nets, heard) = naive::read(message, session.max_message_len) else {
                    panic!()
                };
                nets.into_iter().for_each(|net| assert_eq!(holds.insert(net, heard.clone()), None));
            }
            let want = routes
                .iter()
                .map(|(net, spec)| (*net, naive::route(&session, Family::Ipv4, &spec.attrs, gshut).unwrap()));
            assert_eq!(holds, want.collect());
        }
    }
}

#[test]
fn two_peers_of_one_profile_differ_in_the_next_hop_alone() {
    let board = Board::new(Arc::new(sample::generation(&large(), None, &mut Ranks::new(), 1)));
    let [mut one, mut two] = ["192.0.2.1", "192.0.2.9"].map(|hop| {
        let mut outbox = Outbox::new();
        let next_hop = PerFamily { ipv4: hop.parse().ok(), ipv6: None };
        outbox.up(SessionProfile { next_hop, ..session() }, board.view(&selectors()[0]), Announcing::Yes);
        whole(&mut outbox)
    });
    let own = |messages: &mut Vec<Vec<u8>>, hop: [u8; 4]| {
        for message in messages.iter_mut().filter(|message| message.len() > 29) {
            let at = message.windows(3).position(|head| head == [0x40, 3, 4]).unwrap() + 3;
            assert_eq!(message[at..at + 4], hop);
            message[at..at + 4].fill(0);
        }
    };
    own(&mut one, [192, 0, 2, 1]);
    own(&mut two, [192, 0, 2, 9]);
    assert_eq!(one, two);
}

#[test]
fn a_reload_of_one_percent_sends_one_percent() {
    let mut ranks = Ranks::new();
    let mut routes = large();
    let board = Board::new(Arc::new(sample::generation(&routes, None, &mut ranks, 1)));
    let mut outbox = Outbox::new();
    outbox.up(session(), board.view(&selectors()[0]), Announcing::Yes);
    whole(&mut outbox);
    let before = outbox.counters().clone();
    let mut changed = 0;
    let nets: Vec<IpNet> = routes.keys().copied().step_by(100).collect();
    for (i, net) in nets.iter().enumerate() {
        if i.is_multiple_of(3) {
            routes.remove(net);
        } else {
            routes.insert(*net, sample::plain(u16::try_from(i % 45).unwrap()));
            changed += u64::from(
                board.generation().get(*net).unwrap().attrs.communities != routes[net].attrs.communities,
            );
        }
    }
    let next = board.next(Arc::new(sample::generation(&routes, Some(board.generation()), &mut ranks, 2)));
    outbox.set_view(next.view(&selectors()[0]));
    assert_eq!(outbox.pending().ipv4, 100 + changed);
    whole(&mut outbox);
    let after = outbox.counters();
    assert_eq!(after.withdrawn.ipv4 - before.withdrawn.ipv4, 100);
    assert_eq!(after.announced.ipv4 - before.announced.ipv4, changed);
    assert!(after.updates - before.updates <= 46);
    assert_eq!(outbox.advertised().ipv4, routes.len() as u64);
}
