//! Rows of a load → a generation → the messages of a session: nothing more, nothing less, and no message too long.

use std::collections::BTreeSet;
use std::io::IoSlice;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use peeringd::advertise::{Announcing, Board, Outbox, Outcome, Selector, SessionProfile};
use peeringd::rib::{Generation, LoadOptions, Ranks, RouteView, Rows, load_text, special};
use peeringd::wire::{
    Asn, Family, FirstAs, MAX_MESSAGE_LEN, MessageKind, PerFamily, Treatment, UpdateContext, decode_update,
    frame,
};

const OURS: Asn = Asn(8075);

/// Checks the rows of a load that found no error, and all that is made of them. Returns the prefixes.
pub fn check_table(rows: Rows) -> BTreeSet<IpNet> {
    let prefixes = check_rows(&rows);
    let is_everywhere = rows.groups.iter().all(|g| g.peering_locations.is_empty() && g.peerings.is_empty());
    let rewritten = is_everywhere.then(|| rewrite(&rows));
    let generation = build(rows);
    check_look_up(&generation, &prefixes);
    if let Some(text) = rewritten {
        let options = LoadOptions { local_asn: OURS };
        let again = load_text(Path::new("again.yaml"), text.clone(), &options);
        let (rows, _) = again.unwrap_or_else(|findings| panic!("{findings}\n{text}"));
        assert_eq!(build(rows).hash(), generation.hash(), "{text}");
        check_messages(Arc::new(generation), &prefixes);
    }
    prefixes
}

fn build(rows: Rows) -> Generation {
    Generation::build(rows, None, &mut Ranks::new(), 1, 0).expect("rows of a load make a generation")
}

/// In order, each once, none that may not be announced, each of a group and on a line that there is.
fn check_rows(rows: &Rows) -> BTreeSet<IpNet> {
    assert!(rows.v4.is_sorted_by(|a, b| (a.addr, a.len) < (b.addr, b.len)));
    assert!(rows.v6.is_sorted_by(|a, b| (a.addr, a.len) < (b.addr, b.len)));
    let v4 = rows.v4.iter().map(|row| {
        let net = Ipv4Net::new(row.addr.into(), row.len).expect("a length of IPv4");
        (IpNet::from(net), row.group, row.line)
    });
    let v6 = rows.v6.iter().map(|row| {
        let net = Ipv6Net::new(row.addr.into(), row.len).expect("a length of IPv6");
        (IpNet::from(net), row.group, row.line)
    });
    let mut prefixes = BTreeSet::new();
    for (net, group, line) in v4.chain(v6) {
        let group = &rows.groups[usize::try_from(group).expect("an index")];
        let is_longer = net.prefix_len() > if net.addr().is_ipv4() { 24 } else { 48 };
        assert_eq!((net, special::reason(&net)), (net.trunc(), None));
        assert!(!is_longer || group.allow_longer, "{net}");
        assert!(line >= group.line && group.line > 0, "{net} on line {line}, its group on {}", group.line);
        prefixes.insert(net);
    }
    assert!(!prefixes.is_empty());
    prefixes
}

fn routes(generation: &Generation) -> Vec<RouteView> {
    Family::ALL.into_iter().flat_map(|family| generation.page(family, None, usize::MAX)).collect()
}

fn check_look_up(generation: &Generation, prefixes: &BTreeSet<IpNet>) {
    let listed: Vec<IpNet> = routes(generation).iter().map(|route| route.prefix).collect();
    assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), *prefixes);
    assert_eq!(generation.count().ipv4 + generation.count().ipv6, prefixes.len());
    for net in prefixes {
        assert_eq!(generation.get(*net).map(|route| route.prefix), Some(*net));
        let longest =
            generation.longest_match(net.addr()).expect("the prefix itself holds its address").prefix;
        assert!(longest.contains(&net.addr()) && longest.prefix_len() >= net.prefix_len());
    }
}

