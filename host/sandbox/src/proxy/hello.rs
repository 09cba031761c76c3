//! What a TLS client says first: to whom it wants to speak.
//!
//! The bytes come from a program that the agent may control. They are read once, in order, without trust in any length. Of the libraries,
//! the one in the tree reads such a message for servers and does not tell which extensions it has, which is what must be known here; a test
//! compares the two.

mod cursor;
mod records;

use self::cursor::Cursor;
use self::records::message;

/// The most bytes that a client may send before it is known to whom it speaks. A hello with keys that resist quantum computers has 2 KiB.
pub(crate) const MOST_HELLO: usize = 32 * 1024;

/// The record of an alert.
const ALERT: u8 = 21;
/// The record of a handshake message.
const HANDSHAKE: u8 = 22;
/// Records that a client may send between its first and its second hello: a change of cipher that means nothing, and early data.
const CHANGE_CIPHER: u8 = 20;
const APPLICATION_DATA: u8 = 23;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

const SERVER_NAME: u16 = 0;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// The alert that tells a client that it has no access.
pub(crate) const ACCESS_DENIED: [u8; 7] = [ALERT, 3, 3, 0, 2, 2, 49];

/// The random bytes of a server that asks the client to say hello again (RFC 8446, 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What is known of a client's hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hello {
    /// The server that it names, as it wrote it. None: it names none.
    pub(crate) server_name: Option<String>,
    /// Whether it also names one that only the server can read.
    pub(crate) hides_another: bool,
}

/// Why bytes are no hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HelloError {
    /// The first byte begins no handshake: this is another protocol.
    #[error("this is not TLS")]
    NotTls,
    /// A handshake that does not begin with a hello, or one that breaks the format.
    #[error("the TLS client hello is malformed")]
    Malformed,
    /// It goes on and on.
    #[error("the TLS client hello is longer than {MOST_HELLO} bytes")]
    TooLong,
}

/// Reads the hello of a client from the first bytes of a connection. None: it goes on.
///
/// # Errors
///
/// There will be no hello, whatever follows.
pub(crate) fn first(bytes: &[u8]) -> Result<Option<Hello>, HelloError> {
    read(bytes, &[])
}

/// Reads the second hello of a client, which may come after records that mean nothing to this reader. None: it goes on.
///
/// # Errors
///
/// As [`first`].
pub(crate) fn second(bytes: &[u8]) -> Result<Option<Hello>, HelloError> {
    read(bytes, &[CHANGE_CIPHER, APPLICATION_DATA])
}

/// Whether the first record of a server asks the client to say hello again. None: that cannot be told yet. A yes comes with the whole record,
/// which the client needs to answer.
pub(crate) fn asks_again(bytes: &[u8]) -> Option<bool> {
    let mut cursor = Cursor(bytes);
    if cursor.u8()? != HANDSHAKE {
        return Some(false);
    }
    // The version.
    cursor.take(2)?;
    let length = usize::from(cursor.u16()?);
    let record = cursor.0;
    if cursor.u8()? != SERVER_HELLO {
        return Some(false);
    }
    // The length of the message and its version.
    cursor.take(5)?;
    if cursor.take(32)? != RETRY {
        return Some(false);
    }
    (record.len() >= length).then_some(true)
}

fn read(bytes: &[u8], skipped: &[u8]) -> Result<Option<Hello>, HelloError> {
    let found = message(bytes, skipped)?;
    let Some(message) = found else {
        let is_too_long = bytes.len() >= MOST_HELLO;
        return if is_too_long {
            Err(HelloError::TooLong)
        } else {
            Ok(None)
        };
    };
    client_hello(&message)
        .map(Some)
        .ok_or(HelloError::Malformed)
}

/// RFC 8446, 4.1.2. None: malformed.
fn client_hello(body: &[u8]) -> Option<Hello> {
    let mut cursor = Cursor(body);
    let mut hello = Hello {
        server_name: None,
        hides_another: false,
    };
    // Version and random bytes.
    cursor.take(2 + 32)?;
    // The id of a session, ciphers, compressions.
    cursor.list8()?;
    cursor.list16()?;
    cursor.list8()?;
    if cursor.0.is_empty() {
        return Some(hello);
    }
    let mut extensions = Cursor(cursor.list16()?);
    if !cursor.0.is_empty() {
        return None;
    }
    let mut has_name = false;
    while !extensions.0.is_empty() {
        let kind = extensions.u16()?;
        let content = extensions.list16()?;
        match kind {
            SERVER_NAME if has_name => return None,
            SERVER_NAME => {
                has_name = true;
                hello.server_name = Some(server_name(content)?);
            }
            ENCRYPTED_CLIENT_HELLO => hello.hides_another = true,
            _ => {}
        }
    }
    Some(hello)
}

