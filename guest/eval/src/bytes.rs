//! Comparing bytes a word at a time. In WebAssembly the library's comparison goes byte by byte.

use core::cmp::Ordering;

/// Whether two byte strings are the same.
#[inline]
pub(crate) fn equal(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    if let (Some(head), Some(other_head)) = (one.first_chunk::<8>(), other.first_chunk::<8>())
        && let (Some(tail), Some(other_tail)) = (one.last_chunk::<8>(), other.last_chunk::<8>())
    {
        // The two words overlap, and meet for up to 16 bytes.
        if (word(head) ^ word(other_head)) | (word(tail) ^ word(other_tail)) != 0 {
            return false;
        }
        return one.len() <= 16 || equal_inside(one, other);
    }
    if let (Some(head), Some(other_head)) = (one.first_chunk::<4>(), other.first_chunk::<4>())
        && let (Some(tail), Some(other_tail)) = (one.last_chunk::<4>(), other.last_chunk::<4>())
    {
        return head == other_head && tail == other_tail;
    }
    let mut differ = 0;
    for (byte, other) in one.iter().zip(other) {
        differ |= byte ^ other;
    }
    differ == 0
}

fn equal_inside(one: &[u8], other: &[u8]) -> bool {
    let (words, _) = one.as_chunks::<8>();
    let (others, _) = other.as_chunks::<8>();
    words
        .iter()
        .zip(others)
        .all(|(one, other)| word(one) == word(other))
}

/// The order of two byte strings, which is the order of code points in UTF-8.
pub(crate) fn compare(one: &[u8], other: &[u8]) -> Ordering {
    let (words, _) = one.as_chunks::<8>();
    let (others, _) = other.as_chunks::<8>();
    let mut same = 0;
    for (one, other) in words.iter().zip(others) {
        if word(one) != word(other) {
            break;
        }
        same += 8;
    }
    let (one, other) = (
        one.get(same..).unwrap_or_default(),
        other.get(same..).unwrap_or_default(),
    );
    for (byte, other_byte) in one.iter().zip(other) {
        if byte != other_byte {
            return byte.cmp(other_byte);
        }
    }
    one.len().cmp(&other.len())
}

#[inline]
fn word(bytes: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn agrees_with_the_library_at_every_length() {
        for len in 0..40usize {
            let one: Vec<u8> = (0..len as u8).collect();
            assert!(equal(&one, &one.clone()));
            assert_eq!(compare(&one, &one.clone()), Ordering::Equal);
            for position in 0..len {
                let mut other = one.clone();
                other[position] ^= 0x80;
                assert!(!equal(&one, &other), "{len} {position}");
                assert_eq!(compare(&one, &other), one.cmp(&other));
                assert_eq!(compare(&other, &one), other.cmp(&one));
                let shorter = &one[..position];
                assert!(!equal(&one, shorter));
                assert_eq!(compare(&one, shorter), Ordering::Greater);
                assert_eq!(compare(shorter, &one), Ordering::Less);
            }
        }
    }
}