/// The same table in other words.
fn rewrite(rows: &Rows) -> String {
    let mut text = "routes:\n".to_owned();
    for (index, group) in rows.groups.iter().enumerate() {
        let is_of = |of: u32| usize::try_from(of) == Ok(index);
        let v4 = rows
            .v4
            .iter()
            .filter(|r| is_of(r.group))
            .map(|r| format!("{}/{}", Ipv4Addr::from(r.addr), r.len));
        let v6 = rows
            .v6
            .iter()
            .filter(|r| is_of(r.group))
            .map(|r| format!("{}/{}", Ipv6Addr::from(r.addr), r.len));
        let prefixes: Vec<String> = v4.chain(v6).collect();
        if prefixes.is_empty() {
            continue;
        }
        text += &format!("  - prefixes: [{}]\n    allow_longer: {}\n", quoted(prefixes), group.allow_longer);
        let attrs = &group.attrs;
        text += &format!("    origin: {:?}\n", attrs.origin).to_lowercase();
        if let Some(med) = attrs.med {
            text += &format!("    med: {med}\n");
        }
        for (key, list) in [
            ("as_path", words(&attrs.as_path)),
            ("communities", words(&attrs.communities)),
            ("extended_communities", words(&attrs.extended_communities)),
            ("large_communities", words(&attrs.large_communities)),
        ] {
            if !list.is_empty() {
                text += &format!(
                    "    {key}: [{}]\n",
                    if key == "as_path" { list.join(", ") } else { quoted(list) }
                );
            }
        }
    }
    text
}

fn words<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn quoted(words: Vec<String>) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

/// What a session is sent says every prefix once, and ends with End-of-RIB of each family.
fn check_messages(generation: Arc<Generation>, prefixes: &BTreeSet<IpNet>) {
    let profile = SessionProfile {
        local_asn: OURS,
        four_octet_as: true,
        max_message_len: MAX_MESSAGE_LEN,
        families: PerFamily { ipv4: true, ipv6: true },
        next_hop: PerFamily {
            ipv4: Some(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1))),
            ipv6: Some(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))),
        },
        link_local: None,
        extended_next_hop: false,
        enhanced_route_refresh: false,
        otc: None,
    };
    let view = Board::new(generation).view(&Selector { peering: "fuzz".into(), location: None });
    let mut outbox = Outbox::new();
    outbox.up(profile, view, Announcing::Yes);
    let left_out: usize =
        outbox.left_out().iter().map(|left| usize::try_from(left.prefixes).expect("few")).sum();
    let mut octets = Vec::new();
    while outbox.wants_write() {
        let mut sink = |slices: &[IoSlice<'_>]| {
            let before = octets.len();
            slices.iter().for_each(|slice| octets.extend_from_slice(slice));
            Ok(octets.len() - before)
        };
        let wrote = outbox.write(0, usize::MAX, &mut sink).expect("a sink that never fails");
        assert!(!matches!(wrote.outcome, Outcome::Blocked));
    }
    let told = told(&octets);
    assert!(told.is_subset(prefixes));
    assert_eq!(told.len() + left_out, prefixes.len());
}

fn told(mut octets: &[u8]) -> BTreeSet<IpNet> {
    let ctx = UpdateContext {
        local_asn: Asn(64500),
        peer_asn: OURS,
        peer_address: [198, 51, 100, 1].into(),
        local_address: PerFamily::default(),
        first_as: FirstAs::Peer,
        four_octet_as: true,
        families: PerFamily { ipv4: true, ipv6: true },
        add_path: PerFamily::default(),
        extended_next_hop: false,
    };
    let (mut told, mut ends) = (BTreeSet::new(), 0);
    while let Some(message) = frame(octets, MAX_MESSAGE_LEN).expect("our own messages") {
        assert_eq!(message.kind, MessageKind::Update);
        let update = decode_update(message.body, &ctx);
        assert_eq!((update.treatment(), update.withdrawn().flatten().count()), (Treatment::Accept, 0));
        ends += usize::from(update.end_of_rib().is_some());
        for net in update.announced().flat_map(|reach| reach.nlri) {
            assert!(told.insert(net), "{net} twice");
        }
        octets = &octets[message.whole.len()..];
    }
    assert_eq!((octets.len(), ends), (0, 2));
    told
}
