//! Who may read a file: its owner, and whom its access list names. systemd gives credentials to a service by such a
//! list, behind a mode that looks like the group's.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;

use rustix::io::Errno;

/// What group and others may do with a file. Where there is an access list, the group's part is the most that this may
/// allow.
const OTHERS: u32 = 0o077;
/// The attribute that a file's access list is (acl(5)).
const ACCESS_LIST: &str = "system.posix_acl_access";
/// More entries than anybody writes for one reader.
const MAX_LIST: usize = 4 + 8 * 32;
const ROOT: u32 = 0;

/// Who else than its one reader may use a file, in words; none where nobody. Root may use any file, and is no reader. The
/// one reader is this process's user; of root, who may be checking for another user, it is whoever that is.
///
/// # Errors
/// The access list cannot be read.
pub(super) fn strangers(file: &File, metadata: &Metadata) -> io::Result<Option<&'static str>> {
    let others = metadata.mode() & OTHERS != 0;
    let mut list = [0; MAX_LIST];
    let named = match rustix::fs::fgetxattr(file, ACCESS_LIST, &mut list) {
        Ok(len) => match list.get(..len).and_then(named_readers) {
            Some(named) => named,
            None => return Ok(Some("whoever its access list allows")),
        },
        Err(Errno::NODATA | Errno::OPNOTSUPP) if others => return Ok(Some("others than its owner")),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let user = rustix::process::geteuid().as_raw();
    Ok((!is_one(metadata.uid(), &named, user)).then_some("more than one user"))
}

/// Whether owner and named readers are one user, root apart, and that the one who asks.
fn is_one(owner: u32, named: &[u32], user: u32) -> bool {
    let mut readers = std::iter::once(owner).chain(named.iter().copied()).filter(|reader| *reader != ROOT);
    match (readers.next(), user) {
        (None, _) => true,
        (Some(first), ROOT) => readers.all(|reader| reader == first),
        (Some(first), user) => first == user && readers.all(|reader| reader == user),
    }
}

/// The users that an access list names, where it allows nothing to any group and to others: a version of 2 in four
/// octets, then entries of tag, permissions and id, all little-endian.
fn named_readers(list: &[u8]) -> Option<Vec<u32>> {
    let entries = list.strip_prefix(&2_u32.to_le_bytes())?;
    let (entries, []) = entries.as_chunks::<8>() else { return None };
    let mut named = Vec::new();
    for [tag_low, tag_high, permissions, _, id @ ..] in entries {
        match (u16::from_le_bytes([*tag_low, *tag_high]), *permissions) {
            // The owner, and the mask.
            (0x01 | 0x10, _) => {}
            // A named user.
            (0x02, 0) => {}
            (0x02, _) => named.push(u32::from_le_bytes(*id)),
            // The group, a named one, all others.
            (0x04 | 0x08 | 0x20, 0) => {}
            (_, _) => return None,
        }
    }
    Some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: u32 = u32::MAX;

    fn list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let entry = |(tag, permissions, id): &(u16, u16, u32)| {
            [&tag.to_le_bytes()[..], &permissions.to_le_bytes(), &id.to_le_bytes()].concat()
        };
        [2_u32.to_le_bytes().to_vec(), entries.iter().flat_map(entry).collect()].concat()
    }

    #[test]
    fn systemds_list_names_the_services_user_and_nobody_else() {
        let owner = (0x01, 4, NOBODY);
        let (mask, others) = ((0x10, 4, NOBODY), (0x20, 0, NOBODY));
        let of = |group: u16, more: &[(u16, u16, u32)]| {
            let all = [&[owner, (0x04, group, NOBODY), mask, others][..], more].concat();
            named_readers(&list(&all))
        };
        assert_eq!(of(0, &[(0x02, 4, 61_184)]), Some(vec![61_184]));
        assert_eq!(of(0, &[(0x02, 0, 1000)]), Some(vec![]));
        assert_eq!(of(4, &[(0x02, 4, 61_184)]), None, "the group");
        assert_eq!(of(0, &[(0x08, 4, 100)]), None, "a named group");
        assert_eq!(of(0, &[(0x20, 4, NOBODY)]), None, "others");
        assert_eq!(of(0, &[(0x40, 0, NOBODY)]), None, "what no list has");
        let whole = list(&[owner]);
        for len in (0..whole.len()).filter(|len| *len != 4) {
            assert_eq!(named_readers(&whole[..len]), None, "{len} octets");
        }
    }

    #[test]
    fn one_user_and_root_are_one_reader() {
        for (owner, named, user, expected) in [
            (0, vec![], 0, true),
            (0, vec![], 1000, true),
            (1000, vec![], 1000, true),
            (1000, vec![], 0, true),
            (0, vec![1000], 1000, true),
            (0, vec![1000], 0, true),
            (0, vec![1000, 1001], 0, false),
            (1000, vec![1001], 0, false),
            (1001, vec![], 1000, false),
            (1001, vec![1000], 1000, false),
        ] {
            assert_eq!(is_one(owner, &named, user), expected, "{owner} {named:?} {user}");
        }
    }
}
