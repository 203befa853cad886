//! A capture as pcapng, which Wireshark opens, and as text for whoever has none.
//!
//! The packets are of link type 252, "Wireshark Upper PDU": a message behind tags that name its dissector, addresses
//! and ports. So messages of any length are whole, whatever the port, and no TCP header is made up.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::{DataLink, Endianness, PcapError};

use super::ring::Message;
use super::{Capture, Incident};
use crate::metrics::Way;
use crate::wire::MessageKind;

/// Tags of Wireshark's exported PDUs (`epan/exported_pdu.h`).
mod tag {
    pub(super) const END: u16 = 0;
    pub(super) const DISSECTOR_NAME: u16 = 12;
    pub(super) const IPV4_SRC: u16 = 20;
    pub(super) const IPV4_DST: u16 = 21;
    pub(super) const IPV6_SRC: u16 = 22;
    pub(super) const IPV6_DST: u16 = 23;
    pub(super) const PORT_TYPE: u16 = 24;
    pub(super) const SRC_PORT: u16 = 25;
    pub(super) const DST_PORT: u16 = 26;
    /// The port type of TCP.
    pub(super) const TCP: u32 = 2;
}

/// Units of the timestamps: 10^-9 s, in which the crate counts.
const NANOSECONDS: u8 = 9;
/// Direction in a packet's flags.
const INBOUND: u32 = 1;
const OUTBOUND: u32 = 2;

impl Capture {
    /// The pcapng file.
    ///
    /// # Errors
    /// What the crate will not encode.
    pub(super) fn to_pcapng(&self) -> Result<Vec<u8>, PcapError> {
        let section = SectionHeaderBlock {
            endianness: Endianness::Little,
            options: vec![
                SectionHeaderOption::UserApplication(Cow::Borrowed(concat!(
                    "peeringd ",
                    env!("CARGO_PKG_VERSION")
                ))),
                SectionHeaderOption::Comment(Cow::Owned(format!(
                    "{}: {}",
                    self.session,
                    self.incident.in_words()
                ))),
            ],
            ..SectionHeaderBlock::default()
        };
        let mut writer = PcapNgWriter::with_section_header(Vec::new(), section)?;
        writer.write_pcapng_block(InterfaceDescriptionBlock {
            linktype: DataLink::WIRESHARK_UPPER_PDU,
            snaplen: 0,
            options: vec![
                InterfaceDescriptionOption::IfName(Cow::Owned(self.session.to_string())),
                InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
            ],
        })?;
        let at_fault = self.at_fault();
        for (place, message) in self.messages.iter().enumerate() {
            let comment = (Some(place) == at_fault).then(|| self.incident.in_words());
            writer.write_pcapng_block(self.packet(message, comment))?;
        }
        Ok(writer.into_inner())
    }

    /// The message that the incident is about: the last of those that way.
    fn at_fault(&self) -> Option<usize> {
        self.messages.iter().rposition(|message| message.way == self.incident.way())
    }

    fn packet(&self, message: &Message, comment: Option<String>) -> EnhancedPacketBlock<'static> {
        let mut data = self.tags(message.way);
        let missing = message.len.saturating_sub(message.octets.len());
        data.extend_from_slice(&message.octets);
        let flags = match message.way {
            Way::Received => INBOUND,
            Way::Sent => OUTBOUND,
        };
        let mut options = vec![EnhancedPacketOption::Flags(flags)];
        options.extend(comment.map(|text| EnhancedPacketOption::Comment(Cow::Owned(text))));
        EnhancedPacketBlock {
            interface_id: 0,
            timestamp: message.at,
            original_len: u32::try_from(data.len().saturating_add(missing)).unwrap_or(u32::MAX),
            data: Cow::Owned(data),
            options,
        }
    }

    fn tags(&self, way: Way) -> Vec<u8> {
        let mut tags = Vec::with_capacity(64);
        // Padded with zeros to a multiple of four.
        put(&mut tags, tag::DISSECTOR_NAME, b"bgp\0");
        if let Some((ours, theirs)) = self.ends {
            let (from, to) = match way {
                Way::Received => (theirs, ours),
                Way::Sent => (ours, theirs),
            };
            put_address(&mut tags, from.ip(), tag::IPV4_SRC, tag::IPV6_SRC);
            put_address(&mut tags, to.ip(), tag::IPV4_DST, tag::IPV6_DST);
            put(&mut tags, tag::PORT_TYPE, &tag::TCP.to_be_bytes());
            put(&mut tags, tag::SRC_PORT, &u32::from(from.port()).to_be_bytes());
            put(&mut tags, tag::DST_PORT, &u32::from(to.port()).to_be_bytes());
        }
        put(&mut tags, tag::END, &[]);
        tags
    }

    /// The text beside it.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            // Writing to a String cannot fail.
            writeln!(text, "{name:<9} {value}").unwrap_or_default();
        };
        line("session", &self.session);
        let ends =
            self.ends.map_or_else(|| "unknown".to_owned(), |(ours, theirs)| format!("{ours} and {theirs}"));
        line("between", &format!("{ends}, AS{}", self.peer_asn));
        line("at", &at(self.at));
        line("what", &self.incident.what());
        if let Some(why) = self.incident.why() {
            line("why", why);
        }
        if let Incident::Notification { notification, .. } = &self.incident
            && !notification.data.is_empty()
        {
            line("data", &hex(&notification.data));
        }
        line("messages", &format!("{}, the oldest first", self.messages.len()));
        for message in &self.messages {
            line("", &describe(message));
        }
        text
    }
}

