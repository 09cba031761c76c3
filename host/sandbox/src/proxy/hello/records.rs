//! Records of TLS, and the message that is put together of them.

use super::cursor::Cursor;
use super::{CLIENT_HELLO, HANDSHAKE, HelloError, MOST_HELLO};

/// The longest record.
const MOST_RECORD: usize = (1 << 14) + 256;

/// The body of the first handshake message, put together of its records.
pub(super) fn message(bytes: &[u8], skipped: &[u8]) -> Result<Option<Vec<u8>>, HelloError> {
    let mut rest = Cursor(bytes);
    let mut handshake = Vec::new();
    loop {
        let Some(kind) = rest.u8() else {
            return Ok(None);
        };
        // Between the records of one message nothing else may come.
        let is_skipped = handshake.is_empty() && skipped.contains(&kind);
        if kind != HANDSHAKE && !is_skipped {
            return Err(if handshake.is_empty() {
                HelloError::NotTls
            } else {
                HelloError::Malformed
            });
        }
        let Some([major, _]) = rest.array() else {
            return Ok(None);
        };
        if major != 3 {
            return Err(HelloError::NotTls);
        }
        let Some(length) = rest.u16() else {
            return Ok(None);
        };
        if usize::from(length) > MOST_RECORD || (length == 0 && !is_skipped) {
            return Err(HelloError::Malformed);
        }
        let (part, is_whole) = match rest.take(usize::from(length)) {
            Some(part) => (part, true),
            None => (rest.0, false),
        };
        if !is_skipped {
            handshake.extend_from_slice(part);
            if let Some(body) = body(&handshake)? {
                return Ok(Some(body.to_vec()));
            }
        }
        if !is_whole {
            return Ok(None);
        }
    }
}

/// The body of a client's hello, once it is whole.
fn body(handshake: &[u8]) -> Result<Option<&[u8]>, HelloError> {
    let mut cursor = Cursor(handshake);
    let Some(kind) = cursor.u8() else {
        return Ok(None);
    };
    if kind != CLIENT_HELLO {
        return Err(HelloError::Malformed);
    }
    let Some([high, middle, low]) = cursor.array() else {
        return Ok(None);
    };
    let [a, b, c] = [high, middle, low].map(usize::from);
    let length = a << 16 | b << 8 | c;
    if length > MOST_HELLO {
        return Err(HelloError::TooLong);
    }
    Ok(cursor.take(length))
}