/// RFC 6066, 3: one name of one kind. Lists of several were never used; who sends one wants two readers to disagree.
fn server_name(content: &[u8]) -> Option<String> {
    let mut cursor = Cursor(content);
    let mut list = Cursor(cursor.list16()?);
    let kind = list.u8()?;
    let name = list.list16()?;
    if kind != 0 || name.is_empty() || !list.0.is_empty() || !cursor.0.is_empty() {
        return None;
    }
    let name = std::str::from_utf8(name).ok()?;
    name.is_ascii().then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rustls::pki_types::ServerName;

    use super::*;

    fn said(name: &str) -> Vec<u8> {
        let roots = rustls::RootCertStore::empty();
        let config = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut client = rustls::ClientConnection::new(std::sync::Arc::new(config), name).unwrap();
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        bytes
    }

    fn others_read(bytes: &[u8]) -> Result<Option<Option<String>>, ()> {
        let mut acceptor = rustls::server::Acceptor::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            acceptor.read_tls(&mut rest).map_err(drop)?;
            match acceptor.accept() {
                Ok(Some(accepted)) => {
                    return Ok(Some(
                        accepted.client_hello().server_name().map(str::to_owned),
                    ));
                }
                Ok(None) => {}
                Err(_) => return Err(()),
            }
        }
        Ok(None)
    }

    /// A hello with these extensions.
    fn hello(extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 1, 1, 0]);
        let mut list = Vec::new();
        for (kind, content) in extensions {
            list.extend(kind.to_be_bytes());
            list.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
            list.extend(*content);
        }
        body.extend(u16::try_from(list.len()).unwrap().to_be_bytes());
        body.extend(list);
        let mut message = vec![CLIENT_HELLO];
        message.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
        message.extend(body);
        message
    }

    fn records(message: &[u8], size: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in message.chunks(size) {
            bytes.extend([HANDSHAKE, 3, 1]);
            bytes.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
            bytes.extend(part);
        }
        bytes
    }

    fn name_list(names: &[(u8, &str)]) -> Vec<u8> {
        let mut list = Vec::new();
        for (kind, name) in names {
            list.push(*kind);
            list.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
            list.extend(name.bytes());
        }
        let mut content = u16::try_from(list.len()).unwrap().to_be_bytes().to_vec();
        content.extend(list);
        content
    }

    #[test]
    fn what_a_real_client_says_is_read() {
        let bytes = said("shop.example");
        let read = first(&bytes).unwrap().unwrap();
        assert_eq!(read.server_name.as_deref(), Some("shop.example"));
        assert!(!read.hides_another);
        for length in 0..bytes.len() {
            assert_eq!(first(&bytes[..length]), Ok(None), "{length}");
        }
        let mut late = vec![
            CHANGE_CIPHER,
            3,
            3,
            0,
            1,
            1,
            APPLICATION_DATA,
            3,
            3,
            0,
            2,
            9,
            9,
        ];
        late.extend(&bytes);
        assert_eq!(second(&late).unwrap().unwrap(), read);
        assert_eq!(first(&late), Err(HelloError::NotTls));
        // A client names no address.
        assert_eq!(
            first(&said("192.0.2.1")).unwrap().unwrap().server_name,
            None
        );
    }

    #[test]
    fn one_name_in_one_extension_is_read_and_nothing_else() {
        let one = name_list(&[(0, "a.example")]);
        let message = hello(&[(SERVER_NAME, &one)]);
        for size in [1, 2, 5, 50, 1000] {
            let read = first(&records(&message, size)).unwrap().unwrap();
            assert_eq!(
                read.server_name.as_deref(),
                Some("a.example"),
                "in records of {size}"
            );
        }
        let hiding = first(&records(
            &hello(&[(SERVER_NAME, &one), (ENCRYPTED_CLIENT_HELLO, &[0])]),
            1000,
        ));
        assert!(hiding.unwrap().unwrap().hides_another);

        let two = name_list(&[(0, "a.example"), (0, "b.example")]);
        let other = name_list(&[(1, "a.example")]);
        let nothing = name_list(&[]);
        let empty = name_list(&[(0, "")]);
        let not_ascii = name_list(&[(0, "ü.example")]);
        let mut longer = one.clone();
        longer.push(0);
        for extensions in [
            &[(SERVER_NAME, &one[..]), (SERVER_NAME, &one[..])][..],
            &[(SERVER_NAME, &two[..])],
            &[(SERVER_NAME, &other[..])],
            &[(SERVER_NAME, &nothing[..])],
            &[(SERVER_NAME, &empty[..])],
            &[(SERVER_NAME, &not_ascii[..])],
            &[(SERVER_NAME, &longer[..])],
            &[(SERVER_NAME, &one[..5])],
            &[(SERVER_NAME, &[][..])],
        ] {
            assert_eq!(
                first(&records(&hello(extensions), 1000)),
                Err(HelloError::Malformed),
                "{extensions:?}"
            );
        }
        // Something behind the extensions.
        let mut longer = hello(&[(SERVER_NAME, &one)]);
        longer.push(0);
        longer[3] += 1;
        assert_eq!(first(&records(&longer, 1000)), Err(HelloError::Malformed));
    }

    #[test]
    fn other_protocols_and_endless_hellos_are_refused() {
        assert_eq!(first(b"GET / HTTP/1.1\r\n"), Err(HelloError::NotTls));
        assert_eq!(first(b"SSH-2.0-x\r\n"), Err(HelloError::NotTls));
        assert_eq!(first(&[0x80, 0x2e, 1, 3, 1]), Err(HelloError::NotTls));
        assert_eq!(first(&[HANDSHAKE, 3, 1, 0, 0]), Err(HelloError::Malformed));
        assert_eq!(
            first(&[HANDSHAKE, 3, 1, 0xff, 0xff]),
            Err(HelloError::Malformed)
        );
        assert_eq!(
            first(&[HANDSHAKE, 3, 1, 0, 4, SERVER_HELLO, 0, 0, 0]),
            Err(HelloError::Malformed)
        );
        assert_eq!(
            first(&[HANDSHAKE, 3, 1, 0, 4, CLIENT_HELLO, 1, 0, 0]),
            Err(HelloError::TooLong)
        );
        assert_eq!(
            first(&[HANDSHAKE, 3, 1, 0, 1, 1, ALERT]),
            Err(HelloError::Malformed)
        );
        let drip = [CHANGE_CIPHER, 3, 3, 0, 0].repeat(MOST_HELLO / 5 + 1);
        assert_eq!(second(&drip), Err(HelloError::TooLong));
    }

    #[test]
    fn a_server_that_asks_again_is_noticed() {
        let mut again = vec![HANDSHAKE, 3, 3, 0, 44, SERVER_HELLO, 0, 0, 40, 3, 3];
        again.extend(RETRY);
        again.extend([0; 6]);
        for length in 0..again.len() {
            assert_eq!(asks_again(&again[..length]), None, "{length}");
        }
        assert_eq!(asks_again(&again), Some(true));
        again[20] ^= 1;
        assert_eq!(asks_again(&again), Some(false));
        assert_eq!(asks_again(&[ALERT]), Some(false));
        assert_eq!(asks_again(&[HANDSHAKE, 3, 3, 0, 4, 11]), Some(false));
    }

    proptest! {
        /// Of what both read as a hello, they read the same name.
        #[test]
        fn the_name_is_the_one_that_a_server_reads(place in 0usize..600, byte: u8, size in 1usize..700) {
            let whole = said("shop.example");
            let mut message = whole[5..].to_vec();
            if let Some(changed) = message.get_mut(place) {
                *changed = byte;
            }
            let bytes = records(&message, size);
            if let (Ok(Some(ours)), Ok(Some(theirs))) = (first(&bytes), others_read(&bytes)) {
                // The other reader leaves out a name that is none.
                if theirs.is_some() || ours.server_name.is_none() {
                    prop_assert_eq!(ours.server_name.map(|name| name.to_ascii_lowercase()), theirs.map(|name| name.to_ascii_lowercase()));
                }
            }
        }

        #[test]
        fn reading_ends(bytes: Vec<u8>) {
            let _ = (first(&bytes), second(&bytes), asks_again(&bytes));
        }
    }
}