impl Incident {
    /// Who sent the message that it is about.
    fn way(&self) -> Way {
        match self {
            Self::Notification { way, .. } => *way,
            Self::Treatment { .. } => Way::Received,
        }
    }

    fn what(&self) -> String {
        match self {
            Self::Notification { way, notification, .. } => {
                let said =
                    notification.communication().map(|text| format!(": \"{text}\"")).unwrap_or_default();
                format!("{} NOTIFICATION {notification}{said}", way.name())
            }
            Self::Treatment { treatment, .. } => format!("received an UPDATE with errors: {treatment}"),
        }
    }

    fn why(&self) -> Option<&str> {
        match self {
            Self::Notification { why, .. } => why.as_deref(),
            Self::Treatment { faults, .. } => Some(faults),
        }
    }

    fn in_words(&self) -> String {
        match self.why() {
            Some(why) => format!("{}: {why}", self.what()),
            None => self.what(),
        }
    }

    /// For the name of a file: `sent-3-1`, `received-6-2`, `treat-as-withdraw`.
    pub(super) fn slug(&self) -> String {
        match self {
            Self::Notification { way, notification, .. } => {
                format!("{}-{}-{}", way.name(), notification.code.0, notification.code.1)
            }
            Self::Treatment { treatment, .. } => treatment.name().to_owned(),
        }
    }
}

fn put(tags: &mut Vec<u8>, tag: u16, value: &[u8]) {
    tags.extend_from_slice(&tag.to_be_bytes());
    tags.extend_from_slice(&u16::try_from(value.len()).unwrap_or(0).to_be_bytes());
    tags.extend_from_slice(value);
}

fn put_address(tags: &mut Vec<u8>, address: IpAddr, v4: u16, v6: u16) {
    match address {
        IpAddr::V4(address) => put(tags, v4, &address.octets()),
        IpAddr::V6(address) => put(tags, v6, &address.octets()),
    }
}

/// A moment since the epoch, to the millisecond, in UTC.
fn at(moment: Duration) -> String {
    timestamp(moment).map_or_else(
        || format!("{moment:?} since the epoch"),
        |t| t.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
    )
}

/// The same for the name of a file.
pub(super) fn file_time(moment: Duration) -> String {
    timestamp(moment)
        .map_or_else(|| moment.as_millis().to_string(), |t| t.strftime("%Y%m%dT%H%M%S.%3fZ").to_string())
}

fn timestamp(moment: Duration) -> Option<Timestamp> {
    Timestamp::from_nanosecond(i128::try_from(moment.as_nanos()).ok()?).ok()
}

fn describe(message: &Message) -> String {
    let kind = match message.kind().and_then(MessageKind::from_code) {
        Some(MessageKind::Open) => "OPEN",
        Some(MessageKind::Update) => "UPDATE",
        Some(MessageKind::Notification) => "NOTIFICATION",
        Some(MessageKind::Keepalive) => "KEEPALIVE",
        Some(MessageKind::RouteRefresh) => "ROUTE-REFRESH",
        None => "no message",
    };
    let cut = if message.octets.len() < message.len {
        format!(", {} kept", message.octets.len())
    } else {
        String::new()
    };
    format!("{} {:<8} {kind}, {} octets{cut}", at(message.at), message.way.name(), message.len)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len().saturating_mul(2)), |mut text, octet| {
        // Writing to a String cannot fail.
        write!(text, "{octet:02x}").unwrap_or_default();
        text
    })
}
